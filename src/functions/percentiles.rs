//! Medians and percentiles between two values in proportion, in place of the engine's: those cut the way
//! between two values to millionths, and the median of decimals at their last digit.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility,
};

use super::groups::constant;
use super::refused;

/// `median(x)`: the middle value, or half-way between the two in the middle; null for a group without values.
pub(super) fn median() -> AggregateUDF {
    AggregateUDF::from(Percentile::new("median", &[]))
}

/// `percentile_cont(x, share)`, also `percentile_cont(share) WITHIN GROUP (ORDER BY x)`: the value that so
/// large a share of the way from the least to the greatest leads to; null for a group without values.
pub(super) fn percentile_cont() -> AggregateUDF {
    AggregateUDF::from(Percentile::new("percentile_cont", &["quantile_cont"]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Percentile {
    name: &'static str,
    aliases: Vec<String>,
    signature: Signature,
}

impl Percentile {
    fn new(name: &'static str, aliases: &[&str]) -> Self {
        Self {
            name,
            aliases: aliases.iter().map(ToString::to_string).collect(),
            signature: Signature::user_defined(Volatility::Immutable),
        }
    }

    fn is_median(&self) -> bool {
        self.name == "median"
    }

    /// Which share of the way, from the end that rows are ordered from; `None` for null.
    fn share(&self, args: &AccumulatorArgs<'_>) -> Result<Option<f64>> {
        if self.is_median() {
            return Ok(Some(0.5));
        }
        let Some(ScalarValue::Float64(share)) = constant(args, 1) else {
            return Err(refused(self.name, "takes one share for all rows"));
        };
        if share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(refused(self.name, "takes a share from 0 to 1"));
        }
        let descending = args
            .order_bys
            .first()
            .is_some_and(|by| by.options.descending);
        Ok(share.map(|share| if descending { 1.0 - share } else { share }))
    }
}

impl AggregateUDFImpl for Percentile {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, given: &[DataType]) -> Result<Vec<DataType>> {
        let numbers = if self.is_median() { 1 } else { 2 };
        let number = |kind: &DataType| kind.is_numeric() || kind.is_null();
        match given.len() == numbers && given.iter().all(number) {
            true => Ok(vec![DataType::Float64; numbers]),
            false if self.is_median() => plan_err!("median takes a number"),
            false => plan_err!("{} takes a number and a share from 0 to 1", self.name),
        }
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let values = DataType::new_list(DataType::Float64, true);
        let name = format!("{}[values]", args.name);
        Ok(vec![Arc::new(Field::new(name, values, true))])
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Values {
            share: self.share(&args)?,
            distinct: args.is_distinct,
            values: Vec::new(),
        }))
    }

    fn supports_within_group_clause(&self) -> bool {
        !self.is_median()
    }
}

/// The values of one group.
#[derive(Debug)]
struct Values {
    share: Option<f64>,
    distinct: bool,
    values: Vec<f64>,
}

