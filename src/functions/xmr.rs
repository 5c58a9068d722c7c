//! XmR charts in SQL: `xmr(month, value, 'increase', target) OVER (PARTITION BY measure)`.
//!
//! The first argument says the order, so that the window needs none and cannot have a wrong one.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Builder, Int64Array, Int64Builder, StringBuilder, StructArray,
};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, TypeSignature, Volatility, WindowUDF, WindowUDFImpl,
};

use super::kernels::limits::Impossible;
use super::kernels::xmr::{
    Improvement, Judged, Meaning, Point, Rule, Settings, assurance, judge, meaning, variation,
};
use super::refused;

/// The function of this file.
pub(super) fn xmr() -> WindowUDF {
    WindowUDF::from(Xmr::new())
}

const NUMBERS: [&str; 6] = [
    "centre",
    "lower_limit",
    "upper_limit",
    "near_lower",
    "near_upper",
    "moving_range",
];
const WORDS: [&str; 4] = ["point_type", "rule", "variation", "assurance"];

fn fields() -> Fields {
    let of = |name: &&str, kind| Field::new(*name, kind, true);
    let mut fields: Vec<Field> = NUMBERS.iter().map(|n| of(n, DataType::Float64)).collect();
    fields.push(of(&"points", DataType::Int64));
    fields.extend(WORDS.iter().map(|n| of(n, DataType::Utf8)));
    fields.into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Xmr {
    signature: Signature,
}

impl Xmr {
    fn new() -> Self {
        use DataType::{Boolean, Date32, Float64, Int64, Utf8};
        let mut taken = Vec::new();
        for period in [Date32, Int64] {
            let all = [period, Float64, Utf8, Float64, Int64, Int64, Int64, Boolean];
            taken.extend((2..=all.len()).map(|n| TypeSignature::Exact(all[..n].to_vec())));
        }
        Self {
            signature: Signature::one_of(taken, Volatility::Immutable),
        }
    }
}

impl WindowUDFImpl for Xmr {
    fn name(&self) -> &'static str {
        "xmr"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Chart))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        let kind = DataType::Struct(fields());
        Ok(Arc::new(Field::new(args.name(), kind, true)))
    }
}

#[derive(Debug)]
struct Chart;

impl PartitionEvaluator for Chart {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let given = Given::read(values)?;
        let settings = given.settings(rows)?;
        // In the order of time; a row without a period has no place in it.
        let mut order: Vec<usize> = (0..rows).filter(|r| given.periods.is_valid(*r)).collect();
        order.sort_by_key(|row| given.periods.value(*row));
        let twice = |w: &[usize]| given.periods.value(w[0]) == given.periods.value(w[1]);
        if order.windows(2).any(twice) {
            return Err(refused(
                "xmr",
                "a period has two points; add what tells them apart to PARTITION BY",
            ));
        }
        let points = order
            .iter()
            .map(|row| given.point(*row))
            .collect::<Result<Vec<Point>>>()?;
        let judged = judge(&points, &settings);

        let newest = judged.iter().rposition(|j| j.measured);
        let limits = newest.and_then(|i| judged[i].control?.process());
        let target = newest.and_then(|i| points[i].target);
        let icons = (
            variation(&judged, settings.improvement),
            assurance(limits, target, settings.improvement),
        );
        let mut found = vec![None; rows];
        for (row, judged) in order.into_iter().zip(judged) {
            found[row] = Some(judged);
        }
        shown(&found, settings.improvement, icons)
    }
}

/// The arguments, as arrays.
struct Given<'a> {
    periods: Int64Array,
    values: &'a [ArrayRef],
}

impl<'a> Given<'a> {
    fn read(values: &'a [ArrayRef]) -> Result<Self> {
        let Some(period) = values.first() else {
            return exec_err!("xmr takes a period and a value");
        };
        let days = match period.data_type() {
            DataType::Date32 => cast(&cast(period, &DataType::Int32)?, &DataType::Int64)?,
            _ => Arc::clone(period),
        };
        let Some(periods) = days.as_primitive_opt::<Int64Type>().cloned() else {
            return exec_err!("xmr takes a date or a whole number as period");
        };
        Ok(Self { periods, values })
    }

