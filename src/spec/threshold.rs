//! "> 2%", "> 5" and "> 2% and > 5": how much is too much.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A limit on a number of rows, or on their share of all rows. Broken when strictly above.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Threshold {
    /// `"> 5"`: more than so many.
    Count(u64),
    /// `"> 2%"`: more than so many in a hundred.
    PerCent(f64),
    /// `"> 2% and > 5"`: more than both, so that one row of three is not a third of a feed.
    Both(f64, u64),
}

/// The spelling, for the schema and for the parser.
const PATTERN: &str = r"^> ?([0-9]+|[0-9]+(\.[0-9]+)? ?%( and > ?[0-9]+)?)$";

impl Threshold {
    /// Whether `count` of `total` breaks it. Nothing of nothing breaks nothing.
    pub fn is_broken(self, count: u64, total: u64) -> bool {
        match self {
            Self::Count(limit) => count > limit,
            #[allow(clippy::cast_precision_loss)]
            Self::PerCent(limit) => count as f64 * 100.0 > limit * total as f64,
            Self::Both(share, limit) => {
                Self::PerCent(share).is_broken(count, total) && count > limit
            }
        }
    }

    fn parse(text: &str) -> Option<Self> {
        if let Some((share, limit)) = text.split_once(" and ") {
            return match (Self::parse(share)?, Self::parse(limit)?) {
                (Self::PerCent(share), Self::Count(limit)) => Some(Self::Both(share, limit)),
                _ => None,
            };
        }
        let rest = text.strip_prefix('>')?.trim();
        match rest.strip_suffix('%') {
            Some(number) => number.trim().parse().ok().map(Self::PerCent),
            None => rest.parse().ok().map(Self::Count),
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(n) => write!(f, "> {n}"),
            Self::PerCent(p) => write!(f, "> {p}%"),
            Self::Both(p, n) => write!(f, "> {p}% and > {n}"),
        }
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is not a threshold such as \"> 2%\", \"> 5\" or \"> 2% and > 5\""
            ))
        })
    }
}

impl JsonSchema for Threshold {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Threshold".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "pattern": PATTERN,
            "description": "More than so many rows (\"> 5\"), so many in a hundred (\"> 2%\"), or both (\"> 2% and > 5\").",
            "examples": ["> 2%", "> 5", "> 2% and > 5"],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Threshold;

    #[test]
    fn per_cent_and_count_are_strict() {
        let two = Threshold::parse("> 2%").expect("parses");
        assert!(!two.is_broken(2, 100));
        assert!(two.is_broken(3, 100));
        assert!(!two.is_broken(0, 0));
        let five = Threshold::parse("> 5").expect("parses");
        assert!(!five.is_broken(5, 5));
        assert!(five.is_broken(6, 1_000));
        assert!(Threshold::parse("> 2.5").is_none());
    }

    #[test]
    fn both_must_be_broken() {
        let both = Threshold::parse("> 20% and > 2").expect("parses");
        assert!(!both.is_broken(1, 3), "a third, and one row");
        assert!(!both.is_broken(2, 3));
        assert!(both.is_broken(3, 3));
        assert!(!both.is_broken(3, 15), "a fifth is not more");
        assert_eq!(both.to_string(), "> 20% and > 2");
        for wrong in [
            "> 2 and > 5%",
            "> 2% and",
            "> 2% and > 5 and > 6",
            "> 2% and 5",
        ] {
            assert!(Threshold::parse(wrong).is_none(), "{wrong}");
        }
    }
}
