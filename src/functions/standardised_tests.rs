use std::sync::Arc;

use super::*;
use crate::functions::tests::{answer, context, refusal, rows};
use datafusion::arrow::array::{ArrayRef, BooleanArray, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use proptest::prelude::*;

#[tokio::test]
async fn a_rate_by_hand() {
    // Rates of 0.01 and 0.03, weights 3 to 1: 0.015.
    let shown = answer(
        "SELECT round(d['value'], 9) AS v, d['lower'] < d['value'] AND d['value'] < d['upper'] AS ok,
                d['events'] AS e, d['population'] AS n, d['weight'] AS w
         FROM (SELECT dsr(x, n, w, 1000) AS d
               FROM (VALUES (10, 1000, 3), (30, 1000, 1)) AS t (x, n, w))",
    )
    .await;
    assert!(
        shown.contains("| 15.0 | true | 40.0 | 2000.0 | 4.0 |"),
        "{shown}"
    );
}

#[tokio::test]
async fn few_none_and_missing() {
    let shown = answer(
        "SELECT g, dsr(x, n, w)['value'] IS NULL AS no_value, dsr(x, n, w)['events'] AS events,
                dsr(x, n, w) IS NULL AS nothing
         FROM (VALUES ('few', 9, 100, 1), ('null x', NULL, 100, 1), ('no rows', NULL, NULL, NULL),
                      ('nobody', 0, 0, 1), ('nobody', 20, 100, 1)) AS t (g, x, n, w)
         GROUP BY g ORDER BY g",
    )
    .await;
    for row in [
        "| few     | true     | 9.0    | false   |",
        "| no rows | true     |        | true    |",
        "| nobody  | true     | 20.0   | false   |",
        "| null x  | true     | 0.0    | false   |",
    ] {
        assert!(shown.contains(row), "{row} is not in\n{shown}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_an_error_that_says_why() {
    let from = "FROM (VALUES (20, 100, 1, 2.5), (30, NULL, 1, 3.5)) AS t (x, n, w, m)";
    for (select, why) in [
        ("dsr(x, n, w)", "dsr: the population is null in a row"),
        ("dsr(x, x, n)", "dsr: the weight is null in a row"),
        (
            "dsr(x, x, w, m)",
            "dsr: the multiplier differs between the rows of a group",
        ),
        ("dsr(x, -x, w)", "dsr: a denominator is below 0"),
        ("dsr(x, x, w, 1, 0.05)", "write 0.95 or 95"),
        ("dsr(DISTINCT x, x, w)", "leave DISTINCT out"),
        (
            "dsr_repeated(x, n, x, w)",
            "the sum of squared events is null in a row",
        ),
        (
            "isr(x, x, x, n)",
            "isr: the reference population is null in a row",
        ),
        ("isr(x, n, x, x)", "isr: the population is null in a row"),
        ("isr(x, 0, x, x)", "isr: there are events, and nobody"),
        (
            "sii_se(w, x, m, x, 'rate')",
            "sii_se: a quantile stands twice in a group",
        ),
        (
            "sii_se(x, x, m, x, 'ratio')",
            "sii_se: a kind is none of 'rate'",
        ),
        (
            "sii_se(x, x, m, x, NULL)",
            "sii_se: the kind is null in a row",
        ),
        (
            "sii_se(x, x, m, x, 'other', true)",
            "only rates and proportions have a transform",
        ),
    ] {
        let said = refusal(&format!("SELECT {select} {from}")).await;
        assert!(said.contains(why), "{select}: {said}");
    }
}

#[tokio::test]
async fn events_of_the_same_person() {
    // Where nobody has two, squares are the events; where they have, limits are wider.
    let shown = answer(
        "SELECT dsr_repeated(x, x, n, w) = dsr(x, n, w) AS same,
                dsr_repeated(x, x * 3, n, w, 1000)['value'] = dsr(x, n, w, 1000)['value'] AS value,
                dsr_repeated(x, x * 3, n, w)['lower'] < dsr(x, n, w)['lower'] AS wider,
                (dsr_repeated(x, NULL, n, w) FILTER (WHERE x = 0))['events'] AS none
         FROM (VALUES (10, 1000, 3), (30, 1000, 1), (0, 1000, 2)) AS t (x, n, w)",
    )
    .await;
    assert!(shown.contains("| true | true  | true  | 0.0  |"), "{shown}");
}

#[tokio::test]
async fn ratios_and_slopes() {
    let shown = answer(
        "SELECT isr(x, n, 10, 1000)['value'] AS ratio, isr(x, n, 10, 1000, 100)['value'] AS hundred,
                isr_rate(x, n, 10, 1000)['value'] AS rate, isr(x, n, 10, 1000)['expected'] AS e
         FROM (VALUES (20, 1000), (40, 3000)) AS t (x, n)",
    )
    .await;
    assert!(
        shown.contains("| 1.5   | 150.0   | 1500.0 | 40.0 |"),
        "{shown}"
    );
    let quintiles = "(VALUES (1, 1.0, 0.9, 1.1), (2, 2.0, 1.9, 2.1), (3, 3.0, 2.9, 3.1),
                            (4, 4.0, 3.9, 4.1), (5, 5.0, 4.9, 5.1)) AS t (q, y, l, u)";
    let shown = answer(&format!(
        "SELECT round(s['sii'], 9) AS sii, round(s['rii'], 9) AS rii,
                s['sii_lower'] < 5 AND 5 < s['sii_upper'] AS around,
                round(sii(q, y, l, u, 100, 'other', false, -1)['sii'], 9) AS turned,
                sii(q, y, l, u, 100, 'other') FILTER (WHERE q < 5) IS NULL AS of_four,
                sii(q, CASE WHEN q < 5 THEN y END, l, u, 100, 'other') IS NULL AS suppressed,
                sii(q, y, CASE WHEN q < 5 THEN l END, u, 100, 'rate')['sii_lower'] IS NULL AS no_limit,
                round(sii_se(q, y, NULL, 100, 'rate', NULL, NULL, 0.998)['sii'], 9) AS se
         FROM (SELECT q, y, l, u, sii(q, y, l, u, 100, 'other') OVER () AS s FROM {quintiles})
         GROUP BY s"
    ))
    .await;
    assert!(
        shown.contains("| 5.0 | 11.0 | true   | -5.0   | true    | true       | true     | 5.0 |"),
        "{shown}"
    );
}

/// The arguments of an aggregate as columns, with its kind and transform where it has them.
fn arguments(at: usize, data: &[Vec<Option<f64>>]) -> Vec<ArrayRef> {
    let work = WORKS[at].0;
    let mut columns: Vec<ArrayRef> = (0..work.data)
        .map(|c| Arc::new(data.iter().map(|row| row[c]).collect::<Float64Array>()) as ArrayRef)
        .collect();
    if work.fields.len() == SII.len() {
        columns.push(Arc::new(StringArray::from(vec!["rate"; data.len()])));
        columns.push(Arc::new(BooleanArray::from(vec![true; data.len()])));
    }
    columns
}

fn accumulated(
    at: usize,
    parts: &[Vec<Vec<Option<f64>>>],
) -> std::result::Result<ScalarValue, String> {
    let width = arguments(at, &[]).len();
    let mut whole = Rows::new(WORKS[at].0, width);
    for part in parts {
        let mut one = Rows::new(WORKS[at].0, width);
        // In two batches, so that a state has grown.
        let (a, b) = part.split_at(part.len() / 2);
        for batch in [a, b] {
            one.update_batch(&arguments(at, batch)).expect("updates");
        }
        let state = one.state().expect("a state");
        let state = state[0].to_array().expect("an array");
        whole.merge_batch(&[state]).expect("merges");
    }
    whole.evaluate().map_err(|e| e.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_same_bits_however_rows_are_parted(
        at in 0..WORKS.len(),
        bands in prop::collection::vec((0_u32..4_000, 1_u32..90_000, 1_u32..7_000), 5..19),
        places in prop::collection::vec((0_usize..6, any::<u32>()), 19),
    ) {
        // Values that do not add up the same in another order.
        let row = |(i, (x, n, w)): (usize, &(u32, u32, u32))| -> Vec<Option<f64>> {
            let (x, n, w) = (f64::from(*x) / 2.0, f64::from(*n) / 3.0, f64::from(*w) / 7.0);
            let number = f64::from(u32::try_from(i + 1).expect("few"));
            let row = match WORKS[at].0.name {
                "dsr" => vec![x, n, w],
                "dsr_repeated" => vec![x, x * 3.0, n, w],
                "isr" | "isr_rate" => vec![x, n, w, n * 3.0],
                "sii" => vec![number, w, w * 0.9, w * 1.2, n],
                _ => vec![number, w, 0.1, n],
            };
            row.into_iter().map(Some).collect()
        };
        let rows: Vec<_> = bands.iter().enumerate().map(row).collect();
        let once = accumulated(at, std::slice::from_ref(&rows));
        let mut shuffled: Vec<_> = rows.iter().zip(&places).collect();
        shuffled.sort_by_key(|(_, place)| place.1);
        let mut parts = vec![Vec::new(); 6];
        for (row, place) in shuffled {
            parts[place.0].push(row.clone());
        }
        prop_assert_eq!(accumulated(at, &parts), once);
    }
}

/// 19 bands in 40 groups, in some order, in batches over partitions.
fn table(order: u32, partitions: usize) -> MemTable {
    let number = |name| Field::new(name, DataType::Float64, true);
    let schema = Arc::new(Schema::new(["g", "x", "n", "w"].map(number).to_vec()));
    let mut given: Vec<[f64; 4]> = (0..760_u32)
        .map(|i| {
            let (g, band) = (i % 40, i / 40);
            let x = f64::from((i * 7919) % 613) / 2.0;
            let n = f64::from((i * 104_729) % 9_973 + 100) / 3.0;
            [f64::from(g), x, n, f64::from(band * 37 % 11 + 1) / 7.0]
        })
        .collect();
    given.sort_by_key(|r| {
        (r[1] * 2.0 + r[2] * 3.0 + r[0]) as u64 * 2_654_435 % (u64::from(order) + 97)
    });
    let mut parts = vec![Vec::new(); partitions];
    for (i, rows) in given.chunks(11).enumerate() {
        let columns = (0..4)
            .map(|c| {
                Arc::new(Float64Array::from_iter_values(rows.iter().map(|r| r[c]))) as ArrayRef
            })
            .collect();
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns).expect("a batch");
        parts[(i * 7 + order as usize) % partitions].push(batch);
    }
    MemTable::try_new(schema, parts).expect("a table")
}

#[tokio::test]
async fn the_same_bits_on_any_number_of_partitions() {
    let mut first: Option<String> = None;
    for partitions in [1, 2, 8] {
        for order in [1, 2, 3] {
            let context = context(partitions);
            context
                .register_table("t", Arc::new(table(order, partitions)))
                .expect("registers");
            let found = rows(
                &context,
                "SELECT g, dsr(x, n, w) AS d, isr(x, n, w, n) AS i, isr_rate(x, n, w, n) AS r,
                        dsr_repeated(x, x * x, n, w) AS v,
                        sii_se(s, n, 0.1, w, 'rate', true) AS s,
                        median(x) AS m, percentile_cont(n, 0.9) AS p
                 FROM (SELECT *, row_number() OVER (PARTITION BY g ORDER BY n, x) AS s FROM t)
                 GROUP BY g ORDER BY g",
            )
            .await
            .expect("runs");
            // Floats are written so that each has its own text.
            let shown = pretty_format_batches(&found).expect("prints").to_string();
            assert!(shown.contains("value: "), "{shown}");
            assert_eq!(&shown, first.get_or_insert(shown.clone()));
        }
    }
}

#[tokio::test]
async fn medians_and_percentiles_of_the_engine_are_exact() {
    let shown = answer(
        "SELECT percentile_cont(x, 0.25) AS q, percentile_cont(x, 0.9) AS p, median(x) AS m
         FROM (VALUES (1.0), (2.0), (4.0), (8.0), (NULL), (16.0), (32.0)) AS t (x)",
    )
    .await;
    // By hand: place 1.25 of 1 2 4 …; place 4.5 of … 16 32; (4 + 8)/2.
    assert!(shown.contains("| 2.5 | 24.0 | 6.0 |"), "{shown}");
    // Between two whole numbers both are a fraction.
    let shown = answer(
        "SELECT median(x) AS m, percentile_cont(x, 0.5) AS p
         FROM (VALUES (1), (2)) AS t (x)",
    )
    .await;
    assert!(shown.contains("| 1.5 | 1.5 |"), "{shown}");
}

#[tokio::test]
async fn squares_of_no_events_and_a_quintile_of_which_nothing_is_said() {
    let squares = refusal(
        "SELECT dsr_repeated(x, s, n, w) FROM (VALUES (0, 5, 1000, 1), (3, 5, 1000, 1)) AS t (x, s, n, w)",
    )
    .await;
    assert!(squares.contains("squared events"), "{squares}");
    let suppressed = answer(
        "SELECT sii(q, v, l, u, n, 'proportion') IS NULL AS none FROM (VALUES
            (1, 0.5, 0.4, 0.6, 100), (2, 0.4, 0.3, 0.5, 100), (3, NULL, NULL, NULL, NULL),
            (4, 0.3, 0.2, 0.4, 100), (5, 0.2, 0.1, 0.3, 100)) AS t (q, v, l, u, n)",
    )
    .await;
    assert!(suppressed.contains("| true |"), "{suppressed}");
}