    fn number(&self, at: usize, row: usize) -> Option<f64> {
        let array = self.values.get(at)?.as_primitive_opt::<Float64Type>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    fn whole(&self, at: usize, row: usize) -> Option<i64> {
        let array = self.values.get(at)?.as_primitive_opt::<Int64Type>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    fn word(&self, at: usize, row: usize) -> Option<&str> {
        let array = self.values.get(at)?.as_string_opt::<i32>()?;
        array.is_valid(row).then(|| array.value(row))
    }

    fn flag(&self, at: usize, row: usize) -> Option<bool> {
        let array = self.values.get(at)?.as_boolean_opt()?;
        array.is_valid(row).then(|| array.value(row))
    }

    fn point(&self, row: usize) -> Result<Point> {
        let value = self.number(1, row);
        if value.is_some_and(|v| !v.is_finite()) {
            return Err(refused("xmr", Impossible::NotANumber));
        }
        Ok(Point {
            value,
            target: self.number(3, row),
            phase: self.whole(4, row).unwrap_or(0),
        })
    }

    fn settings(&self, rows: usize) -> Result<Settings> {
        let one = |row: usize| {
            (
                self.word(2, row),
                self.whole(5, row),
                self.whole(6, row),
                self.flag(7, row),
            )
        };
        if (1..rows).any(|row| one(row) != one(0)) {
            return Err(refused(
                "xmr",
                "a setting differs between the rows of a partition",
            ));
        }
        let (improvement, run, fix, screen) = if rows == 0 {
            (None, None, None, None)
        } else {
            one(0)
        };
        let usual = Settings::default();
        let points = |n: i64| usize::try_from(n).unwrap_or(0);
        Settings {
            improvement: match improvement {
                Some("increase") => Improvement::Increase,
                Some("decrease") => Improvement::Decrease,
                Some("neutral") | None => Improvement::Neutral,
                Some(_) => {
                    return Err(refused(
                        "xmr",
                        "the direction of improvement is none of 'increase', 'decrease' and \
                         'neutral'",
                    ));
                }
            },
            run_length: run.map_or(usual.run_length, points),
            fix_after: fix.map(points),
            screen: screen.unwrap_or(usual.screen),
        }
        .checked()
        .map_err(|why| refused("xmr", why))
    }
}

fn rule_word(rule: Rule, direction: i8) -> &'static str {
    match (rule, direction > 0) {
        (Rule::Outside, true) => "above_upper_limit",
        (Rule::Outside, false) => "below_lower_limit",
        (Rule::Trend, true) => "rising_trend",
        (Rule::Trend, false) => "falling_trend",
        (Rule::TwoInThree, true) => "two_in_three_above",
        (Rule::TwoInThree, false) => "two_in_three_below",
        (Rule::Shift, true) => "shift_above",
        (Rule::Shift, false) => "shift_below",
    }
}

fn type_word(direction: i8, improvement: Improvement) -> &'static str {
    match meaning(direction, improvement) {
        Meaning::Improvement(_) => "special_cause_improvement",
        Meaning::Concern(_) => "special_cause_concern",
        Meaning::Neutral(1) => "special_cause_neutral_high",
        Meaning::Neutral(_) => "special_cause_neutral_low",
    }
}

/// The struct of each row, null for one without a place in time.
fn shown(
    found: &[Option<Judged>],
    improvement: Improvement,
    (variation, assurance): (&str, Option<&str>),
) -> Result<ArrayRef> {
    let mut numbers: [Float64Builder; 6] = Default::default();
    let mut points = Int64Builder::new();
    let mut words: [StringBuilder; 4] = Default::default();
    for judged in found {
        let control = judged.and_then(|j| j.control);
        let process = control.and_then(|c| c.process());
        let near = control.and_then(|c| c.near());
        let row = [
            control.map(|c| c.centre),
            process.map(|l| l.0),
            process.map(|l| l.1),
            near.map(|l| l.0),
            near.map(|l| l.1),
            judged.and_then(|j| j.moving_range),
        ];
        for (builder, value) in numbers.iter_mut().zip(row) {
            builder.append_option(value);
        }
        points.append_option(control.and_then(|c| i64::try_from(c.points).ok()));
        let special = judged.and_then(|j| j.special);
        let point_type = match special {
            Some((_, direction)) => Some(type_word(direction, improvement)),
            None => judged.and_then(|j| j.side).map(|_| "common_cause"),
        };
        let row = [
            point_type,
            special.map(|(rule, direction)| rule_word(rule, direction)),
            judged.map(|_| variation),
            judged.and(assurance),
        ];
        for (builder, value) in words.iter_mut().zip(row) {
            builder.append_option(value);
        }
    }
    let mut columns: Vec<ArrayRef> = Vec::new();
    columns.extend(numbers.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
    columns.push(Arc::new(points.finish()));
    columns.extend(words.iter_mut().map(|b| Arc::new(b.finish()) as ArrayRef));
    let there: NullBuffer = found.iter().map(Option::is_some).collect::<Vec<_>>().into();
    Ok(Arc::new(StructArray::try_new(
        fields(),
        columns,
        Some(there),
    )?))
}

#[cfg(test)]
#[path = "xmr_tests.rs"]
mod tests;
