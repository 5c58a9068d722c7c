//! Checks on a small mart and the tables it is held against.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray,
};
use datafusion::catalog::MemorySchemaProvider;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use super::{Known, Outcome, Tally, Verdict, check, findings};
use crate::compile::{PlannedCheck, TableKind, TableName};
use crate::diag::{Code, Diagnostics, SourceText};
use crate::engine;
use crate::functions::kernels::dates::from_date;
use crate::spec::{Sensitivity, TableCheck, yaml};
use crate::store::parquet::ParquetWriter;

type Columns = Vec<(&'static str, ArrayRef)>;

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}
fn counts(values: &[Option<i128>]) -> ArrayRef {
    let array = Decimal128Array::from(values.to_vec());
    Arc::new(array.with_precision_and_scale(12, 1).expect("fits"))
}
fn days(values: &[&str]) -> ArrayRef {
    let day = |text: &&str| from_date(text.parse().expect("a date"));
    Arc::new(Date32Array::from_iter_values(values.iter().map(day)))
}

fn register(ctx: &SessionContext, table: &TableName, columns: Columns) {
    let catalog = ctx.catalog("datafusion").expect("a catalogue");
    if catalog.schema(table.kind.word()).is_none() {
        let schema = Arc::new(MemorySchemaProvider::new());
        catalog
            .register_schema(table.kind.word(), schema)
            .expect("registers");
    }
    let batch = RecordBatch::try_from_iter(columns).expect("a batch");
    let rows = MemTable::try_new(batch.schema(), vec![vec![batch]]).expect("a table");
    ctx.register_table(super::subject::reference(table), Arc::new(rows))
        .expect("registers");
}

fn mart() -> TableName {
    TableName::new(TableKind::Mart, "waits")
}

/// Five rows: one grain twice, one trust unknown, one count above its total.
fn waits() -> Columns {
    vec![
        (
            "month",
            days(&[
                "2026-03-01",
                "2026-03-01",
                "2026-04-01",
                "2026-04-01",
                "2026-04-01",
            ]),
        ),
        (
            "trust_code",
            text(&[Some("RN7"), Some("RN7"), Some("RVV"), Some("ZZZ"), None]),
        ),
        ("quintile", Arc::new(Int64Array::from(vec![1, 2, 3, 4, 9]))),
        (
            "total",
            counts(&[Some(100), Some(50), Some(35), Some(20), Some(10)]),
        ),
        (
            "within",
            counts(&[Some(80), Some(50), Some(40), None, Some(10)]),
        ),
    ]
}

fn context() -> SessionContext {
    let ctx = SessionContext::new();
    register(&ctx, &mart(), waits());
    let reference = TableName::new(TableKind::Reference, "trusts");
    register(
        &ctx,
        &reference,
        vec![("code", text(&[Some("RN7"), Some("RVV"), None]))],
    );
    let model = TableName::new(TableKind::Model, "pathways");
    let pathways = vec![
        (
            "month",
            days(&["2026-03-01", "2026-03-01", "2026-04-01", "2026-05-01"]),
        ),
        (
            "total",
            Arc::new(Int64Array::from(vec![7, 8, 6, 0])) as ArrayRef,
        ),
        (
            "weight",
            Arc::new(Float64Array::from(vec![0.1, 0.2, 0.3, 0.4])),
        ),
    ];
    register(&ctx, &model, pathways);
    ctx
}

fn planned(yaml_text: &str) -> PlannedCheck {
    let source = SourceText::new("check.yaml", yaml_text);
    let spec: TableCheck = yaml::read(&source).expect("reads");
    PlannedCheck {
        name: "it".to_owned(),
        spec,
        expression: None,
        filter: None,
        source,
        span: 0..yaml_text.len(),
    }
}

async fn ask_all(checks: &[PlannedCheck], grain: &[&str]) -> Result<Vec<Outcome>, Diagnostics> {
    let grain: Vec<String> = grain.iter().map(|g| (*g).to_owned()).collect();
    let (context, table, kind) = (context(), mart(), Sensitivity::Aggregate);
    let asked = async |counted| {
        let known = Known {
            previous_rows: Some(4),
            counted,
            ..Known::default()
        };
        check(&context, &table, kind, checks, &grain, known).await
    };
    let by_query = asked(None).await;
    // What was counted while the rows were written must be what the query counts.
    let rows = RecordBatch::try_from_iter(waits()).expect("a batch");
    if let Some(tally) = Tally::of(&context, &table, &rows.schema(), kind, checks, &grain) {
        let halves = [rows.slice(0, 2), rows.slice(2, 3)];
        let [mut tally, mut other] = [tally.clone(), tally];
        tally.look_at(&halves[0]);
        other.look_at(&halves[1]);
        tally.add(&other);
        let was_counted = tally.counts().is_some();
        if let Ok(by_query) = &by_query {
            assert!(was_counted);
            assert_eq!(&asked(Some(tally)).await.expect("runs"), by_query);
        }
    }
    by_query
}

