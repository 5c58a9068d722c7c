use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float64Type};

use super::{contract, counts, integers, mart, mart_with, targets};
use crate::diag::Code;
use crate::publish::schema::DESCRIPTION;
use crate::publish::{RateColumns, Targets, published_schema};
use crate::spec::Sensitivity;

#[test]
fn rates_limits_and_targets_are_those_worked_out_by_hand() {
    let (spec, targets) = (mart(), targets());
    let rates = RateColumns::new("waits", &spec, &contract(), &targets).expect("resolves");
    let got = rates
        .add(&counts(&[
            ("2026-02-01", "RVV", Some(371.5), Some(286.5)),
            ("2026-03-01", "RVV", Some(371.5), Some(286.5)),
            ("2026-03-01", "RWF", Some(0.0), Some(0.0)),
            ("2026-04-01", "RN7", Some(10.0), Some(8.0)),
            ("2024-01-01", "RN7", Some(10.0), Some(10.0)),
            ("2026-03-01", "RPA", None, Some(1.0)),
        ]))
        .expect("adds");
    let names: Vec<_> = got
        .schema()
        .fields()
        .iter()
        .map(|f| f.name().clone())
        .collect();
    assert_eq!(
        names,
        [
            "month",
            "trust_code",
            "total",
            "within",
            "within_pct",
            "within_pct_lower",
            "within_pct_upper",
            "within_pct_target",
            "within_pct_target_met"
        ]
    );
    let total = got.column(2).as_primitive::<Decimal128Type>();
    assert_eq!(total.value(0), 3715);
    let column = |i: usize| got.column(i).as_primitive::<Float64Type>();
    let rounded = |i: usize, row: usize| (column(i).value(row) * 1e4).round() / 1e4;
    assert_eq!(
        [rounded(4, 0), rounded(5, 0), rounded(6, 0)],
        [0.7712, 0.7258, 0.8110]
    );
    // 0 of 0 is null, and so is whether it met the target; the target itself is known.
    assert!((4..7).all(|i| got.column(i).is_null(2)));
    let met = got.column(8).as_boolean();
    assert!(met.is_null(2) && column(7).value(2) == 0.80);
    // February has the old target, March the new; exactly at it is met.
    assert!(met.value(0) && !met.value(1) && met.value(3));
    assert_eq!((column(7).value(0), column(7).value(1)), (0.75, 0.80));
    // Before any target there is nothing to meet; 10 of 10 reaches 1 exactly.
    assert!(column(7).is_null(4) && met.is_null(4));
    assert_eq!(column(6).value(4), 1.0);
    assert!(column(4).is_null(5));
}

/// 12 events of 20,000 by Byar's formula, 9 by the chi-squared table, none by -ln(0.025). The column that
/// names the trust stands in for one that names the unit.
#[test]
fn a_row_is_worked_out_in_its_own_unit() {
    let (spec, targets) = (mart_with("unit_column: trust_code"), targets());
    let rates = RateColumns::new("waits", &spec, &contract(), &targets).expect("resolves");
    let got = rates
        .add(&counts(&[
            ("2026-02-01", "per_100_000", Some(20_000.0), Some(12.0)),
            ("2026-02-01", "per_100_000", Some(20_000.0), Some(9.0)),
            ("2026-02-01", "per_100_000", Some(20_000.0), Some(0.0)),
            ("2026-02-01", "proportion", Some(371.5), Some(286.5)),
            // More events than people; of nobody, with an event and without; of an unknown number.
            ("2026-02-01", "per_100_000", Some(220.0), Some(250.0)),
            ("2026-02-01", "per_100_000", Some(0.0), Some(3.0)),
            ("2026-02-01", "per_100_000", Some(0.0), Some(0.0)),
            ("2026-02-01", "per_100_000", None, Some(3.0)),
        ]))
        .expect("adds");
    let column = |i: usize| got.column(i).as_primitive::<Float64Type>();
    let rounded = |row: usize| [4, 5, 6].map(|i| (column(i).value(row) * 1e4).round() / 1e4);
    assert_eq!(rounded(0), [60.0, 30.9675, 104.8143]);
    assert_eq!(rounded(1), [45.0, 20.5769, 85.4240]);
    assert_eq!(rounded(2), [0.0, 0.0, 18.4444]);
    assert_eq!(rounded(3), [0.7712, 0.7258, 0.8110]);
    assert_eq!(rounded(4)[0], 113_636.363_6);
    for row in 5..8 {
        assert!((4..7).all(|i| got.column(i).is_null(row)), "row {row}");
    }
    let schema = got.schema();
    let meaning = &schema.field(4).metadata()[DESCRIPTION];
    assert_eq!(meaning, "within over total (in the row's trust_code)");
    let limit = &schema.field(5).metadata()[DESCRIPTION];
    assert!(limit.contains("Wilson") && limit.contains("exact below 10"));
}