/// The numbers in an array; nulls are none.
fn numbers(values: &ArrayRef) -> Result<impl Iterator<Item = f64>> {
    match values.as_primitive_opt::<Float64Type>() {
        Some(values) => Ok(values.iter().flatten()),
        None => exec_err!("a percentile was asked of other types"),
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.values.extend(numbers(&values[0])?);
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let Some(lists) = states[0].as_list_opt::<i32>() else {
            return exec_err!("a percentile was merged with another state");
        };
        for list in lists.iter().flatten() {
            self.values.extend(numbers(&list)?);
        }
        Ok(())
    }

    /// A window that moves leaves values behind.
    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for gone in numbers(&values[0])? {
            let place = self
                .values
                .iter()
                .position(|value| value.total_cmp(&gone).is_eq());
            if let Some(place) = place {
                self.values.swap_remove(place);
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // As a running window it is asked after each row, and goes on.
        let mut values = self.values.clone();
        values.sort_unstable_by(f64::total_cmp);
        if self.distinct {
            values.dedup();
        }
        let found = self.share.and_then(|share| at(&values, share));
        Ok(ScalarValue::Float64(found))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values = Float64Array::from(std::mem::take(&mut self.values));
        let list = datafusion::common::utils::SingleRowListArrayBuilder::new(Arc::new(values));
        Ok(vec![list.build_list_scalar()])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<f64>()
    }
}

/// The value so large a share of the way along sorted values, in proportion between two of them.
fn at(sorted: &[f64], share: f64) -> Option<f64> {
    let place = sorted.len().checked_sub(1)? as f64 * share;
    let before = sorted.get(place as usize)?;
    Some(match sorted.get(place as usize + 1) {
        Some(after) if place.fract() > 0.0 => before + (after - before) * place.fract(),
        _ => *before,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answer, answer_in_any_partitions, refusal};
    use super::*;

    #[test]
    fn by_hand() {
        let ten: Vec<f64> = (1..=15).map(f64::from).collect();
        assert_eq!(at(&ten, 0.9), Some(13.6));
        assert_eq!(at(&ten, 0.0), Some(1.0));
        assert_eq!(at(&ten, 1.0), Some(15.0));
        assert_eq!(at(&[0.5, 1.0], 0.5), Some(0.75));
        assert_eq!(at(&[7.0], 0.3), Some(7.0));
        assert_eq!(at(&[], 0.5), None);
    }

    #[tokio::test]
    async fn halves_are_not_cut() {
        let counts =
            "(VALUES (CAST(0.5 AS DECIMAL(12, 1))), (CAST(1 AS DECIMAL(12, 1))), (NULL)) AS t(x)";
        let all = answer_in_any_partitions(&format!(
            "SELECT median(x) AS middle, percentile_cont(x, 0.25) AS quarter, \
             percentile_cont(0.25) WITHIN GROUP (ORDER BY x DESC) AS from_above FROM {counts}"
        ))
        .await;
        let row = all.lines().nth(3).expect("a row").replace(' ', "");
        assert_eq!(row, "|0.75|0.625|0.875|");
    }

    #[tokio::test]
    async fn groups_windows_and_distinct() {
        let rows = "(VALUES (1, 1), (1, 1), (1, 4), (2, 9)) AS t(g, x)";
        let by_group = answer_in_any_partitions(&format!(
            "SELECT g, median(x) AS m, median(DISTINCT x) AS d FROM {rows} GROUP BY g ORDER BY g"
        ))
        .await;
        let cells: Vec<String> = by_group.lines().map(|line| line.replace(' ', "")).collect();
        assert_eq!(cells[3..5], ["|1|1.0|2.5|", "|2|9.0|9.0|"]);
        let running = answer(&format!(
            "SELECT median(x) OVER (ORDER BY g, x ROWS UNBOUNDED PRECEDING) AS m FROM {rows} ORDER BY m"
        ))
        .await;
        assert!(running.contains("2.5"), "{running}");
        let moving = answer(&format!(
            "SELECT median(x) OVER (ORDER BY g, x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS m \
             FROM {rows} ORDER BY m"
        ))
        .await;
        let cells: Vec<String> = moving.lines().map(|line| line.replace(' ', "")).collect();
        assert_eq!(cells[3..7], ["|1.0|", "|1.0|", "|2.5|", "|6.5|"]);
    }

    #[tokio::test]
    async fn nothing_and_impossible_shares() {
        let none = answer("SELECT median(x) AS m, percentile_cont(x, NULL) AS p FROM (VALUES (CAST(NULL AS INT))) AS t(x)").await;
        assert_eq!(none.lines().nth(3).expect("a row").replace(' ', ""), "|||");
        let over = refusal("SELECT percentile_cont(x, 1.5) FROM (VALUES (1)) AS t(x)").await;
        assert!(over.contains("from 0 to 1"), "{over}");
        let each = refusal("SELECT percentile_cont(x, x) FROM (VALUES (1)) AS t(x)").await;
        assert!(each.contains("one share"), "{each}");
        let text = refusal("SELECT median(x) FROM (VALUES ('a')) AS t(x)").await;
        assert!(text.contains("takes a number"), "{text}");
    }
}
