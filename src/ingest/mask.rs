//! What a report may show of a refused value.

use crate::spec::{Column, ColumnType, Sensitivity};

/// Characters of a shape that are shown.
const SHOWN: usize = 40;

/// How much of a column's values may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mask {
    /// Nothing, not even the length: NHS numbers.
    Hidden,
    /// The shape: letters as `a`, digits as `9`.
    Shape,
    /// The text itself: no person is in it.
    Open,
}

impl Mask {
    /// For a column of a source.
    pub(super) fn of(column: &Column, sensitivity: Sensitivity) -> Self {
        if *column.kind == ColumnType::NhsNumber || column.pseudonymise.is_some() {
            Self::Hidden
        } else if sensitivity >= Sensitivity::Aggregate && !column.is_identifiable() {
            Self::Open
        } else {
            Self::Shape
        }
    }

    /// What may be shown of a text.
    pub(super) fn apply(self, text: &str) -> String {
        match self {
            Self::Hidden => "**********".to_owned(),
            // An NHS number in the wrong column, or with a slip in it, is one all the same.
            Self::Open if !has_ten_digits(text) => text.to_owned(),
            Self::Open | Self::Shape => text
                .chars()
                .take(SHOWN)
                .map(|c| match c {
                    c if c.is_numeric() => '9',
                    c if c.is_alphabetic() => 'a',
                    c => c,
                })
                .collect(),
        }
    }
}

/// Whether ten digits stand in a row, with or without spaces and hyphens between them.
fn has_ten_digits(text: &str) -> bool {
    let mut digits = 0;
    text.chars().any(|c| {
        match c {
            c if c.is_numeric() => digits += 1,
            '-' | '\u{2010}' | '\u{2011}' | '\u{2013}' => {}
            c if c.is_whitespace() => {}
            _ => digits = 0,
        }
        digits >= 10
    })
}

#[cfg(test)]
mod tests {
    use super::Mask;

    #[test]
    fn a_shape_is_seen_and_a_value_is_not() {
        assert_eq!(Mask::Shape.apply("31/02/2025"), "99/99/9999");
        assert_eq!(Mask::Shape.apply("O'Brien é٣"), "a'aaaaa a9");
        assert_eq!(Mask::Shape.apply(&"x".repeat(100)).len(), 40);
        assert_eq!(Mask::Hidden.apply("4010232138"), "**********");
        assert_eq!(Mask::Open.apply("n/k"), "n/k");
        assert_eq!(Mask::Open.apply("943 476 5919"), "999 999 9999");
        assert_eq!(Mask::Open.apply("see 943-476-5918"), "aaa 999-999-9999");
        assert_eq!(Mask::Open.apply("123456789"), "123456789");
    }
}
