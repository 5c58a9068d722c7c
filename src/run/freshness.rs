//! How old a source is on the run's date, and who has not sent.

use std::collections::BTreeSet;

use chrono::{Datelike, Days, Months, NaiveDate};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::col;

use crate::compile::{Node, SourceNode, TableName, session};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::Captures;
use crate::spec::source::Expected;

/// A submission that counts.
pub struct Counted<'a> {
    /// Its path.
    pub file: &'a str,
    /// The parts of its name that are columns.
    pub captures: &'a Captures,
}

/// What the source's freshness rules say on a date: warnings, or an error that keeps marts back.
///
/// # Errors
/// When the list of senders cannot be read.
pub async fn check(
    context: &SessionContext,
    node: &Node,
    source: &SourceNode,
    files: &[Counted<'_>],
    as_of: NaiveDate,
) -> Result<Diagnostics> {
    let mut found = Diagnostics::default();
    let Some(rules) = &source.spec.freshness else {
        return Ok(found);
    };
    // The rules are the pipeline's, also where a target says that the files are elsewhere.
    let place = (&source.source, source.spec.files.path.span());
    if files.is_empty() && rules.error_after.is_some() {
        found.push(
            Diagnostic::error(
                Code::Freshness,
                format!("nothing of {} has arrived", node.name),
            )
            .at(place)
            .hint("marts that need it are not published; is the inbox mounted?"),
        );
        return Ok(found);
    }
    // A period that has not begun says nothing about how new a source is.
    let begun = files.iter().filter_map(period).filter(|p| *p <= as_of);
    let Some(newest) = begun.max() else {
        return Ok(found);
    };
    if let Some(ahead) = files.iter().find(|f| period(f).is_some_and(|p| p > as_of)) {
        found.push(
            Diagnostic::warning(
                Code::Freshness,
                format!("the file's period begins after {as_of}"),
            )
            .at(DataPlace::file(ahead.file))
            .hint("is its name right?"),
        );
    }
    let age = (as_of - end_of_month(newest)).num_days();
    let say = |limit: i64| {
        format!(
            "{} is {age} days old on {as_of}: more than {limit}",
            node.name
        )
    };
    let label = format!("the newest period is {}", newest.format("%B %Y"));
    if let Some(limit) = rules.error_after.map(|a| a.days()).filter(|l| age > *l) {
        found.push(
            Diagnostic::error(Code::Freshness, say(limit))
                .at(place)
                .label(label)
                .hint("marts that need it are not published; ask the sender, or raise error_after"),
        );
    } else if let Some(limit) = rules.warn_after.map(|a| a.days()).filter(|l| age > *l) {
        found.push(
            Diagnostic::warning(Code::Freshness, say(limit))
                .at(place)
                .label(label),
        );
    }
    if let Some(expected) = &rules.expected {
        let absent = absent(context, expected, files, newest).await?;
        if !absent.is_empty() {
            found.push(
                Diagnostic::warning(
                    Code::Freshness,
                    format!(
                        "{} has nothing for {} from {}",
                        node.name,
                        newest.format("%B %Y"),
                        absent.join(", ")
                    ),
                )
                .at((&source.source, expected.by.span())),
            );
        }
    }
    Ok(found)
}

/// A file's period: its first captured date.
fn period(file: &Counted<'_>) -> Option<NaiveDate> {
    file.captures.iter().find_map(|(_, value)| match value {
        ScalarValue::Date32(Some(days)) => {
            NaiveDate::default().checked_add_days(Days::new(u64::try_from(*days).ok()?))
        }
        _ => None,
    })
}

fn end_of_month(day: NaiveDate) -> NaiveDate {
    day.with_day(1)
        .and_then(|d| d.checked_add_months(Months::new(1)))
        .and_then(|d| d.pred_opt())
        .unwrap_or(day)
}

/// The senders of the reference's first column that sent nothing for a period.
async fn absent(
    context: &SessionContext,
    expected: &Expected,
    files: &[Counted<'_>],
    newest: NaiveDate,
) -> Result<Vec<String>> {
    let sent: BTreeSet<String> = files
        .iter()
        .filter(|f| period(f) == Some(newest))
        .filter_map(|f| {
            let (_, value) = f
                .captures
                .iter()
                .find(|(name, _)| name == expected.by.as_str())?;
            Some(value.to_string())
        })
        .collect();
    let bug =
        |e: datafusion::error::DataFusionError| Diagnostics::from(Diagnostic::bug(e.to_string()));
    let Some(table) = TableName::parse(&expected.from) else {
        return Ok(Vec::new());
    };
    let frame = context
        .table(session::reference(&table))
        .await
        .map_err(bug)?;
    let Some(first) = frame.schema().fields().first().map(|f| f.name().clone()) else {
        return Ok(Vec::new());
    };
    let batches = frame
        .select(vec![col(datafusion::common::Column::new_unqualified(
            first,
        ))])
        .and_then(datafusion::dataframe::DataFrame::distinct)
        .map_err(bug)?
        .collect()
        .await
        .map_err(bug)?;
    let mut absent = Vec::new();
    for batch in &batches {
        // However the table holds them.
        let senders = cast(batch.column(0), &DataType::Utf8)
            .map_err(|e| Diagnostics::from(Diagnostic::bug(e.to_string())))?;
        let senders = senders.as_string::<i32>().iter().flatten();
        absent.extend(
            senders
                .filter(|sender| !sent.contains(*sender))
                .map(str::to_owned),
        );
    }
    absent.sort();
    Ok(absent)
}
