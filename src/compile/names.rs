//! Every table the project declares, by name, each where it stands; and what is wrong with names.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};
use crate::spec::{Mart, Model, PipelineFile, Project, Source, Sp};

use super::{SystemTable, TableKind, TableName};

/// What a table is declared as.
#[derive(Clone, Copy)]
pub enum Declared<'a> {
    /// A source or a reference.
    Source(&'a Source),
    /// A model.
    Model(&'a Model),
    /// A mart.
    Mart(&'a Mart),
}

impl Declared<'_> {
    /// Whether a target has nothing of it unless it says so.
    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Source(source) if source.absent)
    }
}

/// A declared table.
#[derive(Clone)]
pub struct Declaration<'a> {
    /// What it is.
    pub body: Declared<'a>,
    /// The pipeline's file.
    pub file: &'a PipelineFile,
    /// Where its name stands.
    pub span: Range<usize>,
}

impl Declaration<'_> {
    /// The text it stands in.
    pub fn source(&self) -> &Arc<SourceText> {
        &self.file.source
    }
}

/// Every declared table.
pub type Declarations<'a> = BTreeMap<TableName, Declaration<'a>>;

/// Collects the tables of all pipelines; reports names that are taken or cannot be written in SQL.
pub fn collect<'a>(project: &'a Project, found: &mut Diagnostics) -> Declarations<'a> {
    let mut all = Declarations::new();
    let mut pipelines: BTreeMap<&str, &PipelineFile> = BTreeMap::new();
    for file in &project.pipelines {
        let spec = &file.spec;
        if let Some(first) = pipelines.insert(spec.pipeline.as_str(), file) {
            found.push(
                Diagnostic::error(
                    Code::DuplicateName,
                    format!("two pipelines are called `{}`", *spec.pipeline),
                )
                .at((&file.source, spec.pipeline.span()))
                .hint(format!("the other is {}", first.source.path)),
            );
        }
        let sources = spec
            .sources
            .iter()
            .map(|(n, s)| (TableKind::Source, n, Declared::Source(s)));
        let references = spec
            .references
            .iter()
            .map(|(n, s)| (TableKind::Reference, n, Declared::Source(s)));
        let models = spec
            .models
            .iter()
            .map(|(n, m)| (TableKind::Model, n, Declared::Model(m)));
        let marts = spec
            .marts
            .iter()
            .map(|(n, m)| (TableKind::Mart, n, Declared::Mart(m)));
        for (kind, name, body) in sources.chain(references).chain(models).chain(marts) {
            check_identifier(&file.source, name, found);
            let table = TableName::new(kind, name.as_str());
            let declaration = Declaration {
                body,
                file,
                span: name.span(),
            };
            if let Some(first) = all.get(&table) {
                let (line, _) = first.source().line_and_column(first.span.start);
                found.push(
                    Diagnostic::error(Code::DuplicateName, format!("`{table}` is declared twice"))
                        .at((&file.source, name.span()))
                        .label("declared again here")
                        .hint(format!("first in {}:{line}", first.source().path)),
                );
            } else if let Some(other) = namesake(&table).filter(|t| all.contains_key(t)) {
                found.push(
                    Diagnostic::error(
                        Code::DuplicateName,
                        format!("`{table}` and `{other}` share a name, and so a place in the lake"),
                    )
                    .at((&file.source, name.span()))
                    .hint("call one of them something else"),
                );
            } else {
                all.insert(table, declaration);
            }
        }
    }
    all
}

/// The source of a reference's name, or the reference of a source's.
fn namesake(table: &TableName) -> Option<TableName> {
    let other = match table.kind {
        TableKind::Source => TableKind::Reference,
        TableKind::Reference => TableKind::Source,
        TableKind::Model | TableKind::Mart | TableKind::System => return None,
    };
    Some(TableName::new(other, table.name.as_str()))
}

/// Reports a name that SQL would need quotes for.
pub fn check_identifier(source: &Arc<SourceText>, name: &Sp<String>, found: &mut Diagnostics) {
    let mut chars = name.chars();
    let fits = chars
        .next()
        .is_some_and(|c| c.is_ascii_lowercase() || c == '_')
        && chars.all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !fits {
        found.push(
            Diagnostic::error(Code::WrongValue, format!("`{}` cannot be a name", **name))
                .at((source, name.span()))
                .label("names are lower-case letters, digits and underscores")
                .hint(format!("such as `{}`", suggestion(name))),
        );
    }
}

fn suggestion(name: &str) -> String {
    let lower: String = name
        .trim()
        .to_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if lower.starts_with(|c: char| c.is_ascii_digit()) {
        format!("n{lower}")
    } else {
        lower
    }
}

/// A diagnostic for a table that nobody declares, with the nearest that is.
pub fn unknown_table(declarations: &Declarations<'_>, table: &TableName, code: Code) -> Diagnostic {
    let own = SystemTable::ALL.map(|t| t.name().to_string());
    let names: Vec<String> = declarations
        .keys()
        .map(ToString::to_string)
        .chain(own)
        .collect();
    let text = table.to_string();
    let elsewhere = declarations
        .keys()
        .find(|t| t.name == table.name)
        .map(|t| format!("did you mean `{t}`?"));
    let near = || did_you_mean(&text, names.iter().map(String::as_str));
    Diagnostic::error(code, format!("there is no table `{text}`"))
        .label("not declared in any pipeline")
        .maybe_hint(
            elsewhere
                .or_else(near)
                .or_else(|| of_its_kind(declarations, table)),
        )
}

/// The tables of a kind, where none is near to what was written.
fn of_its_kind(declarations: &Declarations<'_>, table: &TableName) -> Option<String> {
    const MOST: usize = 8;
    let mut all: Vec<String> = declarations
        .keys()
        .filter(|t| t.kind == table.kind)
        .map(ToString::to_string)
        .collect();
    let more = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let rest = match more {
        0 => String::new(),
        n => format!(" and {n} more"),
    };
    (!all.is_empty()).then(|| format!("there are {}{rest}", all.join(", ")))
}