async fn ask(yaml_text: &str) -> Outcome {
    let outcomes = ask_all(&[planned(yaml_text)], &[]).await.expect("runs");
    outcomes.into_iter().next().expect("one outcome")
}

async fn told(yaml_text: &str) -> (Verdict, u64, u64) {
    let outcome = ask(yaml_text).await;
    (outcome.verdict(), outcome.broken, outcome.total)
}

#[tokio::test]
async fn the_grain_is_checked_without_being_asked() {
    let outcomes = ask_all(&[], &["month", "trust_code"]).await.expect("runs");
    let (null, unique) = (&outcomes[0], &outcomes[1]);
    assert_eq!(
        (null.name.as_str(), null.broken, null.failed),
        ("grain_not_null", 1, true)
    );
    assert_eq!(null.examples, ["month=2026-04-01, trust_code=null"]);
    assert_eq!(
        (unique.name.as_str(), unique.broken, unique.failed),
        ("grain_unique", 2, true)
    );
    assert_eq!(unique.examples, ["month=2026-03-01, trust_code=RN7"]);
    let outcomes = ask_all(&[], &["quintile"]).await.expect("runs");
    assert!(outcomes.iter().all(|o| o.verdict() == Verdict::Passed));
}

#[tokio::test]
async fn rules_on_single_rows() {
    use Verdict::{Failed, Passed};
    assert_eq!(
        told("not_null: [month, trust_code, within]").await,
        (Failed, 2, 5)
    );
    assert_eq!(told("not_null: [month]").await, (Passed, 0, 5));
    // 4.0 of 3.5 breaks it; an unknown count passes, as in SQL's own CHECK.
    assert_eq!(told("expression: within <= total").await, (Failed, 1, 5));
    assert_eq!(
        told("expression: within <= total\nwhere: quintile < 3").await,
        (Passed, 0, 2)
    );
    let values = "accepted_values: { column: quintile, values: ['1', '2', '3', '4'] }";
    assert_eq!(told(values).await, (Failed, 1, 5));
    let values = "accepted_values: { column: trust_code, values: [RN7, RVV, ZZZ] }";
    assert_eq!(told(values).await, (Passed, 0, 5));
}

#[tokio::test]
async fn thresholds_and_severity_decide() {
    use Verdict::{Failed, Passed, Warned};
    let rule = "expression: within <= total\n";
    let verdict = async |more: &str| told(&format!("{rule}{more}")).await.0;
    assert_eq!(verdict("severity: warn").await, Warned);
    assert_eq!(verdict("error_if: '> 1'").await, Passed);
    assert_eq!(verdict("warn_if: '> 0'\nerror_if: '> 20%'").await, Warned);
    assert_eq!(verdict("error_if: '> 19%'").await, Failed);
    assert_eq!(verdict("severity: warn\nwarn_if: '> 1'").await, Passed);
}

#[tokio::test]
async fn rules_across_rows_and_tables() {
    use Verdict::{Failed, Passed};
    assert_eq!(told("unique: [month, quintile]").await, (Passed, 0, 5));
    assert_eq!(told("unique: [month]").await, (Failed, 5, 5));
    // As in SQL, a null agrees with nothing.
    assert_eq!(
        told("unique: [trust_code]\nwhere: quintile > 2").await,
        (Passed, 0, 3)
    );
    let known = "relationships: { column: trust_code, to: reference.trusts, field: code }";
    assert_eq!(told(known).await, (Failed, 1, 5));
    assert_eq!(
        told(&format!("{known}\nwhere: quintile <> 4")).await,
        (Passed, 0, 4)
    );
    let itself = "relationships: { column: within, to: mart.waits, field: total }";
    assert_eq!(told(itself).await.0, Failed);
}

