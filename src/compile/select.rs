//! Selection: which tables a command is about. dbt's language, and `and`, `or`, `not`.
//!
//! `x` names a table, a pipeline, or a table by its full name (`mart.x`); `*` stands for any
//! characters. `+x` adds all that x reads, `x+` all that reads x, `2+x` two steps. Methods:
//! `tag:`, `pipeline:`, `source:`, `reference:`, `model:`, `mart:`. A comma or `and` asks for
//! both, a space or `or` for either, `not` for the rest.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Result, did_you_mean};

use super::{Node, Plan, TableKind, TableName};

/// The tables that the words choose, less those that `exclude` chooses. No words choose all.
///
/// # Errors
/// A word that matches nothing, a selection that is empty, a sentence that makes no sense.
pub fn select(plan: &Plan, words: &[String], exclude: &[String]) -> Result<BTreeSet<TableName>> {
    let all: BTreeSet<TableName> = plan.nodes.iter().map(|n| n.name.clone()).collect();
    let chosen = if words.is_empty() {
        all
    } else {
        parse(plan, words)?
    };
    let left_out = if exclude.is_empty() {
        BTreeSet::new()
    } else {
        parse(plan, exclude)?
    };
    let chosen: BTreeSet<TableName> = chosen.difference(&left_out).cloned().collect();
    if chosen.is_empty() {
        return Err(
            Diagnostic::error(Code::EmptySelection, "nothing is selected")
                .hint("`martlet ls` lists what there is")
                .into(),
        );
    }
    Ok(chosen)
}

/// The tables and all that they read, directly or not.
pub fn with_inputs(plan: &Plan, tables: &BTreeSet<TableName>) -> BTreeSet<TableName> {
    let mut all = tables.clone();
    // Nodes stand after what they read: one walk backwards reaches everything.
    for node in plan.nodes.iter().rev() {
        if all.contains(&node.name) {
            all.extend(node.inputs.iter().cloned());
        }
    }
    all
}

fn parse(plan: &Plan, words: &[String]) -> Result<BTreeSet<TableName>> {
    let tokens: Vec<String> = words
        .iter()
        .flat_map(|w| w.split_whitespace())
        .flat_map(split_commas)
        .collect();
    let mut parser = Parser {
        plan,
        tokens: &tokens,
        at: 0,
    };
    parser.either()
}

/// `a,b` is `a and b`.
fn split_commas(word: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for (i, part) in word.split(',').filter(|p| !p.is_empty()).enumerate() {
        if i > 0 {
            parts.push("and".to_owned());
        }
        parts.push(part.to_owned());
    }
    parts
}

