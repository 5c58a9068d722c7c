//! SQL with every function known, for the tests beside them, and that all are documented.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::compile::session::config;

/// A session in the house's dialect.
pub(super) fn context(partitions: usize) -> SessionContext {
    let config = config(partitions)
        .with_default_catalog_and_schema("datafusion", "public")
        .with_create_default_catalog_and_schema(true)
        .with_batch_size(7);
    let context = SessionContext::new_with_config(config);
    super::register(&context);
    context
}

#[allow(clippy::disallowed_methods)] // a SELECT of the test's own
pub(super) async fn rows(context: &SessionContext, select: &str) -> Result<Vec<RecordBatch>> {
    context.sql(select).await?.collect().await
}

/// The answer as a table.
pub(super) async fn answer(select: &str) -> String {
    let rows = rows(&context(2), select).await.expect("runs");
    pretty_format_batches(&rows).expect("prints").to_string()
}

/// The answer as a table, which is the same however many partitions the rows are dealt to.
pub(super) async fn answer_in_any_partitions(select: &str) -> String {
    let mut tables = Vec::new();
    for partitions in [1, 2, 8] {
        let rows = rows(&context(partitions), select).await.expect("runs");
        tables.push(pretty_format_batches(&rows).expect("prints").to_string());
    }
    assert_eq!(tables[0], tables[1]);
    assert_eq!(tables[0], tables[2]);
    tables.swap_remove(0)
}

/// Why there is none.
pub(super) async fn refusal(select: &str) -> String {
    match rows(&context(2), select).await {
        Ok(rows) => panic!("{}", pretty_format_batches(&rows).expect("prints")),
        Err(e) => e.to_string(),
    }
}

#[test]
fn every_function_is_documented_and_no_other() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/functions.md");
    let page = std::fs::read_to_string(path).expect("docs/functions.md");
    // The first cell of every row of a table holds signatures: `name(arguments)`.
    let documented: std::collections::BTreeSet<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter_map(|signature| Some(signature.split_once('(')?.0))
        .collect();
    let scalars = super::scalars();
    let (aggregates, windows) = (super::aggregates(), super::windows());
    let names = scalars
        .iter()
        .flat_map(|f| std::iter::once(f.name()).chain(f.aliases().iter().map(String::as_str)));
    let names = names.chain(aggregates.iter().map(|f| f.name()));
    let names: std::collections::BTreeSet<&str> =
        names.chain(windows.iter().map(|f| f.name())).collect();
    let theirs: std::collections::BTreeSet<&str> =
        ["median", "percentile_cont"].into_iter().collect();
    let missing: Vec<_> = names.difference(&documented).collect();
    let unknown: Vec<_> = documented
        .iter()
        .filter(|n| !names.contains(**n) && !theirs.contains(**n))
        .collect();
    assert!(missing.is_empty(), "not in docs/functions.md: {missing:?}");
    assert!(unknown.is_empty(), "no such function: {unknown:?}");
}
