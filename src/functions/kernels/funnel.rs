//! Funnel plots: how far from the average an area of its size may lie by chance
//! (Spiegelhalter 2005; the Fingertips control limits).
//!
//! - Proportions: π ± z√(π(1 − π)/n), kept between 0 and 1. What PHEindicatormethods gets by
//!   inverting Wilson's interval comes to just this.
//! - Ratios: with O events, the ratios O/E whose expected E is a limit of the exact interval of O:
//!   O/χ²-upper and O/χ²-lower. Rates: the same times the average.
//!
//! 95% and 99.8% are the customary two and three standard deviations.

use super::limits::{Impossible, Level, count, exposure};
use super::poisson::{events, exact_lower, exact_upper};

/// The limits for a group of `n` where `average` of all have it. `None` for a group of nobody.
///
/// # Errors
/// An average that is no proportion, a denominator below 0.
pub fn proportion(n: f64, average: f64, level: Level) -> Result<Option<(f64, f64)>, Impossible> {
    if !(0.0..=1.0).contains(&average) {
        return Err(Impossible::Unknown("an average is not between 0 and 1"));
    }
    Ok(exposure(0.0, n)?.map(|n| {
        let half = level.z * (average * (1.0 - average) / n).sqrt();
        ((average - half).max(0.0), (average + half).min(1.0))
    }))
}

/// The limits of observed over expected where `observed` events were seen; no upper one where
/// none were.
///
/// # Errors
/// No count.
pub fn ratio(observed: f64, level: Level) -> Result<(f64, Option<f64>), Impossible> {
    let x = count(observed)?;
    let upper = (x > 0.0).then(|| x / exact_lower(x, level));
    Ok((x / exact_upper(x, level), upper))
}

/// How far beyond the limits an area lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Significance {
    /// Above the 99.8% limit.
    High998,
    /// Above the 95% limit.
    High95,
    /// Within the 95% limits.
    Not,
    /// Below the 95% limit.
    Low95,
    /// Below the 99.8% limit.
    Low998,
}

impl Significance {
    /// How it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::High998 => "high_99.8",
            Self::High95 => "high_95",
            Self::Not => "not_significant",
            Self::Low95 => "low_95",
            Self::Low998 => "low_99.8",
        }
    }

    /// From whether the value is below and above the limits of each level, wide first.
    fn of(beyond: [(bool, bool); 2]) -> Self {
        match beyond {
            [(true, _), _] => Self::Low998,
            [(_, true), _] => Self::High998,
            [_, (true, _)] => Self::Low95,
            [_, (_, true)] => Self::High95,
            _ => Self::Not,
        }
    }
}

/// The two levels of a funnel, wide first.
fn levels() -> Result<[Level; 2], Impossible> {
    Ok([Level::new(0.998)?, Level::new(0.95)?])
}

/// Where `x` of `n` lies in a funnel about `average`.
///
/// # Errors
/// No proportion, or an average that is none.
pub fn proportion_significance(
    x: f64,
    n: f64,
    average: f64,
) -> Result<Option<Significance>, Impossible> {
    if count(x)? > n && n >= 0.0 {
        return Err(Impossible::AboveDenominator);
    }
    let mut beyond = [(false, false); 2];
    for (beyond, level) in beyond.iter_mut().zip(levels()?) {
        let Some((lower, upper)) = proportion(n, average, level)? else {
            return Ok(None);
        };
        *beyond = (x / n < lower, x / n > upper);
    }
    Ok(Some(Significance::of(beyond)))
}

