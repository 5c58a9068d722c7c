//! A source with a place of its own: the URL in `files.root`.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, SourceText, did_you_mean};
use crate::spec::location::Location;
use crate::spec::source::Root;
use crate::spec::{Files, Settings, StoreKind, stores};

/// Where our copy of the source's place is.
///
/// # Errors
/// A URL that cannot be read, or a store that lacks what it takes to be reached; a path on a web
/// server that does not name one file.
pub(super) fn root(
    settings: &Settings,
    files: &Files,
    text: &Arc<SourceText>,
    url: &str,
) -> Result<PathBuf> {
    let say = |code: Code, message: String, hint: String| {
        let finding = Diagnostic::error(code, message).hint(hint);
        Diagnostics::from(place(finding, text, files))
    };
    let wrong = |message: String, hint: String| say(Code::WrongValue, message, hint);
    let url = match Location::parse(url) {
        Ok(Location::Store(url)) => url,
        Ok(Location::Folder(_)) => {
            return Err(wrong(
                "`root` is a folder's URL".to_owned(),
                "leave it out for the inbox, or write `project`".to_owned(),
            ));
        }
        Err(why) if why.secret => {
            let message = format!("root: {}", why.message);
            return Err(say(Code::Secret, message, why.hint));
        }
        Err(why) => return Err(wrong(format!("root: {}", why.message), why.hint)),
    };
    if url.store.kind == StoreKind::Http && files.path.contains(['{', '[']) {
        return Err(wrong(
            "a web server cannot be asked which files it has".to_owned(),
            "write the path of one file, without captures".to_owned(),
        ));
    }
    if let Some((message, hint)) = stores::missing(&url.store, settings.store(&url.store)) {
        return Err(wrong(message, format!("{hint} in the target")));
    }
    Ok(settings.mirror(&url))
}

/// Says where a source's files are named. A line with a secret is not shown.
fn place(finding: Diagnostic, text: &Arc<SourceText>, files: &Files) -> Diagnostic {
    let span = files.path.span();
    if finding.code == Code::Secret {
        let (line, _) = text.line_and_column(span.start);
        return finding.at(DataPlace::file(text.path.as_str()).line(line));
    }
    finding.at((text, span))
}

/// Warns of options in the target for a store that nothing names: most likely a slip, and the
/// store that was meant would be asked without them.
pub(super) fn unused(settings: &Settings, roots: &[&Files], found: &mut Diagnostics) {
    let url = |text: &str| match Location::parse(text) {
        Ok(Location::Store(url)) => Some(url),
        _ => None,
    };
    let named: BTreeSet<String> = roots
        .iter()
        .filter_map(|files| match &files.root {
            Root::Url(text) => url(text),
            _ => None,
        })
        .chain(settings.remote_inbox.clone())
        .chain(settings.remote_published.clone())
        .map(|url| url.store.to_string())
        .collect();
    for (name, _) in settings.stores.iter() {
        // A layer that several targets share may speak of stores that one of them does not use.
        let in_target = settings
            .source
            .text
            .get(name.span())
            .is_some_and(|t| t.contains(name.as_str()));
        let Some(store) = url(name).map(|url| url.store.to_string()) else {
            continue;
        };
        if in_target && !named.contains(&store) {
            found.push(
                Diagnostic::warning(Code::UnknownName, format!("nothing is at {store}"))
                    .at((&settings.source, name.span()))
                    .maybe_hint(did_you_mean(&store, named.iter().map(String::as_str))),
            );
        }
    }
}
