//! Holds a YAML tree against a JSON Schema and reports everything that does not fit, each with
//! its place, the rule and the nearest spelling.
//!
//! Knows the part of JSON Schema that our types generate, no more. What it finds wrong it says in
//! the words of YAML, not of JSON Schema.

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText, did_you_mean};

use super::Sp;
use super::node::Node;

/// Words that other tools use for a thing that has another name here.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("tests", "checks"),
    ("test", "checks"),
    ("data_tests", "checks"),
    ("materialised", "materialized"),
    ("data_type", "type"),
    ("query", "sql"),
    ("file", "sql"),
    ("schema", "columns"),
    ("fields", "columns"),
    ("seeds", "references"),
    ("vars", "parameters"),
    ("exposures", "publish"),
    ("unique_key", "grain"),
    ("primary_key", "grain"),
    ("loader", "files"),
    ("path", "files"),
    ("name", "pipeline"),
];

/// Words that others use for a value that has another name here.
const OTHER_VALUES: &[(&str, &str)] = &[
    ("utf16", "utf-16le"),
    ("utf-16", "utf-16le"),
    ("utf_16", "utf-16le"),
    ("unicode", "utf-16le"),
    ("latin1", "windows-1252"),
    ("latin-1", "windows-1252"),
    ("iso-8859-1", "windows-1252"),
    ("cp1252", "windows-1252"),
    ("ansi", "windows-1252"),
    ("auto", "detect"),
    ("integer", "int"),
    ("text", "string"),
    ("varchar", "string"),
    ("bool", "boolean"),
    ("datetime", "timestamp"),
    ("numeric", "decimal"),
    ("double", "float"),
];

/// Reports everything in `tree` that `schema` does not allow.
pub fn check(source: &Arc<SourceText>, tree: &Sp<Node>, schema: &Value, found: &mut Diagnostics) {
    Structure {
        source,
        root: schema,
        above: Vec::new(),
        found,
    }
    .node(tree, schema, "the file");
}

struct Structure<'a> {
    source: &'a Arc<SourceText>,
    root: &'a Value,
    /// The mappings that lie around: what each is called and its schema, the outermost first.
    above: Vec<(String, &'a Value)>,
    found: &'a mut Diagnostics,
}

