//! What has arrived: the files of a source, by the pattern of their names.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::compile::{SourceNode, TableName};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::source::Root;

use super::arrived::{Arrived, Captures};
use super::manifest::MANIFEST;
use super::pattern::{Fit, Pattern};

/// The files of a source.
#[derive(Debug, Clone, Default)]
pub struct Discovery {
    /// Those to take in, by path.
    pub files: Vec<Arrived>,
    /// Those that changed so recently that they may still be being copied, by path.
    pub waiting: Vec<Arrived>,
    /// When there is no file at all: what to say of that where nothing was taken before.
    pub nothing: Option<Diagnostic>,
}

/// Lists the files of a source below its root.
///
/// # Errors
/// When the folder is not there or cannot be listed, or a file's name does not fit the pattern; all
/// at once.
pub fn discover(node: &SourceNode, table: &TableName, now: SystemTime) -> Result<Discovery> {
    let pattern = pattern(node)?;
    let mut found = Diagnostics::default();
    let folder = node.root.join(&pattern.folder);
    let stable_for = stable_for(node)?;
    let mut all = Vec::new();
    for name in names(node, table, &folder)? {
        if is_unfinished(&name) || (name == MANIFEST && !pattern.is_literal()) {
            continue;
        }
        let shown = if pattern.folder.is_empty() {
            name.clone()
        } else {
            format!("{}/{name}", pattern.folder)
        };
        match pattern.fit(&name)? {
            Fit::No => {}
            Fit::Nearly => found.push(misnamed(&shown, &pattern.text)),
            Fit::Yes(captures) => {
                let path = folder.join(&name);
                if path.is_dir() {
                    found.push(is_folder(&shown));
                } else {
                    all.extend(found.take(Arrived::look(&path, shown, captures)));
                }
            }
        }
    }
    all.sort_by(|a, b| a.shown.cmp(&b.shown));
    let nothing = all.is_empty().then(|| nothing(table, &pattern, &folder));
    if found.has_errors() {
        return Err(found.sorted());
    }
    let (waiting, files) = all.into_iter().partition(|f| {
        // A clock that runs ahead must not hold a file back for ever.
        let age = now
            .duration_since(f.modified)
            .unwrap_or_else(|ahead| ahead.duration());
        age < stable_for
    });
    Ok(Discovery {
        files,
        waiting,
        nothing,
    })
}

/// What a path below the root says: its captures, if it still fits the source's pattern.
///
/// # Errors
/// When the pattern cannot be used.
pub fn captures(node: &SourceNode, shown: &str) -> Result<Option<Captures>> {
    let pattern = pattern(node)?;
    let (folder, name) = shown.rsplit_once('/').unwrap_or(("", shown));
    if folder != pattern.folder {
        return Ok(None);
    }
    Ok(match pattern.fit(name)? {
        Fit::Yes(captures) => Some(captures),
        Fit::Nearly | Fit::No => None,
    })
}

fn pattern(node: &SourceNode) -> Result<Pattern> {
    Pattern::of(&node.files).map_err(|found| {
        // The pattern is the YAML's: show where.
        let place = (&node.source, node.files.path.span());
        found.into_iter().map(|d| d.at(place.clone())).collect()
    })
}

/// Files that no source takes, in the folders that sources with captures in their names look into:
/// a file that nobody reads is most likely misnamed. By path below the root.
pub fn strays<'a>(nodes: impl IntoIterator<Item = &'a SourceNode>) -> Vec<String> {
    let mut folders: BTreeMap<PathBuf, Vec<Pattern>> = BTreeMap::new();
    for node in nodes {
        if let Ok(pattern) = Pattern::of(&node.files) {
            let folder = node.root.join(&pattern.folder);
            folders.entry(folder).or_default().push(pattern);
        }
    }
    // A folder of files with names of their own may hold anything else beside them.
    folders.retain(|_, patterns| patterns.iter().any(|p| !p.is_literal()));
    let mut strays = Vec::new();
    for (folder, patterns) in folders {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let taken = |p: &Pattern| !matches!(p.fit(&name), Ok(Fit::No));
            if !is_unfinished(&name)
                && name != MANIFEST
                && !entry.path().is_dir()
                && !patterns.iter().any(taken)
            {
                let below = patterns.first().map_or("", |p| p.folder.as_str());
                strays.push(format!("{below}/{name}"));
            }
        }
    }
    strays.sort();
    strays
}

/// The names in a folder. A folder that cannot be listed is never "no files".
fn names(node: &SourceNode, table: &TableName, folder: &Path) -> Result<Vec<String>> {
    let what = match node.files.root {
        Root::Inbox => "inbox",
        Root::Project => "project",
        Root::Url(_) => "source's",
    };
    let failed = |e: std::io::Error| {
        let missing = if node.root.is_dir() {
            format!("the folder that `{table}` arrives in is not there")
        } else {
            format!("the {what} folder is not there")
        };
        Diagnostics::from(match e.kind() {
            ErrorKind::NotFound => Diagnostic::error(Code::Io, missing)
                .at(DataPlace::file(folder.display().to_string()))
                .hint("is the disk mounted? if nothing was sent yet, make the folder"),
            ErrorKind::NotADirectory => Diagnostic::io(folder, "list the folder", &e)
                .hint("a file stands where a folder should be"),
            _ => Diagnostic::io(folder, "list the folder", &e),
        })
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        names.push(
            entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned(),
        );
    }
    Ok(names)
}

/// What editors, browsers and copies leave while they are at work.
pub fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with("~$")
        || name.starts_with('.')
        || lower.ends_with(".tmp")
        || lower.ends_with(".crdownload")
        || lower.ends_with(".part")
}

/// `30s`, `5m`, `2h`.
fn stable_for(node: &SourceNode) -> Result<Duration> {
    let Some(text) = &node.files.stable_for else {
        return Ok(Duration::ZERO);
    };
    let parsed = text
        .char_indices()
        .last()
        .and_then(|(i, unit)| {
            let number: u64 = text[..i].parse().ok()?;
            let unit = match unit {
                's' => 1,
                'm' => 60,
                'h' => 3600,
                _ => return None,
            };
            number.checked_mul(unit)
        })
        .map(Duration::from_secs);
    parsed.ok_or_else(|| {
        Diagnostic::error(
            Code::WrongValue,
            format!("`{}` is no length of time", **text),
        )
        .at((&node.source, text.span()))
        .hint("such as 30s, 5m or 2h")
        .into()
    })
}

fn misnamed(shown: &str, pattern: &str) -> Diagnostic {
    Diagnostic::error(
        Code::FileName,
        format!("the name of `{shown}` does not fit `{pattern}`"),
    )
    .at(DataPlace::file(shown))
    .hint("rename it, or move it out of the folder: a file that is passed over is a gap in the numbers")
}

fn is_folder(shown: &str) -> Diagnostic {
    Diagnostic::error(Code::FileName, format!("`{shown}` is a folder, not a file"))
        .at(DataPlace::file(shown))
        .hint("move it out of the inbox")
}

fn nothing(table: &TableName, pattern: &Pattern, folder: &Path) -> Diagnostic {
    if pattern.is_literal() {
        Diagnostic::error(
            Code::FileName,
            format!("the file of `{table}` is not there"),
        )
        .at(DataPlace::file(
            folder.join(file_name(&pattern.text)).display().to_string(),
        ))
        .hint("ask the sender, or check `path`")
    } else {
        Diagnostic::warning(
            Code::MissingFile,
            format!("no file of `{table}` has arrived"),
        )
        .at(DataPlace::file(folder.display().to_string()))
        .hint(format!("files are called `{}`", pattern.text))
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