#[test]
fn what_is_no_rate_or_no_unit_stops_the_mart() {
    let targets = targets();
    let fault = |more: &str, row: super::Count<'_>| {
        let spec = mart_with(more);
        let rates = RateColumns::new("waits", &spec, &contract(), &targets).expect("resolves");
        let found = rates.add(&counts(&[row])).expect_err("refuses");
        let first = found.iter().next().expect("a finding");
        assert_eq!(first.code, Code::Check);
        first.message.clone()
    };
    let below = ("2026-03-01", "per_100_000", Some(9.0), Some(-1.0));
    let said = fault("unit: per_100_000", below);
    assert!(
        said.contains("is not a rate") && said.contains("month=2026-03-01"),
        "{said}"
    );
    let above = ("2026-03-01", "proportion", Some(1.0), Some(1.5));
    assert!(fault("unit_column: trust_code", above).contains("is not a proportion"));
    let odd = ("2026-03-01", "per_1000", Some(9.0), Some(1.0));
    assert!(fault("unit_column: trust_code", odd).contains("`trust_code` is no unit"));
    // A share of 0.75 is met by any rate per 100,000 above it.
    let rate = ("2026-03-01", "RVV", Some(9.0), Some(1.0));
    let said = fault("unit: per_100_000, target: d62", rate);
    assert!(said.contains("target `d62`, which is a share"), "{said}");
}

#[test]
fn the_schema_readers_see_is_known_before_any_row() {
    let spec = mart();
    let schema = published_schema(&contract(), &spec);
    assert_eq!(schema.fields().len(), 9);
    assert_eq!(*schema.field(8).data_type(), DataType::Boolean);
    assert_eq!(schema.field(0).metadata()[DESCRIPTION], "Census month.");
    // A second key would make the bytes of the file a matter of chance.
    assert!(schema.fields().iter().all(|f| f.metadata().len() <= 1));
    assert!(schema.fields().iter().skip(4).all(|f| f.is_nullable()));
}

#[test]
fn a_numerator_above_its_denominator_stops_the_mart() {
    let targets = targets();
    let mut spec = mart();
    let rows = counts(&[
        ("2026-03-01", "RN7", Some(1.0), Some(1.0)),
        ("2026-03-01", "RVV", Some(1.0), Some(1.5)),
    ]);
    let fault = |spec: &crate::spec::Mart| {
        let rates = RateColumns::new("waits", spec, &contract(), &targets).expect("resolves");
        rates.add(&rows).expect_err("refuses")
    };
    let found = fault(&spec);
    let first = found.iter().next().expect("a finding");
    assert_eq!(first.code, Code::Check);
    assert!(
        first.message.contains("`within_pct` of mart.waits"),
        "{}",
        first.message
    );
    assert!(
        first.message.contains("month=2026-03-01, trust_code=RVV"),
        "{}",
        first.message
    );
    // Where rows are about persons no key is shown.
    spec.sensitivity = Some(Sensitivity::Pseudonymised);
    assert!(!fault(&spec).to_string().contains("RVV"));
}

#[test]
fn counts_that_do_not_fit_their_type_are_told_by_column() {
    let (spec, targets) = (mart(), targets());
    let rates = RateColumns::new("waits", &spec, &contract(), &targets).expect("resolves");
    let small = counts(&[("2026-03-01", "RN7", Some(1.0), Some(1.0))]);
    let mut columns = small.columns().to_vec();
    columns[2] = integers(&[100_000_000_000]);
    let named = ["month", "trust_code", "total", "within"]
        .into_iter()
        .zip(columns);
    let large = datafusion::arrow::array::RecordBatch::try_from_iter(named).expect("a batch");
    let found = rates.add(&large).expect_err("overflows");
    let first = found.iter().next().expect("a finding");
    assert_eq!(first.code, Code::Overflow);
    assert!(first.message.contains("`total`") && !first.message.contains("100000000000"));
}

#[test]
fn a_rate_that_cannot_be_made_is_told_before_any_row() {
    let spec = mart();
    let none = Targets::default();
    let found = RateColumns::new("waits", &spec, &contract(), &none);
    assert!(found.expect_err("no target").to_string().contains("`d62`"));
    let targets = targets();
    let mut spec = mart();
    spec.grain.remove(0);
    let found = RateColumns::new("waits", &spec, &contract(), &targets);
    assert!(found.expect_err("no date").to_string().contains("date"));
}
