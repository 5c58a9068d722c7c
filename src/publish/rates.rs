//! Rates: proportions and rates per 100,000, their limits and their targets, from the counts an
//! audience may see.
//!
//! Worked out here and never in SQL, so that every mart does it the same way and from counts
//! that have passed disclosure control.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Float64Array, RecordBatch, StringArray,
};
use datafusion::arrow::datatypes::{DataType, Date32Type, Float64Type, SchemaRef};
use datafusion::arrow::util::display::array_value_to_string;

use crate::diag::{Code, Diagnostic, Diagnostics, Result, did_you_mean};
use crate::functions::kernels::dates::to_date;
use crate::functions::kernels::limits::{Impossible, Level, Limits};
use crate::functions::kernels::{poisson, wilson};
use crate::spec::{Mart, Rate, Sensitivity, Unit};
use crate::store::parquet::cast;

use super::published_schema;
use super::targets::Targets;

/// What a mart's rates are made from, resolved once for all its rows.
#[derive(Debug)]
pub struct RateColumns<'a> {
    mart: &'a str,
    spec: &'a Mart,
    contract: SchemaRef,
    published: SchemaRef,
    targets: &'a Targets,
    rates: Vec<Resolved<'a>>,
}

#[derive(Debug)]
struct Resolved<'a> {
    spec: &'a Rate,
    numerator: usize,
    denominator: usize,
    unit: UnitOf,
    /// The measure, and the column that says on which day a row's target must be in force.
    target: Option<(Measure<'a>, usize)>,
}

/// Whose target a row is held against.
#[derive(Debug, Clone, Copy)]
enum Measure<'a> {
    /// The same for all rows.
    One(&'a str),
    /// The one that this column names.
    Column(usize),
}

/// What the value of a row is.
#[derive(Debug, Clone, Copy)]
enum UnitOf {
    /// The same for all rows.
    One(Unit),
    /// The one that this column names.
    Column(usize),
}

impl<'a> RateColumns<'a> {
    /// Finds the columns of each rate of `mart` in its contract.
    ///
    /// # Errors
    /// All at once: a count that is not in the contract, a measure without targets, a target in a
    /// mart whose grain has no date.
    pub fn new(
        mart: &'a str,
        spec: &'a Mart,
        contract: &SchemaRef,
        targets: &'a Targets,
    ) -> Result<Self> {
        let mut found = Diagnostics::default();
        let day = spec
            .grain
            .iter()
            .filter_map(|name| contract.index_of(name).ok())
            .find(|i| *contract.field(*i).data_type() == DataType::Date32);
        let mut rates = Vec::new();
        for rate in &spec.rates {
            let count = |name: &str| {
                contract.index_of(name).map_err(|_| -> Diagnostics {
                    Diagnostic::error(
                        Code::UnknownName,
                        format!(
                            "rate `{}` of mart.{mart} is made from `{name}`, which is not a column of its contract",
                            *rate.name
                        ),
                    )
                    .maybe_hint(did_you_mean(
                        name,
                        contract.fields().iter().map(|f| f.name().as_str()),
                    ))
                    .into()
                })
            };
            let target = match (rate.target.as_ref().map(|t| t.as_str()), day) {
                (None, day) => match (&rate.target_column, day) {
                    (None, _) => Ok(None),
                    (Some(column), Some(day)) => count(column)
                        .map(|column| Some((Measure::Column(column), day))),
                    (Some(_), None) => Err(undated(rate, mart).into()),
                },
                (Some(measure), _) if !targets.knows(measure) => Err(Diagnostic::error(
                    Code::State,
                    format!(
                        "rate `{}` of mart.{mart} has the target `{measure}`, which reference.targets does not have",
                        *rate.name
                    ),
                )
                .maybe_hint(did_you_mean(measure, targets.measures()))
                .into()),
                (Some(_), None) => Err(undated(rate, mart).into()),
                (Some(measure), Some(day)) => Ok(Some((Measure::One(measure), day))),
            };
            let unit = match &rate.unit_column {
                None => Ok(UnitOf::One(rate.unit)),
                Some(column) => count(column).map(UnitOf::Column),
            };
            let counts = (count(&rate.numerator), count(&rate.denominator));
            match (counts.0, counts.1, unit, target) {
                (Ok(numerator), Ok(denominator), Ok(unit), Ok(target)) => rates.push(Resolved {
                    spec: rate,
                    numerator,
                    denominator,
                    unit,
                    target,
                }),
                (numerator, denominator, unit, target) => found.extend(
                    [numerator.err(), denominator.err(), unit.err(), target.err()]
                        .into_iter()
                        .flatten()
                        .flatten(),
                ),
            }
        }
        if !found.is_empty() {
            return Err(found);
        }
        Ok(Self {
            mart,
            spec,
            contract: Arc::clone(contract),
            published: published_schema(contract, spec),
            targets,
            rates,
        })
    }