impl<'a> Structure<'a> {
    fn node(&mut self, node: &Sp<Node>, schema: &'a Value, what: &str) {
        let schema = self.resolve(schema);
        if let Some(branches) = branches(schema) {
            self.choice(node, branches, what);
            return;
        }
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            self.word(node, &[word], what);
            return;
        }
        if let Some(words) = schema.get("enum").and_then(Value::as_array) {
            let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
            self.word(node, &words, what);
            return;
        }
        if !self.has_type(node, schema) {
            self.wrong_kind(node, &expected_kinds(schema), what);
            return;
        }
        match &**node {
            Node::Map(entries) => self.mapping(node, entries, schema, what),
            Node::List(items) => {
                if let Some(item_schema) = schema.get("items") {
                    for item in items {
                        self.node(item, item_schema, &format!("an item of {what}"));
                    }
                }
            }
            Node::Text(text) => self.pattern(node, text, schema, what),
            Node::Int(number) => self.range(node, *number, schema, what),
            _ => {}
        }
    }

    /// A reference to `$defs`, followed.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|r| self.root.pointer(r.trim_start_matches('#')))
            .unwrap_or(schema)
    }

    /// One of several shapes: the one the node's own shape points at.
    fn choice(&mut self, node: &Sp<Node>, branches: &'a [Value], what: &str) {
        let branches: Vec<&Value> = branches
            .iter()
            .map(|b| self.resolve(b))
            .filter(|b| b.get("type").and_then(Value::as_str) != Some("null"))
            .collect();
        if let [only] = branches[..] {
            if !matches!(**node, Node::Null) {
                self.node(node, only, what);
            }
            return;
        }
        let (objects, others): (Vec<&Value>, Vec<&Value>) =
            branches.iter().partition(|b| b.get("properties").is_some());
        if let Node::Map(entries) = &**node
            && !objects.is_empty()
        {
            let keys: Vec<&str> = objects.iter().flat_map(|b| properties(b)).collect();
            let Some((first, _)) = entries.first() else {
                self.wrong_kind(node, &one_of(&keys), what);
                return;
            };
            match objects
                .iter()
                .find(|b| properties(b).any(|k| k == first.as_str()))
            {
                Some(branch) => self.node(node, branch, what),
                None => self.unknown_key(first, &objects, what),
            }
            return;
        }
        let words: Vec<&str> = others.iter().flat_map(|b| words(b)).collect();
        if words.is_empty() {
            let keys: Vec<&str> = objects.iter().flat_map(|b| properties(b)).collect();
            self.wrong_kind(node, &one_of(&keys), what);
        } else {
            self.word(node, &words, what);
        }
    }

    fn word(&mut self, node: &Sp<Node>, words: &[&str], what: &str) {
        if let Node::Text(text) = &**node {
            if !words.contains(&text.as_str()) {
                self.found.push(
                    Diagnostic::error(
                        Code::WrongValue,
                        format!("`{text}` is not allowed in {what}"),
                    )
                    .at((self.source, node.span()))
                    .label(format!("expected {}", one_of(words)))
                    .maybe_hint(
                        did_you_mean(text, words.iter().copied())
                            .or_else(|| other_word(OTHER_VALUES, &text.to_lowercase(), words)),
                    ),
                );
            }
        } else {
            self.wrong_kind(node, &one_of(words), what);
        }
    }

    fn mapping(
        &mut self,
        node: &Sp<Node>,
        entries: &[(Sp<String>, Sp<Node>)],
        schema: &'a Value,
        what: &str,
    ) {
        let extra = schema.get("additionalProperties");
        let mut seen: Vec<&Sp<String>> = Vec::new();
        for (key, value) in entries {
            if let Some(first) = seen.iter().find(|k| **k == key) {
                let (line, _) = self.source.line_and_column(first.span().start);
                self.found.push(
                    Diagnostic::error(Code::DuplicateKey, format!("`{}` stands twice", **key))
                        .at((self.source, key.span()))
                        .label(format!("first on line {line}"))
                        .hint("keep one of them"),
                );
                continue;
            }
            seen.push(key);
            let path = format!("`{}`", **key);
            self.above.push((what.to_owned(), schema));
            match schema.pointer(&format!("/properties/{}", key.as_str())) {
                Some(property) => self.node(value, property, &path),
                None => match extra {
                    Some(extra) if extra.is_object() => self.node(value, extra, &path),
                    _ => self.unknown_key(key, &[schema], what),
                },
            }
            self.above.pop();
        }
        for required in schema
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if !seen.iter().any(|k| k.as_str() == required) {
                let place = entries.first().map_or(node.span(), |(k, _)| k.span());
                self.found.push(
                    Diagnostic::error(Code::MissingKey, format!("{what} has no `{required}`"))
                        .at((self.source, place))
                        .label("in this mapping")
                        .maybe_hint(describe(schema, required)),
                );
            }
        }
    }

    fn unknown_key(&mut self, key: &Sp<String>, here: &[&'a Value], what: &str) {
        let known: Vec<&str> = here.iter().flat_map(|s| properties(s)).collect();
        let known = known.as_slice();
        let synonym = other_word(OTHER_WORDS, key, known);
        let tagged = (key.as_str() == "type" && known.contains(&"csv"))
            .then(|| "a choice is spelled as a key: `csv: {}`, never `type: csv`".to_owned());
        let hint = did_you_mean(key, known.iter().copied())
            .or(synonym)
            .or(tagged)
            .or_else(|| self.elsewhere(key, here))
            .or_else(|| Some(format!("allowed here: {}", known.join(", "))));
        self.found.push(
            Diagnostic::error(
                Code::UnknownKey,
                format!("unknown key `{}` in {what}", **key),
            )
            .at((self.source, key.span()))
            .label("not a key that means anything here")
            .maybe_hint(hint),
        );
    }

    /// Where a key belongs that stands too far out or too deep.
    fn elsewhere(&self, key: &str, here: &[&'a Value]) -> Option<String> {
        let has = |schema: &Value| properties(schema).any(|k| k == key);
        let inside = here.iter().find_map(|schema| {
            let below = schema.get("properties")?.as_object()?;
            let holds = |schema: &'a Value| {
                let schema = self.resolve(schema);
                let branches = branches(schema).into_iter().flatten();
                has(schema) || branches.map(|b| self.resolve(b)).any(has)
            };
            let (name, _) = below.iter().find(|(_, schema)| holds(schema))?;
            Some(format!("`{key}` belongs in `{name}`"))
        });
        inside.or_else(|| {
            let (name, _) = self.above.iter().rev().find(|(_, schema)| has(schema))?;
            Some(format!("`{key}` belongs further out, in {name}"))
        })
    }

    fn pattern(&mut self, node: &Sp<Node>, text: &str, schema: &Value, what: &str) {
        let Some(pattern) = schema.get("pattern").and_then(Value::as_str) else {
            return;
        };
        let fits = Regex::new(pattern).is_ok_and(|r| r.is_match(text));
        if !fits {
            let hint = schema
                .get("description")
                .and_then(Value::as_str)
                .map_or_else(|| format!("it must match {pattern}"), str::to_owned);
            self.found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("`{text}` is not allowed in {what}"),
                )
                .at((self.source, node.span()))
                .label("wrong spelling")
                .hint(hint),
            );
        }
    }

    fn range(&mut self, node: &Sp<Node>, number: i128, schema: &Value, what: &str) {
        let bound = |key| schema.get(key).and_then(Value::as_i64).map(i128::from);
        let (min, max) = (bound("minimum"), bound("maximum"));
        if min.is_some_and(|m| number < m) || max.is_some_and(|m| number > m) {
            let limits = match (min, max) {
                (Some(a), Some(b)) => format!("between {a} and {b}"),
                (Some(a), None) => format!("at least {a}"),
                (_, Some(b)) => format!("at most {b}"),
                _ => return,
            };
            self.found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("{number} is out of range in {what}"),
                )
                .at((self.source, node.span()))
                .label(format!("expected {limits}")),
            );
        }
    }

    fn has_type(&self, node: &Node, schema: &Value) -> bool {
        let fits = |kind: &str| match node {
            Node::Null => kind == "null",
            Node::Bool(_) => kind == "boolean",
            Node::Int(_) => kind == "integer" || kind == "number",
            Node::Float(_) => kind == "number",
            Node::Text(_) => kind == "string",
            Node::List(_) => kind == "array",
            Node::Map(_) => kind == "object",
        };
        match schema.get("type") {
            None => true,
            Some(Value::String(kind)) => fits(kind),
            Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).any(fits),
            Some(_) => true,
        }
    }

    fn wrong_kind(&mut self, node: &Sp<Node>, expected: &str, what: &str) {
        let text_hint = match **node {
            Node::Bool(truth) if expected == "text" => {
                let written = self.source.text.get(node.span()).unwrap_or_default();
                Some(format!(
                    "YAML reads a bare `{written}` as {truth}: write \"{written}\""
                ))
            }
            Node::Int(_) | Node::Float(_) if expected == "text" => {
                Some("put it in quotes".to_owned())
            }
            _ => None,
        };
        self.found.push(
            Diagnostic::error(
                Code::WrongValue,
                format!("{what} must be {expected}, not {}", node.kind()),
            )
            .at((self.source, node.span()))
            .label(format!("expected {expected}"))
            .maybe_hint(text_hint),
        );
    }
}