struct Parser<'a> {
    plan: &'a Plan,
    tokens: &'a [String],
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.tokens.get(self.at).map(String::as_str)
    }

    /// Terms side by side or joined by `or`.
    fn either(&mut self) -> Result<BTreeSet<TableName>> {
        let mut chosen = self.both()?;
        while let Some(word) = self.peek() {
            if word == "or" {
                self.at += 1;
            }
            chosen.extend(self.both()?);
        }
        Ok(chosen)
    }

    /// Terms joined by `and`.
    fn both(&mut self) -> Result<BTreeSet<TableName>> {
        let mut chosen = self.term()?;
        while self.peek() == Some("and") {
            self.at += 1;
            let other = self.term()?;
            chosen = chosen.intersection(&other).cloned().collect();
        }
        Ok(chosen)
    }

    fn term(&mut self) -> Result<BTreeSet<TableName>> {
        let word = self.peek();
        self.at += 1;
        match word {
            None | Some("and" | "or") => Err(Diagnostic::error(
                Code::EmptySelection,
                "the selection ends where a name should stand",
            )
            .hint("such as `mart.liver_surveillance` or `tag:nightly and not pipeline:people`")
            .into()),
            Some("not") => {
                let without = self.term()?;
                let all = self.plan.nodes.iter().map(|n| n.name.clone());
                Ok(all.filter(|t| !without.contains(t)).collect())
            }
            Some(word) => self.word(word),
        }
    }

    fn word(&self, word: &str) -> Result<BTreeSet<TableName>> {
        let (before, rest) = match word.split_once('+') {
            Some(("", rest)) => (Some(usize::MAX), rest),
            Some((n, rest)) if !rest.is_empty() && n.parse::<usize>().is_ok() => {
                (n.parse().ok(), rest)
            }
            _ => (None, word),
        };
        let (name, after) = match rest.rsplit_once('+') {
            Some((name, "")) => (name, Some(usize::MAX)),
            Some((name, n)) if n.parse::<usize>().is_ok() => (name, n.parse().ok()),
            _ => (rest, None),
        };
        let matched: BTreeSet<TableName> = self
            .plan
            .nodes
            .iter()
            .filter(|n| matches(n, name))
            .map(|n| n.name.clone())
            .collect();
        if matched.is_empty() {
            return Err(self.nothing(name).into());
        }
        let mut chosen = matched.clone();
        if let Some(steps) = before {
            chosen.extend(self.walk(&matched, steps, |node, from| {
                node.inputs
                    .iter()
                    .filter(|_| from.contains(&node.name))
                    .cloned()
                    .collect()
            }));
        }
        if let Some(steps) = after {
            chosen.extend(self.walk(&matched, steps, |node, from| {
                let reads = node.inputs.iter().any(|i| from.contains(i));
                reads.then(|| node.name.clone()).into_iter().collect()
            }));
        }
        Ok(chosen)
    }

    fn walk(
        &self,
        start: &BTreeSet<TableName>,
        steps: usize,
        next: impl Fn(&Node, &BTreeSet<TableName>) -> Vec<TableName>,
    ) -> BTreeSet<TableName> {
        let mut all = start.clone();
        for _ in 0..steps {
            let more: BTreeSet<TableName> =
                self.plan.nodes.iter().flat_map(|n| next(n, &all)).collect();
            let before = all.len();
            all.extend(more);
            if all.len() == before {
                break;
            }
        }
        all
    }

    fn nothing(&self, name: &str) -> Diagnostic {
        let nodes = &self.plan.nodes;
        let full = nodes.iter().map(|n| n.name.to_string());
        let tables = nodes.iter().map(|n| n.name.name.clone());
        let pipelines = nodes.iter().map(|n| n.pipeline.clone());
        let tags = nodes
            .iter()
            .flat_map(|n| n.tags.iter().map(|t| format!("tag:{t}")));
        let known: Vec<String> = full.chain(tables).chain(pipelines).chain(tags).collect();
        let hint = did_you_mean(name, known.iter().map(String::as_str))
            .unwrap_or_else(|| "`martlet ls` lists what there is".to_owned());
        Diagnostic::error(Code::EmptySelection, format!("`{name}` matches nothing")).hint(hint)
    }
}

fn matches(node: &Node, name: &str) -> bool {
    let kind = |kind, name: &str| node.name.kind == kind && glob(name, &node.name.name);
    match name.split_once(':') {
        Some(("tag", tag)) => node.tags.iter().any(|t| glob(tag, t)),
        Some(("pipeline", pipeline)) => glob(pipeline, &node.pipeline),
        Some(("source", n)) => kind(TableKind::Source, n),
        Some(("reference", n)) => kind(TableKind::Reference, n),
        Some(("model", n)) => kind(TableKind::Model, n),
        Some(("mart", n)) => kind(TableKind::Mart, n),
        Some(("system", n)) => kind(TableKind::System, n),
        Some(_) => false,
        None => {
            glob(name, &node.name.name)
                || glob(name, &node.pipeline)
                || glob(name, &node.name.to_string())
        }
    }
}

/// Whether a text fits a pattern in which `*` stands for any characters.
pub fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|tail| {
            (0..=tail.len()).any(|i| tail.is_char_boundary(i) && glob(rest, &tail[i..]))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_any_characters() {
        assert!(glob("dim_*", "dim_date"));
        assert!(glob("*", ""));
        assert!(glob("*_date", "dim_date"));
        assert!(!glob("dim_*", "fact"));
    }
}
