//! Targets: dated rows, never constants.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type};

use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::functions::kernels::dates::to_date;

/// One row of `reference.targets`: what a measure should reach, and when that counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// The measure.
    pub measure: String,
    /// The first day it is in force.
    pub valid_from: NaiveDate,
    /// The last day it is in force; open if `None`.
    pub valid_to: Option<NaiveDate>,
    /// The share to reach, 0 to 1. At or above it the target is met.
    pub value: f64,
}

/// Every target, by measure.
#[derive(Debug, Clone, Default)]
pub struct Targets(BTreeMap<String, Vec<Target>>);

impl Targets {
    /// Targets ready to be looked up.
    ///
    /// # Errors
    /// Two targets of one measure in force on one day; a share that is not from 0 to 1.
    pub fn new(targets: impl IntoIterator<Item = Target>) -> Result<Self> {
        let mut by_measure: BTreeMap<String, Vec<Target>> = BTreeMap::new();
        for target in targets {
            by_measure
                .entry(target.measure.clone())
                .or_default()
                .push(target);
        }
        let mut found = Diagnostics::default();
        for (measure, rows) in &mut by_measure {
            rows.sort_by_key(|t| t.valid_from);
            if rows.iter().any(|t| !(0.0..=1.0).contains(&t.value)) {
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("a target of `{measure}` is not a share from 0 to 1"),
                    )
                    .hint("write 80% as 0.80 in reference.targets"),
                );
            }
            let overlap = rows
                .windows(2)
                .find(|pair| pair[0].valid_to.is_none_or(|to| to >= pair[1].valid_from));
            if let Some(pair) = overlap {
                found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!(
                            "two targets of `{measure}` are in force on {}",
                            pair[1].valid_from
                        ),
                    )
                    .hint("end the earlier one the day before, in reference.targets"),
                );
            }
        }
        if found.is_empty() {
            Ok(Self(by_measure))
        } else {
            Err(found)
        }
    }

    /// Reads the rows of `reference.targets`: `measure`, `valid_from`, `valid_to`, `value`, and,
    /// where it is given, `direction`, which must be `at_least`.
    ///
    /// # Errors
    /// A column that is missing or of another type; a null where there must be a value; and as
    /// [`Targets::new`].
    pub fn from_batches(batches: &[RecordBatch]) -> Result<Self> {
        let mut targets = Vec::new();
        for batch in batches {
            let column = |name: &str, kind: DataType| {
                batch
                    .column_by_name(name)
                    .and_then(|array| cast(array, &kind).ok())
                    .ok_or_else(|| {
                        unusable(format!(
                            "reference.targets has no column `{name}` of type {kind}"
                        ))
                    })
            };
            let (measure, value) = (
                column("measure", DataType::Utf8)?,
                column("value", DataType::Float64)?,
            );
            let (from, to) = (
                column("valid_from", DataType::Date32)?,
                column("valid_to", DataType::Date32)?,
            );
            let direction = match batch.column_by_name("direction") {
                Some(_) => Some(column("direction", DataType::Utf8)?),
                None => None,
            };
            let measure = measure.as_string::<i32>();
            let value = value.as_primitive::<Float64Type>();
            let (from, to) = (
                from.as_primitive::<Date32Type>(),
                to.as_primitive::<Date32Type>(),
            );
            for row in 0..batch.num_rows() {
                let valid_from = from
                    .is_valid(row)
                    .then(|| to_date(from.value(row)))
                    .flatten();
                let (true, true, Some(valid_from)) =
                    (measure.is_valid(row), value.is_valid(row), valid_from)
                else {
                    return Err(unusable(
                        "a row of reference.targets has no measure, valid_from or value",
                    ));
                };
                if let Some(direction) = &direction {
                    let direction = direction.as_string::<i32>();
                    if direction.is_valid(row) && direction.value(row) != "at_least" {
                        return Err(unusable(format!(
                            "the target of `{}` is to be read `{}`, and only `at_least` is understood",
                            measure.value(row),
                            direction.value(row)
                        )));
                    }
                }
                targets.push(Target {
                    measure: measure.value(row).to_owned(),
                    valid_from,
                    valid_to: to.is_valid(row).then(|| to_date(to.value(row))).flatten(),
                    value: value.value(row),
                });
            }
        }
        Self::new(targets)
    }

    /// Whether there is any target of that measure.
    pub fn knows(&self, measure: &str) -> bool {
        self.0.contains_key(measure)
    }

    /// The measures.
    pub fn measures(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The share to reach that is in force on a day, if any.
    pub fn in_force(&self, measure: &str, on: NaiveDate) -> Option<f64> {
        let rows = self.0.get(measure)?;
        let started = rows.partition_point(|t| t.valid_from <= on);
        let target = rows.get(started.checked_sub(1)?)?;
        target
            .valid_to
            .is_none_or(|to| on <= to)
            .then_some(target.value)
    }
}

fn unusable(message: impl Into<String>) -> Diagnostics {
    Diagnostic::error(Code::WrongValue, message)
        .hint("reference.targets has measure, valid_from, valid_to, value, one row a period")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(from: &str, to: Option<&str>, value: f64) -> Target {
        Target {
            measure: "fds_28".to_owned(),
            valid_from: from.parse().expect("a date"),
            valid_to: to.map(|to| to.parse().expect("a date")),
            value,
        }
    }

    #[test]
    fn the_target_in_force_on_the_day_counts() {
        let targets = Targets::new([
            target("2025-03-01", Some("2026-02-28"), 0.77),
            target("2024-04-01", Some("2025-02-28"), 0.75),
            target("2026-03-01", None, 0.80),
        ])
        .expect("targets");
        let on = |day: &str| targets.in_force("fds_28", day.parse().expect("a date"));
        assert_eq!(on("2024-03-31"), None);
        assert_eq!(on("2025-02-28"), Some(0.75));
        assert_eq!(on("2025-03-01"), Some(0.77));
        assert_eq!(on("2030-01-01"), Some(0.80));
        assert_eq!(
            targets.in_force("other", "2030-01-01".parse().expect("a date")),
            None
        );
    }

    #[test]
    fn two_targets_on_one_day_are_refused() {
        assert!(
            Targets::new([
                target("2024-04-01", None, 0.75),
                target("2025-03-01", None, 0.77)
            ])
            .is_err()
        );
        assert!(Targets::new([target("2024-04-01", None, 75.0)]).is_err());
    }
}
