//! Numbers as people write them: `1,234`, `£12.50`, `(12.50)`, `71.3%`.
//!
//! Each is rewritten plainly for the kernels of numbers, by moving characters and not by
//! arithmetic: what was exact stays so. A text that is not written as the column says is left as
//! it is, and the kernel refuses it.

use std::borrow::Cow;

use arrow::array::{Array, StringArray};

use crate::spec::column::{NumberStyle, PerCent};

/// How the numbers of a column may be written.
#[derive(Debug, Default)]
pub(in crate::ingest) struct Written {
    thousands: Option<char>,
    currency: Option<String>,
    per_cent: Option<PerCent>,
}

impl Written {
    /// For a column of a contract.
    pub(in crate::ingest) fn of(style: &NumberStyle) -> Self {
        Self {
            thousands: style.thousands.as_ref().and_then(|t| t.chars().next()),
            currency: style.currency.clone(),
            per_cent: style.per_cent,
        }
    }

    /// The texts, plainly written.
    pub(in crate::ingest) fn plain<'t>(&self, texts: &'t StringArray) -> Cow<'t, StringArray> {
        if self.thousands.is_none() && self.currency.is_none() && self.per_cent.is_none() {
            return Cow::Borrowed(texts);
        }
        // Most texts of most columns are plain already.
        let odd = |text: &str| {
            !text
                .bytes()
                .all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'))
        };
        if !(0..texts.len()).any(|row| texts.is_valid(row) && odd(texts.value(row))) {
            return Cow::Borrowed(texts);
        }
        let plain = texts
            .iter()
            .map(|text| text.map(|text| self.one(text).map_or(Cow::Borrowed(text), Cow::Owned)));
        Cow::Owned(plain.collect())
    }

    /// One text; `None` if it is not written so.
    fn one(&self, text: &str) -> Option<String> {
        let mut rest = text.trim();
        let mut negative = false;
        if self.currency.is_some()
            && let Some(inner) = rest.strip_prefix('(').and_then(|r| r.strip_suffix(')'))
        {
            (negative, rest) = (true, inner.trim());
        } else {
            rest = signed(rest, &mut negative);
        }
        if let Some(amount) = self.currency.as_deref().and_then(|c| rest.strip_prefix(c)) {
            rest = amount.trim_start();
            if !negative {
                rest = signed(rest, &mut negative);
            }
        }
        let mut hundredth = false;
        if let Some(kind) = self.per_cent
            && let Some(number) = rest.strip_suffix('%')
        {
            rest = number.trim_end();
            hundredth = kind == PerCent::Fraction;
        }
        let (whole, after) = rest.split_once('.').unwrap_or((rest, ""));
        let whole = self.ungrouped(whole)?;
        let is_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(&whole) || !is_digits(after) || (whole.is_empty() && after.is_empty()) {
            return None;
        }
        let sign = if negative { "-" } else { "" };
        if hundredth {
            let digits = format!("{whole:0>3}");
            let (before, moved) = digits.split_at(digits.len() - 2);
            // What hundredths add to the digits after the point is no more exact.
            let after = format!("{moved}{after}");
            return Some(format!("{sign}{before}.{}", after.trim_end_matches('0')))
                .map(|t| t.trim_end_matches('.').to_owned());
        }
        Some(if after.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{after}")
        })
    }

    /// Digits without their separators: groups of three, never `2,91,99`.
    fn ungrouped<'t>(&self, whole: &'t str) -> Option<Cow<'t, str>> {
        let Some(separator) = self.thousands.filter(|s| whole.contains(*s)) else {
            return Some(Cow::Borrowed(whole));
        };
        let fits = whole.split(separator).enumerate().all(|(i, group)| {
            if i == 0 {
                // `0,123` is a decimal comma, and off by a thousand if it is taken for a separator.
                (1..=3).contains(&group.len()) && !group.starts_with('0')
            } else {
                group.len() == 3
            }
        });
        fits.then(|| Cow::Owned(whole.replace(separator, "")))
    }
}

fn signed<'t>(text: &'t str, negative: &mut bool) -> &'t str {
    match text.strip_prefix('-') {
        Some(rest) => {
            *negative = true;
            rest.trim_start()
        }
        None => text.strip_prefix('+').unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(thousands: &str, currency: &str, per_cent: Option<PerCent>) -> Written {
        let some = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Written::of(&NumberStyle {
            thousands: some(thousands),
            currency: some(currency),
            per_cent,
        })
    }

    #[test]
    fn thousands_are_groups_of_three() {
        let w = written(",", "", None);
        assert_eq!(w.one("29,199").as_deref(), Some("29199"));
        assert_eq!(w.one("-1,234,567.5").as_deref(), Some("-1234567.5"));
        assert_eq!(w.one("1234").as_deref(), Some("1234"));
        for bad in [
            "2,91,99", "1,23", ",123", "1,234,", "(12)", "£1", "1%", "", "1.2,345",
        ] {
            assert_eq!(w.one(bad), None, "{bad}");
        }
    }

    #[test]
    fn amounts_and_those_in_brackets() {
        let w = written(",", "£", None);
        for (text, plain) in [
            ("£1,234.50", "1234.50"),
            ("-£12", "-12"),
            ("£-12", "-12"),
            ("(12)", "-12"),
            ("(£12.50)", "-12.50"),
            ("7", "7"),
        ] {
            assert_eq!(w.one(text).as_deref(), Some(plain), "{text}");
        }
        for bad in ["(12", "12)", "$12", "££1", "(-12)", "--1"] {
            assert_eq!(w.one(bad), None, "{bad}");
        }
    }

    #[test]
    fn per_cent_is_a_fraction_or_points() {
        let w = written("", "", Some(PerCent::Fraction));
        for (text, plain) in [
            ("71.3%", "0.713"),
            ("100%", "1"),
            ("5 %", "0.05"),
            ("0%", "0"),
            ("-2.5%", "-0.025"),
            ("0.713", "0.713"),
        ] {
            assert_eq!(w.one(text).as_deref(), Some(plain), "{text}");
        }
        let w = written("", "", Some(PerCent::Points));
        assert_eq!(w.one("71.3%").as_deref(), Some("71.3"));
        assert_eq!(w.one("71.3%%"), None);
    }

    proptest! {
        #[test]
        fn grouped_amounts_come_back(n in 0_u64..1_000_000_000_000, pence in 0_u8..100) {
            let digits = n.to_string();
            let mut grouped = String::new();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(c);
            }
            let text = format!("£{grouped}.{pence:02}");
            let plain = written(",", "£", None).one(&text);
            prop_assert_eq!(plain, Some(format!("{n}.{pence:02}")));
        }

        #[test]
        fn any_text_is_read_or_left(text: String) {
            let _ = written(",", "£", Some(PerCent::Fraction)).one(&text);
        }
    }
}