/// Where `x` events among `n`, people or expected events, lie against a rate of `average`: the
/// average is held against the limits of the area's own count.
///
/// # Errors
/// No rate, or an average below 0.
pub fn rate_significance(x: f64, n: f64, average: f64) -> Result<Option<Significance>, Impossible> {
    let average = count(average)?;
    let mut beyond = [(false, false); 2];
    for (beyond, level) in beyond.iter_mut().zip(levels()?) {
        let own = events(x, level)?;
        let Some(n) = exposure(x, n)? else {
            return Ok(None);
        };
        *beyond = (own.upper / n < average, own.lower / n > average);
    }
    Ok(Some(Significance::of(beyond)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{Row, near, report, table};
    use proptest::prelude::*;

    fn level(c: f64) -> Level {
        Level::new(c).expect("a level")
    }

    #[test]
    fn agrees_with_the_published_limits() {
        let Some(rows) = table("funnel_limits.csv") else {
            return;
        };
        // The closed form was worked out from the average before it was printed.
        let areas = table("funnel_significance.csv").unwrap_or_default();
        let sum = |name: &str| -> f64 {
            let areas = areas.iter().filter(|r| r.text("table") == "prop");
            areas.map(|r| r.is(name)).sum()
        };
        let unrounded = sum("numerator") / sum("denominator");
        for row in &rows {
            let (x, baseline) = (row.is("x"), row.is("baseline"));
            for (sigmas, c) in [("2s", 0.95), ("3s", 0.998)] {
                let both = |average: f64| {
                    if row.text("statistic").starts_with("proportion") {
                        let both = proportion(x, average / 100.0, level(c)).expect("fine");
                        let (lower, upper) = both.expect("limits");
                        (lower * 100.0, Some(upper * 100.0))
                    } else {
                        let (lower, upper) = ratio(x, level(c)).expect("fine");
                        (lower * baseline, upper.map(|u| u * baseline))
                    }
                };
                let ((lower, upper), tolerance) = (both(baseline), row.is("tol_rel"));
                near(
                    Some(lower),
                    row,
                    &format!("lower_{sigmas}_limit"),
                    tolerance,
                );
                near(upper, row, &format!("upper_{sigmas}_limit"), tolerance);
                // Where the peer went by bisection; rates have an average of ten digits.
                let (lower, upper) = both(unrounded * 100.0);
                near(Some(lower), row, &format!("exact_lower_{sigmas}"), 1e-9);
                near(upper, row, &format!("exact_upper_{sigmas}"), 1e-9);
            }
        }
        report("funnel limits", rows.len(), 300);
    }

    #[test]
    fn agrees_with_the_published_significance() {
        let Some(rows) = table("funnel_significance.csv") else {
            return;
        };
        let mut compared = 0;
        for name in ["prop", "dsr_per_100000_with_0", "crude_per_100000_with_0"] {
            let areas: Vec<&Row> = rows.iter().filter(|r| r.text("table") == name).collect();
            // The denominator that the rate implies: a standardised rate has no other.
            let n = |r: &Row| match (name, r.number("rate")) {
                ("prop", _) => Some(r.is("denominator")),
                ("dsr_per_100000_with_0", None) => None,
                (_, Some(rate)) if rate > 0.0 => {
                    Some(r.is("multiplier") * r.is("numerator") / rate)
                }
                _ => Some(r.is("denominator")),
            };
            let (mut x_all, mut n_all) = (0.0, 0.0);
            for area in &areas {
                if let Some(n) = n(area) {
                    x_all += area.is("numerator");
                    n_all += n;
                }
            }
            for area in areas {
                let x = area.is("numerator");
                let got = n(area).and_then(|n| {
                    let average = x_all / n_all;
                    if name == "prop" {
                        proportion_significance(x, n, average).expect("fine")
                    } else {
                        rate_significance(x, n, average).expect("fine")
                    }
                });
                let want = match area.text("significance") {
                    "High (0.001)" => Some(Significance::High998),
                    "High (0.025)" => Some(Significance::High95),
                    "Not significant" => Some(Significance::Not),
                    "Low (0.025)" => Some(Significance::Low95),
                    "Low (0.001)" => Some(Significance::Low998),
                    _ => None,
                };
                assert_eq!(got, want, "{name} {} {x}", area.text("area"));
                compared += 1;
            }
        }
        report("funnel significance", compared, 383);
    }

    #[test]
    fn the_rates_of_a_chart() {
        let Some(rows) = table("funnel_rate_inputs.csv") else {
            return;
        };
        for row in &rows {
            // Of three years, and of five; printed with ten digits.
            let derived = 100_000.0 * row.is("ev") / row.is("rate");
            near(Some(derived / 3.0), row, "denominator_derived_crude", 1e-8);
            // One area has no rate in the two other tables, and none is implied.
            if row.number("rate_chart").is_some() {
                let name = "denominator_derived_crude_with_denom";
                near(Some(derived / 3.0), row, "denominator_derived", 1e-8);
                near(Some(derived / 5.0), row, name, 1e-8);
            }
        }
        report("funnel rate inputs", rows.len(), 50);
    }

    #[test]
    fn at_the_edges() {
        let l = level(0.95);
        assert_eq!(proportion(0.0, 0.5, l), Ok(None));
        assert_eq!(proportion(1.0, 0.5, l), Ok(Some((0.0, 1.0))));
        assert!(proportion(9.0, 1.5, l).is_err() && proportion(-9.0, 0.5, l).is_err());
        assert_eq!(ratio(0.0, l).expect("fine"), (0.0, None));
        assert!(ratio(-1.0, l).is_err());
        assert_eq!(proportion_significance(0.0, 0.0, 0.5), Ok(None));
        assert!(proportion_significance(3.0, 2.0, 0.5).is_err());
        assert_eq!(rate_significance(0.0, 0.0, 0.5), Ok(None));
        assert!(rate_significance(1.0, 0.0, 0.5).is_err());
        let none = rate_significance(0.0, 1e6, 1.0);
        assert_eq!(none, Ok(Some(Significance::Low998)));
    }

    proptest! {
        #[test]
        fn the_average_itself_is_never_out(x in 1_u32..100_000, n in 1_u32..100_000) {
            let (x, n) = (f64::from(x.min(n)), f64::from(n));
            prop_assert_eq!(proportion_significance(x, n, x / n), Ok(Some(Significance::Not)));
            prop_assert_eq!(rate_significance(x, n, x / n), Ok(Some(Significance::Not)));
        }

        #[test]
        fn the_funnel_narrows(x in 1_u32..5_000, c in 0.9..0.9999_f64) {
            let (a, b) = (ratio(x.into(), level(c)), ratio((x + 1).into(), level(c)));
            let (a, b) = (a.expect("fine"), b.expect("fine"));
            prop_assert!(a.0 < b.0 && b.0 < 1.0 && 1.0 < b.1.expect("one"));
            prop_assert!(b.1 < a.1);
        }
    }
}
