//! The calendar in SQL: ages, windows, months, financial and academic years.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::answered;
use super::kernels::{dates, working_days};

/// The functions of this file.
pub(super) fn all() -> Vec<ScalarUDF> {
    [
        Calendar::AgeInYears,
        Calendar::WindowStart,
        Calendar::AddMonths,
        Calendar::MonthStart,
        Calendar::MonthEnd,
        Calendar::FinYear,
        Calendar::AcademicYear,
        Calendar::FinMonth,
        Calendar::FinQuarter,
        Calendar::WorkingDaysBetween,
        Calendar::IsWorkingDay,
    ]
    .into_iter()
    .map(|function| ScalarUDF::from(CalendarFunction::new(function)))
    .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Calendar {
    /// `age_in_years(birth, on)`: completed years.
    AgeInYears,
    /// `window_start(census, months)`: first day of a window of whole months.
    WindowStart,
    /// `add_months(date, months)`: the same day months on, clamped to the month's end.
    AddMonths,
    /// `month_start(date)`.
    MonthStart,
    /// `month_end(date)`.
    MonthEnd,
    /// `fin_year(date)`: `2025/26`, April to March.
    FinYear,
    /// `academic_year(date)`: `2025/26`, September to August.
    AcademicYear,
    /// `fin_month(date)`: 1 is April.
    FinMonth,
    /// `fin_quarter(date)`: 1 is April to June.
    FinQuarter,
    /// `working_days_between(from, to)`: in England, after the first day, with the last.
    WorkingDaysBetween,
    /// `is_working_day(date)`: Monday to Friday, and no bank holiday in England.
    IsWorkingDay,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CalendarFunction {
    function: Calendar,
    signature: Signature,
    aliases: Vec<String>,
}

impl CalendarFunction {
    fn new(function: Calendar) -> Self {
        use DataType::{Date32, Int64};
        // Exact types: DataFusion widens narrower integers and untyped nulls to them.
        let arguments = match function {
            Calendar::AgeInYears | Calendar::WorkingDaysBetween => vec![Date32, Date32],
            Calendar::WindowStart | Calendar::AddMonths => vec![Date32, Int64],
            Calendar::MonthStart
            | Calendar::MonthEnd
            | Calendar::FinYear
            | Calendar::AcademicYear
            | Calendar::FinMonth
            | Calendar::FinQuarter
            | Calendar::IsWorkingDay => vec![Date32],
        };
        // As the NHS Data Dictionary has the words in full.
        let aliases = match function {
            Calendar::FinYear => vec!["financial_year".to_owned()],
            Calendar::FinMonth => vec!["financial_month".to_owned()],
            Calendar::FinQuarter => vec!["financial_quarter".to_owned()],
            _ => Vec::new(),
        };
        Self {
            function,
            aliases,
            signature: Signature::exact(arguments, Volatility::Immutable),
        }
    }

    /// `None` when the arguments are not those of the signature.
    fn evaluate(&self, arguments: &[ArrayRef]) -> Option<ArrayRef> {
        let date = |i: usize| arguments.get(i)?.as_primitive_opt::<Date32Type>();
        let number = |i: usize| arguments.get(i)?.as_primitive_opt::<Int64Type>();
        Some(match self.function {
            Calendar::AgeInYears => Arc::new(dates::age_in_years(date(0)?, date(1)?)),
            Calendar::WindowStart => Arc::new(dates::window_start(date(0)?, number(1)?)),
            Calendar::AddMonths => Arc::new(dates::add_months(date(0)?, number(1)?)),
            Calendar::MonthStart => Arc::new(dates::month_start(date(0)?)),
            Calendar::MonthEnd => Arc::new(dates::month_end(date(0)?)),
            Calendar::FinYear => Arc::new(dates::fin_year(date(0)?)),
            Calendar::AcademicYear => Arc::new(dates::academic_year(date(0)?)),
            Calendar::FinMonth => Arc::new(dates::fin_month(date(0)?)),
            Calendar::FinQuarter => Arc::new(dates::fin_quarter(date(0)?)),
            Calendar::WorkingDaysBetween => {
                Arc::new(working_days::working_days_between(date(0)?, date(1)?))
            }
            Calendar::IsWorkingDay => Arc::new(working_days::is_working_day(date(0)?)),
        })
    }
}

impl ScalarUDFImpl for CalendarFunction {
    fn name(&self) -> &'static str {
        match self.function {
            Calendar::AgeInYears => "age_in_years",
            Calendar::WindowStart => "window_start",
            Calendar::AddMonths => "add_months",
            Calendar::MonthStart => "month_start",
            Calendar::MonthEnd => "month_end",
            Calendar::FinYear => "fin_year",
            Calendar::AcademicYear => "academic_year",
            Calendar::FinMonth => "fin_month",
            Calendar::FinQuarter => "fin_quarter",
            Calendar::WorkingDaysBetween => "working_days_between",
            Calendar::IsWorkingDay => "is_working_day",
        }
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.function {
            Calendar::AgeInYears
            | Calendar::FinMonth
            | Calendar::FinQuarter
            | Calendar::WorkingDaysBetween => DataType::Int64,
            Calendar::IsWorkingDay => DataType::Boolean,
            Calendar::WindowStart
            | Calendar::AddMonths
            | Calendar::MonthStart
            | Calendar::MonthEnd => DataType::Date32,
            Calendar::FinYear | Calendar::AcademicYear => DataType::Utf8,
        })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), |arguments| {
            self.evaluate(arguments).map(Ok)
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::answer;

    #[tokio::test]
    async fn literals_nulls_and_narrow_integers_are_taken() {
        let shown = answer(
            "SELECT age_in_years(DATE '1976-02-29', DATE '2026-02-28') AS age,
                    window_start(DATE '2026-02-28', CAST(30 AS INT)) AS start,
                    add_months(DATE '2026-01-31', CAST(1 AS SMALLINT)) AS clamped,
                    fin_year(DATE '2026-03-31') AS fy,
                    academic_year(DATE '2026-03-31') AS ay,
                    month_end(NULL) AS nothing",
        )
        .await;
        for wanted in [
            "| 49 ",
            "| 2023-09-01 ",
            "| 2026-02-28 ",
            "| 2025/26 ",
            "|         |",
        ] {
            assert!(shown.contains(wanted), "{wanted} is not in\n{shown}");
        }
    }

    #[tokio::test]
    async fn financial_months_and_working_days() {
        let shown = answer(
            "SELECT fin_month(DATE '2026-03-31') AS m, financial_quarter(DATE '2026-04-01') AS q,
                    financial_year(DATE '2026-03-31') AS y,
                    working_days_between(DATE '2026-04-02', DATE '2026-04-07') AS easter,
                    is_working_day(DATE '2022-09-19') AS funeral,
                    working_days_between(DATE '1900-01-01', DATE '2026-04-07') AS long_ago",
        )
        .await;
        assert!(
            shown.contains("| 12 | 1 | 2025/26 | 1      | false   |          |"),
            "{shown}"
        );
    }

    #[tokio::test]
    async fn a_column_and_a_literal_go_together() {
        let shown = answer(
            "SELECT age_in_years(born, DATE '2026-03-31') AS age, month_start(born) AS m
             FROM (VALUES (DATE '1951-03-31'), (DATE '1951-04-01'), (NULL)) AS t (born)
             ORDER BY age",
        )
        .await;
        assert!(shown.contains("| 74  | 1951-04-01 |"), "{shown}");
        assert!(shown.contains("| 75  | 1951-03-01 |"), "{shown}");
        assert!(shown.contains("|     |            |"), "{shown}");
    }
}
