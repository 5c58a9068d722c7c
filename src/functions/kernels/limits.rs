//! What every interval here has in common: a level of confidence, a value between two limits, and
//! the inputs that are refused.

use std::fmt;

use statrs::distribution::{ContinuousCDF, Normal};

/// A level of confidence, two-sided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// Φ⁻¹(1 − tail): standard errors on either side.
    pub z: f64,
    /// What lies beyond one limit: half of 1 − confidence.
    pub tail: f64,
}

impl Level {
    /// The level of `confidence`, which is 0.9 to 1, or 90 to 100 as per cent, ends above excluded.
    ///
    /// # Errors
    /// Anything else: 0.05 is somebody's alpha, and 9.5 a slip.
    pub fn new(confidence: f64) -> Result<Self, Impossible> {
        let share = if confidence >= 90.0 {
            confidence / 100.0
        } else {
            confidence
        };
        // A NaN fails it too.
        if !(0.9..1.0).contains(&share) {
            return Err(Impossible::Confidence);
        }
        let standard = Normal::standard();
        Ok(Self {
            z: standard.inverse_cdf(share + (1.0 - share) / 2.0),
            tail: (1.0 - share) / 2.0,
        })
    }
}

/// An estimate and its limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// The estimate.
    pub value: f64,
    /// The lower limit.
    pub lower: f64,
    /// The upper limit.
    pub upper: f64,
}

impl Limits {
    /// All three `factor`, which is above 0, times as large.
    #[must_use]
    pub fn times(self, factor: f64) -> Self {
        Self {
            value: self.value * factor,
            lower: self.lower * factor,
            upper: self.upper * factor,
        }
    }
}

/// Why there is no answer, and null would hide a wrong number upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Impossible {
    /// No number, or without end.
    NotANumber,
    /// A count below 0.
    Negative,
    /// A numerator above its denominator.
    AboveDenominator,
    /// A population, an expected number or a denominator below 0.
    NegativeDenominator,
    /// Events among nobody.
    EventsAmongNobody,
    /// A confidence that is none.
    Confidence,
    /// A multiplier of 0 or below, or not a number.
    Multiplier,
    /// A row with events and without population or weight.
    Missing(&'static str),
    /// A parameter that differs from row to row.
    Changing(&'static str),
    /// A key that stands twice.
    Twice(&'static str),
    /// A word or number that is not among those known.
    Unknown(&'static str),
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotANumber => f.write_str("a value is no number, or without end"),
            Self::Negative => f.write_str("a count is below 0"),
            Self::AboveDenominator => f.write_str("a numerator is above its denominator"),
            Self::NegativeDenominator => f.write_str("a denominator is below 0"),
            Self::EventsAmongNobody => {
                f.write_str("there are events, and nobody whom they could have befallen")
            }
            Self::Confidence => {
                f.write_str("a confidence is neither 0.9 to 1 nor 90 to 100: write 0.95 or 95")
            }
            Self::Multiplier => f.write_str("a multiplier is not above 0"),
            Self::Missing(what) => write!(f, "{what} is null in a row"),
            Self::Changing(what) => write!(f, "{what} differs between the rows of a group"),
            Self::Twice(what) => write!(f, "{what} stands twice in a group"),
            Self::Unknown(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Impossible {}

/// `x`, if it is a count: a number, not below 0. Halves are allowed.
pub(super) fn count(x: f64) -> Result<f64, Impossible> {
    match x {
        x if !x.is_finite() => Err(Impossible::NotANumber),
        x if x < 0.0 => Err(Impossible::Negative),
        x => Ok(x),
    }
}

/// `n`, if `x` events can have it below them; `None` where both are 0.
pub(super) fn exposure(x: f64, n: f64) -> Result<Option<f64>, Impossible> {
    match n {
        n if !n.is_finite() => Err(Impossible::NotANumber),
        n if n < 0.0 => Err(Impossible::NegativeDenominator),
        n if n > 0.0 => Ok(Some(n)),
        _ if x > 0.0 => Err(Impossible::EventsAmongNobody),
        _ => Ok(None),
    }
}

/// A multiplier: 100 for per cent, 100,000 for a rate.
pub(super) fn multiplier(m: f64) -> Result<f64, Impossible> {
    if m.is_finite() && m > 0.0 {
        Ok(m)
    } else {
        Err(Impossible::Multiplier)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn levels_in_use() {
        let level = |c| Level::new(c).expect("a level");
        assert!((level(0.95).z - 1.959_963_984_540_054).abs() < 1e-15);
        assert!((level(0.998).z - 3.090_232_306_167_813).abs() < 4e-15);
        assert_eq!(level(95.0).z.to_bits(), level(0.95).z.to_bits());
        for none in [
            0.05,
            0.89,
            1.0,
            1.5,
            9.5,
            89.0,
            100.0,
            101.0,
            f64::NAN,
            -0.95,
        ] {
            assert_eq!(Level::new(none), Err(Impossible::Confidence), "{none}");
        }
    }

    proptest! {
        #[test]
        fn more_confidence_is_wider(c in 0.9..0.999_f64, more in 0.0001..0.0009_f64) {
            prop_assert!(Level::new(c).expect("one").z < Level::new(c + more).expect("one").z);
        }
    }
}
