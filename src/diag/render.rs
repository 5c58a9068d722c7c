//! The one renderer: rustc's look for people, one JSON document for machines.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::json;

use super::{Diagnostic, Diagnostics, Place, Severity};

/// The findings as a person reads them, with carets. `colour` asks for ANSI styles.
pub fn render(diagnostics: &Diagnostics, colour: bool) -> String {
    let renderer = if colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    diagnostics
        .iter()
        .map(|d| render_one(&renderer, d))
        .collect::<Vec<_>>()
        .join("\n\n")
}

fn render_one(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(
        level
            .primary_title(diagnostic.message.as_str())
            .id(diagnostic.code.name()),
    );
    let place = diagnostic.place.as_ref();
    match place {
        Some(Place::Text(source, span)) => {
            let start = span.start.min(source.text.len());
            let end = span.end.clamp(start, source.text.len());
            // A span of several lines is shown as its first: the caret says where to look.
            let end = source.text[start..end]
                .find('\n')
                .map_or(end, |i| start + i);
            let annotation = AnnotationKind::Primary
                .span(start..end)
                .label(diagnostic.label.as_str());
            group = group.element(
                Snippet::source(source.text.as_str())
                    .path(source.path.as_str())
                    .annotation(annotation),
            );
        }
        Some(place @ Place::Data(_)) => {
            group = group.element(Level::NOTE.no_name().message(format!("--> {place}")));
            if !diagnostic.label.is_empty() {
                group = group.element(Level::NOTE.message(diagnostic.label.as_str()));
            }
        }
        None => {}
    }
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    renderer.render(&[group]).to_string()
}

/// The findings as a JSON array: code, severity, message, file, line, column, label, hints.
pub fn to_json(diagnostics: &Diagnostics) -> serde_json::Value {
    diagnostics
        .iter()
        .map(|d| {
            let (line, column) = d.place.as_ref().map_or((0, 0), Place::line_and_column);
            let known = |n: u64| (n > 0).then_some(n);
            json!({
                "code": d.code.name(),
                "severity": match d.severity { Severity::Error => "error", Severity::Warning => "warning" },
                "message": d.message,
                "file": d.place.as_ref().map(Place::file),
                "line": known(line),
                "column": known(column),
                "column_name": match &d.place { Some(Place::Data(p)) => p.column.clone(), _ => None },
                "label": (!d.label.is_empty()).then_some(&d.label),
                "hints": d.hints,
            })
        })
        .collect()
}
