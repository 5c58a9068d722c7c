//! Days of a group as one list, and what of a list comes before or after a day.
//!
//! Many censuses over few events are one join to a person's list and a look into it, where a join
//! for each kind of event and a window over each person's rows would cost many times that.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, ColumnarValue, EmitTo, GroupsAccumulator,
    ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::answered;
use super::groups::{emitted, passes};
use super::kernels::date_lists::{Gathered, first_on_or_after, last_on_or_before, list_type};

/// The functions of one row.
pub(super) fn scalars() -> Vec<ScalarUDF> {
    [Choice::LastOnOrBefore, Choice::FirstOnOrAfter]
        .into_iter()
        .map(|choice| ScalarUDF::from(Chosen::new(choice)))
        .collect()
}

/// `date_list(date)`: the days of a group, each once, in order; null for a group without any.
pub(super) fn date_list() -> AggregateUDF {
    AggregateUDF::from(DateList {
        signature: Signature::exact(vec![DataType::Date32], Volatility::Immutable),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Choice {
    /// `last_on_or_before(days, day)`.
    LastOnOrBefore,
    /// `first_on_or_after(days, day)`.
    FirstOnOrAfter,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Chosen {
    choice: Choice,
    signature: Signature,
}

impl Chosen {
    fn new(choice: Choice) -> Self {
        let arguments = vec![list_type(), DataType::Date32];
        Self {
            choice,
            signature: Signature::exact(arguments, Volatility::Immutable),
        }
    }

    /// `None` when the arguments are not those of the signature.
    fn evaluate(&self, arguments: &[ArrayRef]) -> Option<ArrayRef> {
        let lists = arguments.first()?.as_list_opt::<i32>()?;
        let day = arguments.get(1)?.as_primitive_opt::<Date32Type>()?;
        Some(Arc::new(match self.choice {
            Choice::LastOnOrBefore => last_on_or_before(lists, day),
            Choice::FirstOnOrAfter => first_on_or_after(lists, day),
        }))
    }
}

impl ScalarUDFImpl for Chosen {
    fn name(&self) -> &str {
        match self.choice {
            Choice::LastOnOrBefore => "last_on_or_before",
            Choice::FirstOnOrAfter => "first_on_or_after",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), |arrays| self.evaluate(arrays).map(Ok))
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct DateList {
    signature: Signature,
}

impl AggregateUDFImpl for DateList {
    fn name(&self) -> &str {
        "date_list"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(list_type())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let name = format!("{}[days]", args.name);
        Ok(vec![Arc::new(Field::new(name, list_type(), true))])
    }

    fn accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(OneList::default()))
    }

    fn groups_accumulator_supported(&self, _: AccumulatorArgs) -> bool {
        true
    }

    fn create_groups_accumulator(&self, _: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Lists::default()))
    }
}

/// The days in an array, each with its row; nulls are no days.
fn days_of(array: &ArrayRef) -> Result<impl Iterator<Item = (usize, i32)>> {
    let Some(days) = array.as_primitive_opt::<Date32Type>() else {
        return exec_err!("date_list was called with other types");
    };
    let rows = days.iter().enumerate();
    Ok(rows.filter_map(|(row, day)| Some((row, day?))))
}

/// The days in an array of lists, each with its row.
fn days_of_lists(array: &ArrayRef) -> Result<impl Iterator<Item = (usize, i32)>> {
    let Some(lists) = array.as_list_opt::<i32>() else {
        return exec_err!("date_list was merged with other types");
    };
    let days = lists.values().as_primitive::<Date32Type>();
    let rows = lists.offsets().windows(2).enumerate();
    let rows = rows.filter(|(row, _)| lists.is_valid(*row));
    Ok(rows.flat_map(move |(row, ends)| {
        let places = ends[0] as usize..ends[1] as usize;
        places
            .filter(|i| days.is_valid(*i))
            .map(move |i| (row, days.value(i)))
    }))
}

/// The days of one group.
#[derive(Debug, Default)]
struct OneList(Gathered);

impl Accumulator for OneList {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        days_of(&values[0])?.for_each(|(_, day)| self.0.add(0, day));
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        days_of_lists(&states[0])?.for_each(|(_, day)| self.0.add(0, day));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        // As a running window it is asked after each row, and goes on.
        Ok(ScalarValue::List(Arc::new(self.0.clone().take(1))))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::List(Arc::new(self.0.take(1)))])
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.0.size()
    }
}

/// The days of many groups.
#[derive(Debug, Default)]
struct Lists {
    gathered: Gathered,
    groups: usize,
}

