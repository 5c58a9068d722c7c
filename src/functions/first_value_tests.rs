//! First values by the engine's function and by ours.

use datafusion::arrow::array::{Date32Array, Int64Array, RecordBatch, StringViewArray};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;
use proptest::prelude::*;

use super::*;

type Row = (Option<i64>, Option<String>, Option<i32>, bool);

fn row() -> impl Strategy<Value = Row> {
    (
        prop::option::weighted(0.9, 0_i64..5),
        prop::option::weighted(0.8, "[a-d]|[ab] text of more than twelve bytes"),
        prop::option::weighted(0.8, 0_i32..9),
        any::<bool>(),
    )
}

/// What a SELECT finds in `visits`, by the engine's function or by ours.
#[allow(clippy::disallowed_methods)] // a SELECT of the test's own
async fn found(rows: &[Row], select: &str, partitions: usize, ours: bool) -> String {
    let config = SessionConfig::new().with_target_partitions(partitions);
    let context = SessionContext::new_with_config(config.with_batch_size(4));
    if ours {
        context.register_udaf(first_value());
    }
    let numbers = Int64Array::from_iter_values(0..rows.len() as i64);
    let columns: [(_, ArrayRef, _); 5] = [
        (
            "n",
            Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>()),
            true,
        ),
        (
            "code",
            Arc::new(
                rows.iter()
                    .map(|r| r.1.clone())
                    .collect::<StringViewArray>(),
            ),
            true,
        ),
        (
            "day",
            Arc::new(rows.iter().map(|r| r.2).collect::<Date32Array>()),
            true,
        ),
        (
            "counts",
            Arc::new(rows.iter().map(|r| Some(r.3)).collect::<BooleanArray>()),
            true,
        ),
        ("row", Arc::new(numbers), false),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).expect("a batch");
    let parts: Vec<Vec<RecordBatch>> = (0..partitions)
        .map(|part| {
            let starts = (0..rows.len()).skip(part * 5).step_by(partitions * 5);
            starts
                .map(|from| batch.slice(from, 5.min(rows.len() - from)))
                .collect()
        })
        .collect();
    let table = MemTable::try_new(batch.schema(), parts).expect("a table");
    context
        .register_table("visits", Arc::new(table))
        .expect("registers");
    let frame = context.sql(select).await.expect("plans");
    let rows = frame.collect().await.expect("runs");
    pretty_format_batches(&rows).expect("rows").to_string()
}

proptest! {
    #[test]
    fn it_finds_what_the_engine_finds(
        rows in prop::collection::vec(row(), 1..60),
        // The last tells any two rows apart, so that no answer depends on which comes first.
        first in prop::sample::select(vec![
            "FIRST_VALUE(code ORDER BY day, row)",
            "FIRST_VALUE(code ORDER BY code DESC NULLS LAST, row)",
            "FIRST_VALUE(day ORDER BY day DESC NULLS FIRST, code, row)",
            "FIRST_VALUE(code ORDER BY row) IGNORE NULLS",
            "FIRST_VALUE(row ORDER BY day NULLS FIRST, row DESC) FILTER (WHERE counts)",
        ]),
        partitions in 1_usize..3,
    ) {
        let select = format!("SELECT n, {first} AS first, COUNT(*) AS rows FROM visits GROUP BY n ORDER BY n");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let by_engine = runtime.block_on(found(&rows, &select, partitions, false));
        let by_ours = runtime.block_on(found(&rows, &select, partitions, true));
        prop_assert_eq!(by_ours, by_engine);
    }
}

#[test]
fn rows_that_are_nobody_s_first_are_let_go() {
    let mut firsts = Firsts {
        kinds: vec![DataType::Int64, DataType::Int64],
        ignore_nulls: false,
        converter: RowConverter::new(vec![SortField::new(DataType::Int64)]).expect("rows"),
        batches: Vec::new(),
        keys: Vec::new(),
        first: Vec::new(),
    };
    let rows = 10_000;
    let groups: Vec<usize> = (0..rows).map(|row| row % 3).collect();
    for batch in 0..20_i64 {
        let values = Int64Array::from_iter_values((0..rows as i64).map(|row| row + batch));
        // Later batches come first, and in each the later rows.
        let keys = Int64Array::from_iter_values((0..rows as i64).map(|row| -row - batch * 10_000));
        let columns: [ArrayRef; 2] = [Arc::new(values), Arc::new(keys)];
        firsts
            .update_batch(&columns, &groups, None, 4)
            .expect("takes");
        assert!(firsts.keys.iter().map(Rows::num_rows).sum::<usize>() <= KEPT + 8);
    }
    let one: ArrayRef = firsts.evaluate(EmitTo::First(1)).expect("one");
    let others: ArrayRef = firsts.evaluate(EmitTo::All).expect("all");
    // Row 9,999 of the last batch is of group 0, 9,997 of 1, 9,998 of 2; 3 has none.
    assert_eq!(
        one.as_ref(),
        &Int64Array::from(vec![9_999 + 19]) as &dyn Array
    );
    let expected = Int64Array::from(vec![Some(9_997 + 19), Some(9_998 + 19), None]);
    assert_eq!(others.as_ref(), &expected as &dyn Array);
}