/// What is on disk may say in its footers what it has: found there or read, the answer is the same.
#[tokio::test]
async fn months_are_looked_for_in_footers_and_then_in_rows() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, months: &[&str]| {
        let rows = RecordBatch::try_from_iter([("month", days(months))]).expect("rows");
        let path = folder.path().join(format!("{name}.parquet"));
        let mut writer = ParquetWriter::create(&path, rows.schema(), &[]).expect("a file");
        writer.write(rows.clone()).expect("writes");
        writer.finish(&[]).expect("finishes");
        (path, rows.schema())
    };
    let (march, schema) = file("march", &["2026-03-01", "2026-03-01"]);
    let (april, _) = file("april", &["2026-04-01"]);
    // What its footer says is enough: its rows cannot be read.
    let mut bytes = std::fs::read(&april).expect("reads");
    bytes[4..40].fill(0xFF);
    std::fs::write(&april, bytes).expect("writes");
    let (spring, _) = file("spring", &["2026-04-01", "2026-05-01"]);
    for (files, broken) in [
        (vec![march.clone(), april], 0),
        (vec![march.clone(), spring], 0),
        (vec![march], 3),
    ] {
        let ctx = context();
        let months = TableName::new(TableKind::Model, "months");
        let on_disk = engine::on_disk(&schema, &files).expect("a table");
        ctx.register_table(super::subject::reference(&months), on_disk)
            .expect("registers");
        let check_of = planned("relationships: { column: month, to: model.months, field: month }");
        let table = mart();
        let (kind, known) = (Sensitivity::Aggregate, Known::default());
        let outcomes = check(&ctx, &table, kind, &[check_of], &[], known).await;
        let outcome = &outcomes.expect("runs")[0];
        assert_eq!((outcome.broken, outcome.total), (broken, 5));
        assert_eq!(outcome.failed, broken > 0);
    }
}

#[tokio::test]
async fn row_counts_now_and_before() {
    use Verdict::{Failed, Passed, Warned};
    assert_eq!(told("row_count: { min: 1, max: 5 }").await, (Passed, 0, 5));
    assert_eq!(told("row_count: { min: 7 }").await, (Failed, 2, 5));
    assert_eq!(
        told("row_count: { max: 1 }\nwhere: quintile > 2").await,
        (Failed, 2, 3)
    );
    let change = async |more: &str| told(&format!("row_count_change: {{ {more} }}")).await;
    // Five now, four before: 25% more.
    assert_eq!(change("error_if: '> 25%'").await, (Passed, 1, 4));
    assert_eq!(change("error_if: '> 24%'").await, (Failed, 1, 4));
    assert_eq!(
        change("warn_if: '> 20%', error_if: '> 50%'").await,
        (Warned, 1, 4)
    );
    let first = check(
        &context(),
        &mart(),
        Sensitivity::Aggregate,
        &[planned("row_count_change: { error_if: '> 0%' }")],
        &[],
        Known::default(),
    )
    .await
    .expect("runs");
    assert!(!first[0].matters());
}

#[tokio::test]
async fn totals_reconcile_across_types_and_missing_groups_differ() {
    use Verdict::{Failed, Passed};
    // 15.0 and 15, 6.5 and 6, nothing and 0.
    let by_month = "reconciles: { to: model.pathways, measure: total, by: [month] }";
    let outcome = ask(by_month).await;
    assert_eq!(
        (outcome.verdict(), outcome.broken, outcome.total),
        (Failed, 2, 3)
    );
    assert_eq!(outcome.examples, ["month=2026-04-01", "month=2026-05-01"]);
    let march = format!("{by_month}\nwarn_if: '> 1'\nerror_if: '> 2'");
    assert_eq!(told(&march).await.0, Verdict::Warned);
    assert_eq!(
        told("reconciles: { to: model.pathways, measure: total }").await,
        (Failed, 1, 1)
    );
    assert_eq!(
        told("reconciles: { to: model.pathways, by: [month] }").await,
        (Failed, 2, 3)
    );
    let itself = "reconciles: { to: mart.waits, measure: within, by: [month, trust_code] }";
    assert_eq!(told(itself).await, (Passed, 0, 4));
}

#[tokio::test]
async fn totals_of_the_same_groups_are_each_told_as_if_alone() {
    let asked = [
        "reconciles: { to: model.pathways, measure: total, by: [month] }",
        "reconciles: { to: model.pathways, by: [month] }\nerror_if: '> 2'",
        "reconciles: { to: model.pathways, measure: total, by: [month] }\nwhere: quintile > 2",
        "reconciles: { to: model.pathways, by: [month] }\nwhere: quintile > 2",
        "reconciles: { to: mart.waits, measure: within, by: [month] }",
        "reconciles: { to: model.pathways, measure: total }",
        "row_count: { min: 1 }",
    ];
    let checks = asked.map(planned);
    let together = ask_all(&checks, &[]).await.expect("runs");
    assert_eq!(together.len(), asked.len());
    for (one, outcome) in asked.iter().zip(&together) {
        let alone = ask(one).await;
        let said = |o: &Outcome| {
            (
                o.verdict(),
                o.broken,
                o.total,
                o.detail.clone(),
                o.examples.clone(),
            )
        };
        assert_eq!(said(outcome), said(&alone), "{one}");
    }
    // Of what cannot be asked it is said alone.
    let unknown = "reconciles: { to: model.pathways, measure: within, by: [month] }";
    let checks = [planned(asked[0]), planned(unknown)];
    let found = ask_all(&checks, &[]).await.expect_err("fails");
    assert_eq!(found.len(), 1, "{found}");
    assert!(
        found
            .to_string()
            .contains("model.pathways has no column `within`"),
        "{found}"
    );
}

