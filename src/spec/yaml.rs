//! The one file that names `serde_yaml`: text in, trees and types out, places kept.

use std::ops::Range;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Place, Result, SourceText};

use super::node::Node;
use super::{Sp, schema, structure};

/// Reads a text into a type, or reports everything in it that is wrong.
pub fn read<T: DeserializeOwned + JsonSchema>(source: &Arc<SourceText>) -> Result<T> {
    let tree: Sp<Node> = parse(source)?;
    let mut found = Diagnostics::default();
    structure::check(source, &tree, &schema::of::<T>(), &mut found);
    if found.has_errors() {
        return Err(found.sorted().into_iter().map(without_secrets).collect());
    }
    parse(source)
}

/// A finding on a line where a secret is named: the line is not shown, the secret may stand on it.
fn without_secrets(mut finding: Diagnostic) -> Diagnostic {
    let Some(Place::Text(source, span)) = &finding.place else {
        return finding;
    };
    let (line, _) = source.line_and_column(span.start);
    let text = source.text.lines().nth(line.saturating_sub(1) as usize);
    let names_a_secret = |text: &str| {
        // Keys of rows are no secrets, nor are people's in a test.
        let keys = ["unique_key:", "primary_key:", "person_key:"];
        let text = keys
            .iter()
            .fold(text.to_owned(), |text, key| text.replace(key, ""));
        let secret = ["_key:", "_key_id:", "_token:", "_secret:"];
        secret.iter().any(|s| text.contains(s))
    };
    if text.is_some_and(names_a_secret) {
        let place = DataPlace::file(source.path.as_str()).line(line);
        if finding.code == Code::UnknownKey {
            // It names the key alone, and the nearest spelling.
            finding.place = Some(place.into());
            return finding;
        }
        finding.message = "a secret stands where a reference to one should".to_owned();
        finding.place = Some(place.into());
        finding.label = String::new();
        finding.hints =
            vec!["write `{ env: NAME }` or `{ file: PATH }`, and change the secret".to_owned()];
    }
    finding
}

/// Reads a text into a type, stopping at the first fault.
fn parse<T: DeserializeOwned>(source: &Arc<SourceText>) -> Result<T> {
    let options = serde_yaml::options! {
        // Repeated keys reach the tree, so that they are reported beside everything else.
        duplicate_keys: serde_yaml::DuplicateKeyPolicy::PassThrough,
        merge_keys: serde_yaml::options::MergeKeyPolicy::Error,
        leading_zero_numbers_as_strings: true,
        with_snippet: false,
        budget: serde_yaml::budget! {
            max_events: 200_000,
            max_aliases: 100,
            max_depth: 64,
            max_nodes: 100_000,
        },
    };
    serde_yaml::from_str_with_options(&source.text, options)
        .map_err(|error| Diagnostics::from(syntax_error(source, &error)))
}

fn syntax_error(source: &Arc<SourceText>, error: &serde_yaml::Error) -> Diagnostic {
    // Of what the scanner refuses, the crate knows line and column only.
    let span = error.location().map_or(0..0, |l| {
        let at = source.offset(l.line(), l.column());
        l.span().byte_offset().map_or(at..at, |_| range(&l))
    });
    let text = error.without_snippet().to_string();
    // The crate repeats the place at the end of its message; ours is shown with a caret.
    let message = text.split(" at line ").next().unwrap_or(&text).to_owned();
    let message = message.lines().next().unwrap_or_default().to_owned();
    let line = source.text[..span.start.min(source.text.len())]
        .rfind('\n')
        .map_or(0, |i| i + 1);
    let rest = &source.text[line..];
    let tab = rest
        .lines()
        .next()
        .is_some_and(|l| l[..l.len() - l.trim_start().len()].contains('\t'));
    let hint = if tab {
        "YAML is indented with spaces, never with tabs"
    } else if message.contains("budget") || message.contains("limit") {
        "the file is far larger, deeper or more self-referring than a pipeline can be"
    } else {
        "check quotes, colons and indentation near here"
    };
    Diagnostic::error(Code::YamlSyntax, format!("not YAML: {message}"))
        .at((source, span))
        .hint(hint)
}

fn range(location: &serde_yaml::Location) -> Range<usize> {
    let span = location.span();
    let start = span.byte_offset().unwrap_or_default() as usize;
    start..start + span.byte_len().unwrap_or_default() as usize
}

/// Reads a value together with the bytes it stands at.
pub(super) fn deserialize_spanned<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<(T, Range<usize>), D::Error> {
    let spanned = serde_yaml::Spanned::<T>::deserialize(deserializer)?;
    let span = range(&spanned.referenced);
    Ok((spanned.value, span))
}
