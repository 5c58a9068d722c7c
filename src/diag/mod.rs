//! One error type for the whole house: a code, a place, a reason and a hint.
//!
//! A [`Diagnostic`] is made where the fault is known and rendered once, at the edge
//! ([`render`]). Steps collect all they find into [`Diagnostics`] before they give up, so that a
//! reader mends everything in one go. A diagnostic never holds the value of an identifiable
//! column: file, line, column and rule are enough to find it.

mod codes;
mod contained;
mod nearest;
mod place;
mod render;

pub use codes::{Code, Exit};
pub use contained::{contained, is_contained};
pub use nearest::{did_you_mean, nearest};
pub use place::{DataPlace, Place, SourceText};
pub use render::{render, to_json};

use std::fmt;
use std::path::Path;

/// How bad a finding is: an error stops the step, a warning does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The step cannot go on.
    Error,
    /// Worth reading; nothing stops.
    Warning,
}

/// One finding: what is wrong, where, why, and what to do.
#[derive(Debug, Clone)]
pub struct Diagnostic {
    /// The rule that was broken.
    pub code: Code,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong, one sentence, no full stop.
    pub message: String,
    /// Where, if a place is known.
    pub place: Option<Place>,
    /// The words beside the caret.
    pub label: String,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error.
    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            place: None,
            label: String::new(),
            hints: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(code, message)
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: impl Into<Place>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Puts words beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Says what to do, if there is something to say.
    #[must_use]
    pub fn maybe_hint(mut self, hint: Option<String>) -> Self {
        self.hints.extend(hint);
        self
    }

    /// A fault of the disk or of the network, with the path and what was being done to it.
    pub fn io(path: &Path, doing: &str, error: &std::io::Error) -> Self {
        let hint = match error.kind() {
            std::io::ErrorKind::PermissionDenied => {
                Some("give the user that runs martlet access to it")
            }
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                Some("free space on that disk and run again; nothing was published")
            }
            std::io::ErrorKind::NotFound => Some("check the path"),
            _ => None,
        };
        Self::error(Code::Io, format!("cannot {doing}: {error}"))
            .at(DataPlace::file(path.display().to_string()))
            .maybe_hint(hint.map(str::to_owned))
    }

    /// A fault in martlet itself.
    pub fn bug(message: impl Into<String>) -> Self {
        Self::error(Code::Bug, message).hint("this is a fault in martlet: please report it")
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// All findings of a step. Non-empty when it is an error value.
#[derive(Debug, Clone, Default)]
pub struct Diagnostics(Vec<Diagnostic>);

/// What a step returns: its product, or everything that is wrong.
pub type Result<T> = std::result::Result<T, Diagnostics>;

impl Diagnostics {
    /// Adds one finding.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds the findings of another step.
    pub fn extend(&mut self, other: impl IntoIterator<Item = Diagnostic>) {
        self.0.extend(other);
    }

    /// Keeps the value of a step that went well, and the findings of one that did not.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(found) => {
                self.extend(found);
                None
            }
        }
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// The findings.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }

    /// How many findings.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// In the order a reader mends them: by file, line and column; the same finding once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.0.sort_by(|a, b| {
            let key = |d: &Diagnostic| {
                let place = d.place.as_ref();
                (
                    place.map(|p| p.file().to_owned()),
                    place.map(Place::line_and_column),
                    d.severity,
                )
            };
            key(a).cmp(&key(b)).then_with(|| a.message.cmp(&b.message))
        });
        self.0.dedup_by(|a, b| {
            a.code == b.code && a.message == b.message && a.to_string() == b.to_string()
        });
        self
    }

    /// `value` if nothing is an error, with the warnings; otherwise the findings.
    pub fn into_result<T>(self, value: impl FnOnce() -> T) -> Result<(T, Self)> {
        if self.has_errors() {
            Err(self.sorted())
        } else {
            Ok((value(), self.sorted()))
        }
    }

    /// The exit code: that of the worst finding.
    pub fn exit(&self) -> Exit {
        self.0
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.code.exit())
            .max_by_key(|exit| exit.rank())
            .unwrap_or(Exit::Done)
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl FromIterator<Diagnostic> for Diagnostics {
    fn from_iter<I: IntoIterator<Item = Diagnostic>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("; ")?;
            }
            diagnostic.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