/// "did you mean `x`?", for a word that others use.
fn other_word(words: &[(&str, &str)], said: &str, known: &[&str]) -> Option<String> {
    words
        .iter()
        .find(|(other, ours)| *other == said && known.contains(ours))
        .map(|(_, ours)| format!("did you mean `{ours}`?"))
}

fn branches(schema: &Value) -> Option<&[Value]> {
    ["oneOf", "anyOf"]
        .iter()
        .find_map(|key| schema.get(key).and_then(Value::as_array))
        .map(Vec::as_slice)
}

fn properties(schema: &Value) -> impl Iterator<Item = &str> {
    schema
        .get("properties")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|p| p.keys().map(String::as_str))
}

/// The fixed words a branch allows.
fn words(schema: &Value) -> Vec<&str> {
    let one = schema.get("const").and_then(Value::as_str);
    let many = schema.get("enum").and_then(Value::as_array);
    one.into_iter()
        .chain(many.into_iter().flatten().filter_map(Value::as_str))
        .collect()
}

/// What a missing key would have said, from its description.
fn describe(schema: &Value, key: &str) -> Option<String> {
    schema
        .pointer(&format!("/properties/{key}/description"))
        .and_then(Value::as_str)
        .map(|d| format!("`{key}`: {}", d.lines().next().unwrap_or(d)))
}

fn expected_kinds(schema: &Value) -> String {
    let name = |kind: &str| match kind {
        "object" => "a mapping",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        _ => "nothing",
    };
    match schema.get("type") {
        Some(Value::String(kind)) => name(kind).to_owned(),
        Some(Value::Array(kinds)) => kinds
            .iter()
            .filter_map(Value::as_str)
            .filter(|k| *k != "null")
            .map(name)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "something else".to_owned(),
    }
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => "nothing".to_owned(),
        [one] => format!("`{one}`"),
        many => format!(
            "one of {}",
            many.iter()
                .map(|w| format!("`{w}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}