impl Lists {
    fn take(&mut self, emit_to: EmitTo) -> ListArray {
        self.gathered.take(emitted(&mut self.groups, emit_to))
    }
}

impl GroupsAccumulator for Lists {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
        let wanted = |row: usize| passes(opt_filter, row);
        for (row, day) in days_of(&values[0])?.filter(|(row, _)| wanted(*row)) {
            self.gathered.add(group_indices[row], day);
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = total_num_groups;
        for (row, day) in days_of_lists(&values[0])? {
            self.gathered.add(group_indices[row], day);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(self.take(emit_to)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        // Each row is a group of its own.
        let rows = values[0].len();
        let mut lists = Self::default();
        let own: Vec<usize> = (0..rows).collect();
        lists.update_batch(values, &own, opt_filter, rows)?;
        lists.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.gathered.size()
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::{answer, answer_in_any_partitions};

    /// Events of four people, in no order; more than one batch, so that partitions are merged.
    const EVENTS: &str = "(VALUES
        (1, 'test', DATE '2025-05-10'), (2, 'test', DATE '2024-01-31'), (1, 'test', DATE '2023-05-10'),
        (1, 'letter', DATE '2025-03-01'), (1, 'test', DATE '2025-05-10'), (3, 'letter', DATE '2025-03-01'),
        (4, 'test', NULL), (2, 'test', DATE '2026-01-31'), (1, 'test', DATE '1969-12-31')
    ) AS event (person, kind, day)";

    #[tokio::test]
    async fn each_day_once_and_in_order_in_any_partitions() {
        let query = format!(
            "SELECT person, date_list(day) FILTER (WHERE kind = 'test') AS tests, date_list(day) AS days
             FROM {EVENTS} GROUP BY person ORDER BY person"
        );
        insta::assert_snapshot!(answer_in_any_partitions(&query).await, @r"
        +--------+--------------------------------------+--------------------------------------------------+
        | person | tests                                | days                                             |
        +--------+--------------------------------------+--------------------------------------------------+
        | 1      | [1969-12-31, 2023-05-10, 2025-05-10] | [1969-12-31, 2023-05-10, 2025-03-01, 2025-05-10] |
        | 2      | [2024-01-31, 2026-01-31]             | [2024-01-31, 2026-01-31]                         |
        | 3      |                                      | [2025-03-01]                                     |
        | 4      |                                      |                                                  |
        +--------+--------------------------------------+--------------------------------------------------+
        ");
    }

    #[tokio::test]
    async fn the_last_by_a_day_and_the_first_from_it() {
        let query = format!(
            "SELECT person, on_day, last_on_or_before(days, on_day) AS last, first_on_or_after(days, on_day) AS first
             FROM (SELECT person, date_list(day) AS days FROM {EVENTS} GROUP BY person) AS person
             CROSS JOIN (VALUES (DATE '2025-03-01'), (CAST(NULL AS DATE))) AS census (on_day)
             ORDER BY person, on_day"
        );
        insta::assert_snapshot!(answer(&query).await, @r"
        +--------+------------+------------+------------+
        | person | on_day     | last       | first      |
        +--------+------------+------------+------------+
        | 1      | 2025-03-01 | 2025-03-01 | 2025-03-01 |
        | 1      |            |            |            |
        | 2      | 2025-03-01 | 2024-01-31 | 2026-01-31 |
        | 2      |            |            |            |
        | 3      | 2025-03-01 | 2025-03-01 | 2025-03-01 |
        | 3      |            |            |            |
        | 4      | 2025-03-01 |            |            |
        | 4      |            |            |            |
        +--------+------------+------------+------------+
        ");
    }

    #[tokio::test]
    async fn without_groups_there_is_one_list_or_null() {
        let query = format!(
            "SELECT date_list(day) AS days, date_list(day) FILTER (WHERE kind = 'scan') AS none FROM {EVENTS}"
        );
        insta::assert_snapshot!(answer(&query).await, @r"
        +--------------------------------------------------------------------------+------+
        | days                                                                     | none |
        +--------------------------------------------------------------------------+------+
        | [1969-12-31, 2023-05-10, 2024-01-31, 2025-03-01, 2025-05-10, 2026-01-31] |      |
        +--------------------------------------------------------------------------+------+
        ");
    }

    #[tokio::test]
    async fn a_running_window_keeps_its_days() {
        let shown = answer(
            "SELECT date_list(day) OVER (ORDER BY day) AS days
             FROM (VALUES (DATE '2025-01-01'), (DATE '2025-01-02')) AS t (day)",
        )
        .await;
        assert!(shown.contains("[2025-01-01, 2025-01-02]"), "{shown}");
    }
}
