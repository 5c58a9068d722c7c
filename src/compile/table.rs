//! Names of tables: `source.x`, `reference.x`, `model.x`, `mart.x`, `system.x`, and no others.

use std::fmt;

/// What kind of table it is: the part before the dot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableKind {
    /// What arrives.
    Source,
    /// Real-world code lists and geographies.
    Reference,
    /// Internal SQL.
    Model,
    /// Published SQL.
    Mart,
    /// What the warehouse knows of itself.
    System,
}

impl TableKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Source,
        Self::Reference,
        Self::Model,
        Self::Mart,
        Self::System,
    ];

    /// The word before the dot.
    pub fn word(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Reference => "reference",
            Self::Model => "model",
            Self::Mart => "mart",
            Self::System => "system",
        }
    }
}

/// The name of a table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableName {
    /// The part before the dot.
    pub kind: TableKind,
    /// The part after the dot.
    pub name: String,
}

impl TableName {
    /// `kind.name`.
    pub fn new(kind: TableKind, name: impl Into<String>) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// Whether it comes from files: a source or a reference.
    pub fn is_received(&self) -> bool {
        matches!(self.kind, TableKind::Source | TableKind::Reference)
    }

    /// Reads `kind.name`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, name) = text.split_once('.')?;
        let kind = TableKind::ALL.into_iter().find(|k| k.word() == kind)?;
        (!name.is_empty() && !name.contains('.')).then(|| Self::new(kind, name))
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind.word(), self.name)
    }
}
