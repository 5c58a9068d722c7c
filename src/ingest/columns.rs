//! One column of the contract at work on a batch: cast, then required, accepted, pattern, range.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Scalar, StringArray};
use arrow::compute::kernels::cmp;
use datafusion::common::HashSet;
use regex::Regex;

use crate::compile::bounds::{End, bound};
use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::parameter::Scalar as Written;
use crate::spec::{Column, Sensitivity, Sp};

use super::cast::{Caster, expectation};
use super::mask::Mask;
use super::pseudonym::PseudonymKey;
use super::rules::{Rule, ValueRule};
use super::texts::Texts;

/// A row of a batch that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The row of the batch.
    pub row: usize,
    /// The rule, by its place among the file's rules.
    pub rule: usize,
    /// What is wrong with this very row; else what the rule says of all.
    pub reason: Option<String>,
    /// What may be shown of the value.
    pub masked: Option<String>,
}

/// A column, ready to judge batches.
#[derive(Debug)]
pub(super) struct ColumnJudge {
    caster: Caster,
    nulls: HashSet<String>,
    suppressed: HashSet<String>,
    /// Dates may come as months, and are noted.
    by_month: bool,
    mask: Mask,
    valid: usize,
    required: Option<usize>,
    accepted: Option<(usize, HashSet<String>)>,
    pattern: Option<(usize, Regex)>,
    range: Option<(usize, Bounds)>,
    /// The rule that no two rows hold the same value: judged where rows meet.
    pub unique: Option<usize>,
}

/// The least and the greatest value, each an array of one.
#[derive(Debug)]
struct Bounds {
    least: Option<Scalar<ArrayRef>>,
    greatest: Option<Scalar<ArrayRef>>,
}

impl ColumnJudge {
    /// For a column; its rules are added to `rules`.
    ///
    /// # Errors
    /// When a format or the pattern cannot be used, or there is no key for a pseudonym.
    pub(super) fn new(
        column: &Column,
        sensitivity: Sensitivity,
        typed_cells: bool,
        pseudonyms: Option<&PseudonymKey>,
        rules: &mut Vec<Rule>,
    ) -> Result<Self> {
        let mut add = |rule, reason: &str| {
            rules.push(Rule::of_column(rule, column, reason));
            rules.len() - 1
        };
        let valid = add(ValueRule::Valid, &expectation(column));
        let required = column
            .required
            .then(|| add(ValueRule::Required, "there is no value"));
        let accepted = (!column.accepted.is_empty()).then(|| {
            let rule = add(ValueRule::Accepted, "not one of the accepted values");
            (rule, column.accepted.iter().cloned().collect())
        });
        let pattern = match &column.pattern {
            None => None,
            Some(text) => {
                let regex = Regex::new(&format!("^(?:{})$", **text)).map_err(|e| {
                    Diagnostics::from(
                        Diagnostic::error(
                            Code::WrongValue,
                            format!("the pattern of `{}` is no regular expression", *column.name),
                        )
                        .label(e.to_string()),
                    )
                })?;
                let rule = add(ValueRule::Pattern, &format!("does not match {}", **text));
                Some((rule, regex))
            }
        };
        let range =
            Bounds::of(column)?.map(|bounds| (add(ValueRule::Range, &outside(column)), bounds));
        let unique = column.unique.then(|| {
            let reason = "an earlier row of the file has the same value";
            add(ValueRule::Unique, reason)
        });
        Ok(Self {
            range,
            unique,
            caster: Caster::of_column(column, typed_cells, pseudonyms)?,
            nulls: column.nulls.iter().map(|n| n.trim().to_owned()).collect(),
            suppressed: column
                .suppressed
                .iter()
                .map(|s| s.trim().to_owned())
                .collect(),
            by_month: column.may_lack_day(),
            mask: Mask::of(column, sensitivity),
            valid,
            required,
            accepted,
            pattern,
        })
    }

    /// Casts the column's texts and adds the rows that break a rule. Each different text is looked at
    /// once; texts come back as a dictionary where they were held as one.
    ///
    /// # Errors
    /// When the contract's type is none.
    pub(super) fn judge(&self, texts: &Texts, faults: &mut Vec<Fault>) -> Result<ArrayRef> {
        let (written, replaced) = (texts.values(), self.without_nulls(texts.values()));
        let read = replaced.as_ref().unwrap_or(written);
        let cast = self.caster.cast(read)?;
        let mut broken = |rule: usize, values: &[usize]| {
            faults.extend(texts.rows_of(values).into_iter().map(|row| Fault {
                row,
                rule,
                reason: None,
                masked: self.shown(texts, row),
            }));
        };
        broken(self.valid, &cast.invalid);
        // Codes are compared as they are kept; numbers and dates as they were written.
        let shown = if self.caster.gives_text() {
            cast.values.as_string::<i32>()
        } else {
            read
        };
        if let Some((rule, accepted)) = &self.accepted {
            broken(
                *rule,
                &failing(shown, &cast.values, |t| accepted.contains(t)),
            );
        }
        if let Some((rule, regex)) = &self.pattern {
            broken(*rule, &failing(shown, &cast.values, |t| regex.is_match(t)));
        }
        if let Some((rule, bounds)) = &self.range {
            broken(*rule, &bounds.outside(&cast.values)?);
        }
        if let Some(rule) = self.required {
            // A value that is withheld is there, though not for us.
            let is_missing =
                |value: usize| read.is_null(value) && !self.is_suppressed(written, value);
            let missing = texts.rows_where(|value| value.is_none_or(is_missing));
            faults.extend(missing.into_iter().map(|row| Fault {
                row,
                rule,
                reason: None,
                masked: None,
            }));
        }
        texts.spread(cast.values)
    }

