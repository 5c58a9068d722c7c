//! Where a finding is: a span of a text that we hold, or a cell of a data file that we do not.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A YAML or SQL text, with the path it is shown under.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct SourceText {
    /// Path as a reader would type it, relative to the project.
    pub path: String,
    /// The whole text.
    pub text: String,
}

impl SourceText {
    /// A text ready to be pointed into.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            text: text.into(),
        })
    }

    /// Line and column of a byte offset, both from 1, columns in characters.
    pub fn line_and_column(&self, offset: usize) -> (u64, u64) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line = before.bytes().filter(|b| *b == b'\n').count() as u64 + 1;
        let start = before.rfind('\n').map_or(0, |i| i + 1);
        (line, before[start..].chars().count() as u64 + 1)
    }

    /// Byte offset of a line and column, both from 1, columns in characters.
    pub fn offset(&self, line: u64, column: u64) -> usize {
        let mut start = 0;
        for _ in 1..line {
            match self.text[start..].find('\n') {
                Some(i) => start += i + 1,
                None => return self.text.len(),
            }
        }
        let rest = &self.text[start..];
        let end = rest.find('\n').unwrap_or(rest.len());
        rest[..end]
            .char_indices()
            .nth(column.saturating_sub(1) as usize)
            .map_or(start + end, |(i, _)| start + i)
    }
}

/// A cell, row or whole of a data file. Holds no values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataPlace {
    /// The file as a reader would find it, a ZIP member as `file.zip:member.csv`.
    pub file: String,
    /// Line of the text file or row of the sheet, from 1.
    pub line: Option<u64>,
    /// The column's name.
    pub column: Option<String>,
}

impl DataPlace {
    /// A whole file.
    pub fn file(file: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
        }
    }

    /// A line of a file.
    #[must_use]
    pub fn line(mut self, line: u64) -> Self {
        self.line = Some(line);
        self
    }

    /// A column of a file.
    #[must_use]
    pub fn column(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }
}

/// Where a finding is.
#[derive(Debug, Clone)]
pub enum Place {
    /// In a text that we can show.
    Text(Arc<SourceText>, Range<usize>),
    /// In a data file.
    Data(DataPlace),
}

impl Place {
    /// The file.
    pub fn file(&self) -> &str {
        match self {
            Self::Text(source, _) => &source.path,
            Self::Data(place) => &place.file,
        }
    }

    /// Line and column from 1; 0 where unknown.
    pub fn line_and_column(&self) -> (u64, u64) {
        match self {
            Self::Text(source, span) => source.line_and_column(span.start),
            Self::Data(place) => (place.line.unwrap_or(0), 0),
        }
    }
}

impl From<DataPlace> for Place {
    fn from(place: DataPlace) -> Self {
        Self::Data(place)
    }
}

impl From<(Arc<SourceText>, Range<usize>)> for Place {
    fn from((source, span): (Arc<SourceText>, Range<usize>)) -> Self {
        Self::Text(source, span)
    }
}

impl From<(&Arc<SourceText>, Range<usize>)> for Place {
    fn from((source, span): (&Arc<SourceText>, Range<usize>)) -> Self {
        Self::Text(Arc::clone(source), span)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(source, span) => {
                let (line, column) = source.line_and_column(span.start);
                write!(f, "{}:{line}:{column}", source.path)
            }
            Self::Data(place) => {
                f.write_str(&place.file)?;
                if let Some(line) = place.line {
                    write!(f, ":{line}")?;
                }
                if let Some(column) = &place.column {
                    write!(f, " column {column}")?;
                }
                Ok(())
            }
        }
    }
}