    /// The columns readers see.
    pub fn schema(&self) -> &SchemaRef {
        &self.published
    }

    /// The contract's columns of `counts`, found by name and cast to their types, and the rates.
    ///
    /// # Errors
    /// A column that is missing; a count that does not fit its type ([`Code::Overflow`]); a null
    /// where the contract allows none; a count below 0, or a proportion's numerator above its
    /// denominator ([`Code::Check`], with the rate and, where rows are not about persons, the grain);
    /// a unit that is none; a target for a rate per 100,000.
    pub fn add(&self, counts: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = Vec::with_capacity(self.published.fields().len());
        for field in self.contract.fields() {
            let array = counts.column_by_name(field.name()).ok_or_else(|| {
                Diagnostics::from(Diagnostic::bug(format!(
                    "the candidate of mart.{} has no column `{}`",
                    self.mart,
                    field.name()
                )))
            })?;
            let array = cast(array, field.data_type(), field.name())?;
            if !field.is_nullable() && array.null_count() > 0 {
                return Err(null_found(self.mart, field.name(), array.null_count()));
            }
            columns.push(array);
        }
        let counts = columns.clone();
        for rate in &self.rates {
            self.add_one(rate, &counts, &mut columns)?;
        }
        RecordBatch::try_new(Arc::clone(&self.published), columns).map_err(|e| {
            Diagnostic::bug(format!("the rates of mart.{} do not fit: {e}", self.mart)).into()
        })
    }

    fn add_one(
        &self,
        rate: &Resolved<'_>,
        counts: &[ArrayRef],
        columns: &mut Vec<ArrayRef>,
    ) -> Result<()> {
        let number = |i: usize| -> Result<Float64Array> {
            let name = self.contract.field(i).name();
            let array = cast(&counts[i], &DataType::Float64, name)?;
            Ok(array.as_primitive::<Float64Type>().clone())
        };
        let (x, n) = (number(rate.numerator)?, number(rate.denominator)?);
        let units = self.units(rate, counts)?;
        let level = Level::new(0.95).map_err(|e| Diagnostic::bug(e.to_string()))?;
        let mut found = Vec::with_capacity(units.len());
        for (row, (unit, counts_of_row)) in units.iter().zip(x.iter().zip(&n)).enumerate() {
            found.push(match counts_of_row {
                (Some(x), Some(n)) => limits(*unit, x, n, level)
                    .map_err(|_| self.impossible(rate, *unit, counts, row))?,
                _ => None,
            });
        }
        let column = |pick: fn(&Limits) -> f64| -> Float64Array {
            found.iter().map(|l| l.as_ref().map(pick)).collect()
        };
        let value = column(|l| l.value);
        columns.extend([
            Arc::new(value.clone()) as ArrayRef,
            Arc::new(column(|l| l.lower)),
            Arc::new(column(|l| l.upper)),
        ]);
        if let Some((measure, day)) = rate.target {
            let days = counts[day].as_primitive::<Date32Type>();
            let measures: Vec<Option<&str>> = match measure {
                Measure::One(measure) => vec![Some(measure); days.len()],
                Measure::Column(column) => {
                    let measures = counts[column].as_string::<i32>();
                    self.known_measures(rate.spec, measures)?;
                    measures.iter().collect()
                }
            };
            if let Some(measure) = shares_of_rates(&measures, &units) {
                return Err(Diagnostic::error(
                    Code::Check,
                    format!(
                        "rate `{}` of mart.{} is per 100,000 in rows with the target `{measure}`, which is a share",
                        *rate.spec.name, self.mart
                    ),
                )
                .hint("leave the target of a rate per 100,000 out; nothing was published")
                .into());
            }
            let (target, met) = self.targets_of(&measures, days, &value);
            columns.extend([Arc::new(target) as ArrayRef, Arc::new(met)]);
        }
        Ok(())
    }