    /// What may be shown of a row's text, unless it stands for no value.
    pub(super) fn shown(&self, texts: &Texts, row: usize) -> Option<String> {
        let text = texts.get(row).filter(|text| !self.is_no_value(text))?;
        Some(self.mask.apply(text))
    }

    /// The tokens of withheld values, and what is said of dates without a day, where the column may have any.
    ///
    /// # Errors
    /// When Arrow cannot hold them.
    pub(super) fn notes(&self, texts: &Texts) -> Result<Option<ArrayRef>> {
        let values = texts.values();
        let by_month = self.by_month.then(|| match self.without_nulls(values) {
            Some(read) => self.caster.by_month(&read),
            None => self.caster.by_month(values),
        });
        let by_month = by_month.flatten();
        if self.suppressed.is_empty() && by_month.is_none() {
            return Ok(None);
        }
        let notes: StringArray = (0..values.len())
            .map(|i| match self.is_suppressed(values, i) {
                true => Some(values.value(i)),
                false => by_month
                    .as_ref()
                    .filter(|n| n.is_valid(i))
                    .map(|n| n.value(i)),
            })
            .collect();
        texts.spread(Arc::new(notes)).map(Some)
    }

    fn is_suppressed(&self, written: &StringArray, value: usize) -> bool {
        written.is_valid(value) && self.suppressed.contains(written.value(value))
    }

    fn is_no_value(&self, text: &str) -> bool {
        self.nulls.contains(text) || self.suppressed.contains(text)
    }

    /// The texts without those that mean "no value", if there are any.
    fn without_nulls(&self, texts: &StringArray) -> Option<StringArray> {
        if (self.nulls.is_empty() && self.suppressed.is_empty())
            || !texts.iter().flatten().any(|t| self.is_no_value(t))
        {
            return None;
        }
        let kept = texts.iter().map(|t| t.filter(|t| !self.is_no_value(t)));
        Some(kept.collect())
    }
}

/// The values that can be read and whose text fails.
fn failing(texts: &StringArray, values: &ArrayRef, passes: impl Fn(&str) -> bool) -> Vec<usize> {
    (0..texts.len())
        .filter(|i| values.is_valid(*i) && texts.is_valid(*i) && !passes(texts.value(*i)))
        .collect()
}

impl Bounds {
    /// Those of a column, if it has any.
    fn of(column: &Column) -> Result<Option<Self>> {
        let read = |given: &Option<Sp<Written>>, end: End| -> Result<Option<Scalar<ArrayRef>>> {
            let Some(given) = given else {
                return Ok(None);
            };
            let value = bound(&column.kind, &given.0, end).and_then(|v| v.to_scalar().ok());
            let value = value.ok_or_else(|| {
                Diagnostics::from(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{}` is no bound of `{}`", given.0, *column.name),
                    )
                    .hint("bounds are numbers or dates, as the column's type has them"),
                )
            })?;
            Ok(Some(value))
        };
        let (least, greatest) = (read(&column.min, End::Min)?, read(&column.max, End::Max)?);
        let given = least.is_some() || greatest.is_some();
        Ok(given.then_some(Self { least, greatest }))
    }

    /// The rows whose value is less than the least or more than the greatest. Null is neither.
    fn outside(&self, values: &ArrayRef) -> Result<Vec<usize>> {
        let bug = |e: arrow::error::ArrowError| Diagnostics::from(Diagnostic::bug(e.to_string()));
        let mut found: Vec<BooleanArray> = Vec::new();
        if let Some(least) = &self.least {
            found.push(cmp::lt(values, least).map_err(bug)?);
        }
        if let Some(greatest) = &self.greatest {
            found.push(cmp::gt(values, greatest).map_err(bug)?);
        }
        let is_out = |row: usize| found.iter().any(|f| f.is_valid(row) && f.value(row));
        Ok((0..values.len()).filter(|row| is_out(*row)).collect())
    }
}

/// What is wrong with a value outside a column's bounds.
fn outside(column: &Column) -> String {
    match (&column.min, &column.max) {
        (Some(least), Some(greatest)) => format!("not from {} to {}", least.0, greatest.0),
        (Some(least), None) => format!("less than {}", least.0),
        (_, Some(greatest)) => format!("more than {}", greatest.0),
        _ => String::new(),
    }
}