#[tokio::test]
async fn an_empty_table_breaks_nothing_but_a_row_count() {
    let ctx = SessionContext::new();
    let none = waits()
        .into_iter()
        .map(|(name, array)| (name, array.slice(0, 0)))
        .collect();
    register(&ctx, &mart(), none);
    let checks = [
        planned("expression: within <= total"),
        planned("unique: [month]"),
        planned("row_count: { min: 1 }"),
    ];
    let grain = ["month".to_owned()];
    let outcomes = check(
        &ctx,
        &mart(),
        Sensitivity::Open,
        &checks,
        &grain,
        Known::default(),
    )
    .await;
    let verdicts: Vec<_> = outcomes
        .expect("runs")
        .iter()
        .map(|o| (o.failed, o.total))
        .collect();
    assert_eq!(
        verdicts,
        [(false, 0), (false, 0), (false, 0), (false, 0), (true, 0)]
    );
}

#[tokio::test]
async fn what_cannot_be_planned_is_told_all_at_once_with_its_place() {
    let checks = [
        planned("not_null: [mnth]"),
        planned("expression: total + 1"),
        planned("expression: totl <= within"),
        planned("accepted_values: { column: quintile, values: [one] }"),
        planned("relationships: { column: trust_code, to: trusts, field: code }"),
    ];
    let found = ask_all(&checks, &["month"])
        .await
        .expect_err("does not plan");
    assert_eq!(found.len(), 5);
    assert!(found.iter().all(|d| d.place.is_some()));
    assert!(
        found
            .iter()
            .any(|d| d.hints.iter().any(|h| h.contains("`month`")))
    );
}

#[tokio::test]
async fn findings_say_where_how_many_and_who() {
    let checks = [
        planned("expression: within <= total"),
        planned("not_null: [trust_code]\nseverity: warn"),
    ];
    let outcomes = ask_all(&checks, &["quintile"]).await.expect("runs");
    let found = findings(&mart(), &outcomes, &checks, Some("waits-team"));
    assert_eq!(found.len(), 2);
    let first = found.iter().next().expect("one");
    assert_eq!(first.code, Code::Check);
    assert_eq!(
        first.message,
        "mart.waits breaks `it`: 1 of 5 rows break `within <= total`"
    );
    assert_eq!(first.hints[0], "for example quintile=3");
    assert_eq!(first.hints[1], "waits-team can mend it");
    assert!(found.has_errors() && outcomes.iter().filter(|o| o.failed).count() == 1);
    let kept = serde_json::to_string(&outcomes).expect("writes");
    assert!(!kept.contains("quintile=3"));
}

#[tokio::test]
async fn no_value_of_a_table_about_persons_is_shown() {
    let checks = [
        planned("expression: within <= total"),
        planned("relationships: { column: trust_code, to: reference.trusts, field: code }"),
        planned("reconciles: { to: model.pathways, measure: total, by: [month] }"),
    ];
    let grain = ["month".to_owned(), "trust_code".to_owned()];
    let ctx = context();
    let outcomes = check(
        &ctx,
        &mart(),
        Sensitivity::Pseudonymised,
        &checks,
        &grain,
        Known::default(),
    )
    .await;
    let outcomes = outcomes.expect("runs");
    assert_eq!(outcomes.iter().filter(|o| o.failed).count(), 5);
    assert!(outcomes.iter().all(|o| o.examples.is_empty()));
    // A fault while running is told without DataFusion's words, which may hold a value.
    let broken = [planned("expression: CAST(trust_code AS INT) > 0")];
    let found = check(
        &ctx,
        &mart(),
        Sensitivity::Pseudonymised,
        &broken,
        &[],
        Known::default(),
    )
    .await;
    let found = found.expect_err("fails").to_string();
    assert!(!found.contains("RN7") && !found.contains("ZZZ"), "{found}");
}
