//! Two groups against each other: the gap and the ratio of proportions or of rates.
//!
//! With estimates p₁, p₂ and limits l, u of each:
//!
//! - gap: p₁ − p₂, from − √((p₁ − l₁)² + (u₂ − p₂)²) to + √((u₁ − p₁)² + (p₂ − l₂)²). With Wilson's
//!   limits this is Newcombe's method 10 (1998); with those of counts it is MOVER for rates
//!   (Zou and Donner 2008).
//! - ratio: exp(ln(p₁/p₂) ± z·s), s² = 1/x₁ − 1/n₁ + 1/x₂ − 1/n₂ for proportions (Katz 1978),
//!   1/x₁ + 1/x₂ for rates. No ratio where either count is 0.

use super::limits::{Impossible, Level, Limits, count, exposure};
use super::poisson;
use super::wilson;

/// `x` of `n`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Group {
    /// Numerator, or events.
    pub x: f64,
    /// Denominator, or people.
    pub n: f64,
}

/// The difference of two proportions, first less second. `None` where either has no denominator.
///
/// # Errors
/// No proportion.
pub fn proportion_gap(a: Group, b: Group, level: Level) -> Result<Option<Limits>, Impossible> {
    let (a, b) = (
        wilson::proportion(a.x, a.n, level.z)?,
        wilson::proportion(b.x, b.n, level.z)?,
    );
    Ok(a.zip(b).map(|(a, b)| recovered(a, b)))
}

/// The difference of two rates, first less second, per one person.
///
/// # Errors
/// No rate.
pub fn rate_gap(a: Group, b: Group, level: Level) -> Result<Option<Limits>, Impossible> {
    let (a, b) = (
        poisson::rate(a.x, a.n, 1.0, level)?,
        poisson::rate(b.x, b.n, 1.0, level)?,
    );
    Ok(a.zip(b).map(|(a, b)| recovered(a, b)))
}

/// The ratio of two proportions. `None` where either count or denominator is 0.
///
/// # Errors
/// No proportion.
pub fn proportion_ratio(a: Group, b: Group, level: Level) -> Result<Option<Limits>, Impossible> {
    for group in [a, b] {
        wilson::proportion(group.x, group.n, level.z)?;
    }
    let variance = (1.0 / a.x - 1.0 / a.n) + (1.0 / b.x - 1.0 / b.n);
    Ok(logarithmic(a, b, variance, level))
}

/// The ratio of two rates. `None` where either count or population is 0.
///
/// # Errors
/// No rate.
pub fn rate_ratio(a: Group, b: Group, level: Level) -> Result<Option<Limits>, Impossible> {
    for group in [a, b] {
        exposure(count(group.x)?, group.n)?;
    }
    Ok(logarithmic(a, b, 1.0 / a.x + 1.0 / b.x, level))
}

/// The method of variance estimates recovery.
fn recovered(a: Limits, b: Limits) -> Limits {
    let value = a.value - b.value;
    Limits {
        value,
        lower: value - (a.value - a.lower).hypot(b.upper - b.value),
        upper: value + (a.upper - a.value).hypot(b.value - b.lower),
    }
}

fn logarithmic(a: Group, b: Group, variance: f64, level: Level) -> Option<Limits> {
    if a.x <= 0.0 || b.x <= 0.0 {
        return None;
    }
    let value = (a.x / a.n) / (b.x / b.n);
    let width = (level.z * variance.max(0.0).sqrt()).exp();
    Some(Limits {
        value,
        lower: value / width,
        upper: value * width,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{near, report, table};
    use proptest::prelude::*;

    fn level(c: f64) -> Level {
        Level::new(c).expect("a level")
    }
    fn of(x: f64, n: f64) -> Group {
        Group { x, n }
    }

    #[test]
    fn agrees_with_the_published_reference() {
        let Some(rows) = table("gap_quintile.csv") else {
            return;
        };
        for row in &rows {
            let a = of(row.is("x1"), row.is("n1"));
            let b = of(row.is("x2"), row.is("n2"));
            let level = level(row.is("confidence"));
            let gap = proportion_gap(a, b, level).expect("fine");
            near(gap.map(|g| g.value), row, "abs_gap", 1e-9);
            near(gap.map(|g| g.lower), row, "gap_lower", 1e-9);
            near(gap.map(|g| g.upper), row, "gap_upper", 1e-9);
            let ratio = proportion_ratio(a, b, level).expect("fine");
            near(ratio.map(|g| g.value), row, "ratio", 1e-9);
            near(ratio.map(|g| g.lower), row, "ratio_lower", 1e-9);
            near(ratio.map(|g| g.upper), row, "ratio_upper", 1e-9);
        }
        report("gaps", rows.len(), 14);
    }

    #[test]
    fn rates_by_hand() {
        // 100 and 64 events: ratio 100/64, ln ± 1.96·√(1/100 + 1/64).
        let got = rate_ratio(of(100.0, 1e3), of(64.0, 1e3), level(0.95))
            .expect("fine")
            .expect("a ratio");
        let half = 1.959_963_984_540_054 * (0.01_f64 + 1.0 / 64.0).sqrt();
        assert!((got.lower.ln() - (1.5625_f64.ln() - half)).abs() < 1e-12);
        assert!((got.upper.ln() - (1.5625_f64.ln() + half)).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_no_ratio_but_may_be_a_gap() {
        let l = level(0.95);
        assert_eq!(proportion_ratio(of(0.0, 9.0), of(3.0, 9.0), l), Ok(None));
        assert_eq!(rate_ratio(of(3.0, 9.0), of(0.0, 9.0), l), Ok(None));
        assert_eq!(rate_ratio(of(0.0, 0.0), of(1.0, 9.0), l), Ok(None));
        assert_eq!(proportion_gap(of(0.0, 0.0), of(1.0, 9.0), l), Ok(None));
        let gap = proportion_gap(of(0.0, 9.0), of(9.0, 9.0), l);
        assert_eq!(gap.expect("fine").expect("a gap").value, -1.0);
        assert!(
            rate_gap(of(0.0, 9.0), of(2.0, 9.0), l)
                .expect("fine")
                .is_some()
        );
        assert!(proportion_gap(of(9.5, 9.0), of(1.0, 9.0), l).is_err());
        assert!(rate_ratio(of(1.0, 0.0), of(1.0, 9.0), l).is_err());
    }

    proptest! {
        #[test]
        fn the_other_way_round_mirrors(
            (x1, n1) in (0_u32..500, 500_u32..2_000), (x2, n2) in (0_u32..500, 500_u32..2_000),
        ) {
            let (a, b) = (of(x1.into(), n1.into()), of(x2.into(), n2.into()));
            let l = level(0.95);
            for gap in [proportion_gap, rate_gap] {
                let one = gap(a, b, l).expect("fine").expect("a gap");
                let two = gap(b, a, l).expect("fine").expect("a gap");
                prop_assert!((one.lower + two.upper).abs() < 1e-12);
                prop_assert!(one.lower <= one.value && one.value <= one.upper);
            }
            for ratio in [proportion_ratio, rate_ratio] {
                if let Some(one) = ratio(a, b, l).expect("fine") {
                    let two = ratio(b, a, l).expect("fine").expect("a ratio");
                    prop_assert!((one.lower * two.upper - 1.0).abs() < 1e-9);
                }
            }
        }
    }
}