    /// The unit of each row.
    fn units(&self, rate: &Resolved<'_>, counts: &[ArrayRef]) -> Result<Vec<Unit>> {
        let column = match rate.unit {
            UnitOf::One(unit) => return Ok(vec![unit; counts[rate.numerator].len()]),
            UnitOf::Column(column) => column,
        };
        let words = counts[column].as_string::<i32>();
        let units = words.iter().map(|word| word.and_then(Unit::read));
        units.collect::<Option<Vec<Unit>>>().ok_or_else(|| {
            Diagnostic::error(
                Code::Check,
                format!(
                    "rate `{}` of mart.{} has rows whose `{}` is no unit",
                    *rate.spec.name,
                    self.mart,
                    self.contract.field(column).name()
                ),
            )
            .hint("a unit is `proportion` or `per_100_000`; nothing was published")
            .into()
        })
    }

    /// Every series that rows name is there.
    fn known_measures(&self, rate: &Rate, measures: &StringArray) -> Result<()> {
        match measures.iter().flatten().find(|m| !self.targets.knows(m)) {
            Some(measure) => Err(Diagnostic::error(
                Code::State,
                format!(
                    "rate `{}` of mart.{} has rows with the target `{measure}`, which reference.targets does not have",
                    *rate.name, self.mart
                ),
            )
            .maybe_hint(did_you_mean(measure, self.targets.measures()))
            .into()),
            None => Ok(()),
        }
    }

    fn targets_of(
        &self,
        measures: &[Option<&str>],
        days: &Date32Array,
        rate: &Float64Array,
    ) -> (Float64Array, BooleanArray) {
        let target: Float64Array = days
            .iter()
            .zip(measures)
            .map(|(day, measure)| self.targets.in_force((*measure)?, to_date(day?)?))
            .collect();
        // Compared as published: what readers see is what was compared.
        let met = rate
            .iter()
            .zip(&target)
            .map(|(rate, target)| Some(rate? >= target?))
            .collect();
        (target, met)
    }

    fn impossible(
        &self,
        rate: &Resolved<'_>,
        unit: Unit,
        counts: &[ArrayRef],
        row: usize,
    ) -> Diagnostics {
        let spec = rate.spec;
        let named = self
            .spec
            .sensitivity
            .is_none_or(|s| s >= Sensitivity::Aggregate);
        let grain = self.spec.grain.iter().filter_map(|name| {
            let array = &counts[self.contract.index_of(name).ok()?];
            let value = array_value_to_string(array, row).ok()?;
            Some(format!("{}={value}", **name))
        });
        let place = if named {
            format!(" at {}", grain.collect::<Vec<_>>().join(", "))
        } else {
            String::new()
        };
        let (x, n) = (&*spec.numerator, &*spec.denominator);
        let (is_none, check) = match unit {
            Unit::Proportion => (
                format!("is not a proportion: `{x}` is below 0 or above `{n}`"),
                format!("{x} <= {n}"),
            ),
            Unit::Per100000 => (
                format!("is not a rate: `{x}` or `{n}` is below 0"),
                format!("{x} >= 0"),
            ),
        };
        Diagnostic::error(
            Code::Check,
            format!(
                "rate `{}` of mart.{} {is_none}{place}",
                *spec.name, self.mart
            ),
        )
        .hint(format!(
            "add the check `{check}` and mend the SQL; nothing was published"
        ))
        .into()
    }
}

/// The value of a row and its 95% limits; none over nothing. Events that no population belongs to, such
/// as those of people whose address is not known, have no rate.
fn limits(
    unit: Unit,
    x: f64,
    n: f64,
    level: Level,
) -> std::result::Result<Option<Limits>, Impossible> {
    match unit {
        Unit::Proportion => wilson::proportion(x, n, wilson::Z_95),
        Unit::Per100000 => match poisson::rate(x, n, 100_000.0, level) {
            Err(Impossible::EventsAmongNobody) => Ok(None),
            found => found,
        },
    }
}

/// The first target of a row that is a rate per 100,000: targets are shares.
fn shares_of_rates<'m>(measures: &[Option<&'m str>], units: &[Unit]) -> Option<&'m str> {
    let rows = measures.iter().zip(units);
    rows.filter(|(_, unit)| **unit == Unit::Per100000)
        .find_map(|(measure, _)| *measure)
}

fn undated(rate: &Rate, mart: &str) -> Diagnostic {
    Diagnostic::error(
        Code::WrongValue,
        format!(
            "rate `{}` of mart.{mart} has a target, and no column of the grain is a date",
            *rate.name
        ),
    )
    .hint("targets are dated: add a date to the grain, or leave the target out")
}

pub(super) fn null_found(mart: &str, column: &str, rows: usize) -> Diagnostics {
    Diagnostic::error(
        Code::Check,
        format!("`{column}` of mart.{mart} may not be null, and is in {rows} rows"),
    )
    .hint("mend the SQL, or say `nullable: true` in the contract; nothing was published")
    .into()
}
