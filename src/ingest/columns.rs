//! One column of the contract at work on a batch: cast, then required, accepted, pattern.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use regex::Regex;

use crate::diag::{Code, Diagnostic, Diagnostics, Result};
use crate::spec::{Column, Sensitivity};

use super::cast::{Caster, expectation};
use super::mask::Mask;
use super::pseudonym::PseudonymKey;
use super::rules::{Rule, ValueRule};

/// A row of a batch that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The row of the batch.
    pub row: usize,
    /// The rule, by its place among the file's rules.
    pub rule: usize,
    /// What may be shown of the value.
    pub masked: Option<String>,
}

/// A column, ready to judge batches.
#[derive(Debug)]
pub(super) struct ColumnJudge {
    caster: Caster,
    nulls: HashSet<String>,
    suppressed: HashSet<String>,
    mask: Mask,
    valid: usize,
    required: Option<usize>,
    accepted: Option<(usize, HashSet<String>)>,
    pattern: Option<(usize, Regex)>,
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
        Ok(Self {
            caster: Caster::of_column(column, typed_cells, pseudonyms)?,
            nulls: column.nulls.iter().map(|n| n.trim().to_owned()).collect(),
            suppressed: column
                .suppressed
                .iter()
                .map(|s| s.trim().to_owned())
                .collect(),
            mask: Mask::of(column, sensitivity),
            valid,
            required,
            accepted,
            pattern,
        })
    }

    /// Casts the column's texts and adds the rows that break a rule.
    ///
    /// # Errors
    /// When the contract's type is none.
    pub(super) fn judge(&self, texts: &StringArray, faults: &mut Vec<Fault>) -> Result<ArrayRef> {
        let (written, replaced) = (texts, self.without_nulls(texts));
        let texts = replaced.as_ref().unwrap_or(texts);
        let cast = self.caster.cast(texts)?;
        for row in &cast.invalid {
            faults.push(self.fault(self.valid, *row, texts));
        }
        if let Some(rule) = self.required
            && texts.null_count() > 0
        {
            // A value that is withheld is there, though not for us.
            let missing = (0..texts.len())
                .filter(|row| texts.is_null(*row) && !self.is_suppressed(written, *row));
            faults.extend(missing.map(|row| Fault {
                row,
                rule,
                masked: None,
            }));
        }
        // Codes are compared as they are kept; numbers and dates as they were written.
        let shown = if self.caster.gives_text() {
            cast.values.as_string::<i32>()
        } else {
            texts
        };
        if let Some((rule, accepted)) = &self.accepted {
            self.test(*rule, shown, texts, &cast.values, faults, |text| {
                accepted.contains(text)
            });
        }
        if let Some((rule, regex)) = &self.pattern {
            self.test(*rule, shown, texts, &cast.values, faults, |text| {
                regex.is_match(text)
            });
        }
        Ok(cast.values)
    }

    /// The tokens of withheld values, where the column has any.
    pub(super) fn notes(&self, texts: &StringArray) -> Option<ArrayRef> {
        if self.suppressed.is_empty() {
            return None;
        }
        let notes: StringArray = texts
            .iter()
            .map(|t| t.filter(|t| self.suppressed.contains(*t)))
            .collect();
        Some(Arc::new(notes))
    }

    fn is_suppressed(&self, written: &StringArray, row: usize) -> bool {
        written.is_valid(row) && self.suppressed.contains(written.value(row))
    }

    fn test(
        &self,
        rule: usize,
        shown: &StringArray,
        texts: &StringArray,
        values: &ArrayRef,
        faults: &mut Vec<Fault>,
        passes: impl Fn(&str) -> bool,
    ) {
        for (row, text) in shown.iter().enumerate() {
            if let Some(text) = text
                && values.is_valid(row)
                && !passes(text)
            {
                faults.push(self.fault(rule, row, texts));
            }
        }
    }

    fn fault(&self, rule: usize, row: usize, texts: &StringArray) -> Fault {
        Fault {
            row,
            rule,
            masked: texts
                .is_valid(row)
                .then(|| self.mask.apply(texts.value(row))),
        }
    }

    /// The texts without those that mean "no value", if there are any.
    fn without_nulls(&self, texts: &StringArray) -> Option<StringArray> {
        let is_null = |text: &str| self.nulls.contains(text) || self.suppressed.contains(text);
        if (self.nulls.is_empty() && self.suppressed.is_empty())
            || !texts.iter().flatten().any(is_null)
        {
            return None;
        }
        Some(texts.iter().map(|t| t.filter(|t| !is_null(t))).collect())
    }
}
