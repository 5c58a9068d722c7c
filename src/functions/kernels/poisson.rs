//! Limits of a count of events, and of the rate made from it.
//!
//! Byar's approximation from 10 events on, as the Fingertips guidance and PHEindicatormethods have
//! it; below that the exact limits of a Poisson count (Garwood 1936), from the chi-squared
//! distribution:
//!
//! - Byar: x(1 − 1/(9x) − z/(3√x))³ and the same of x + 1 with a plus;
//! - exact: χ²(α/2; 2x)/2 and χ²(1 − α/2; 2x + 2)/2.
//!
//! The switch is on the count as it is: 9.5 is below 10.

use statrs::function::gamma::{gamma_lr, gamma_ur, ln_gamma};

use super::limits::{Impossible, Level, Limits, count, exposure, multiplier};

/// From so many events on Byar's approximation is used.
pub const BYAR_FROM: f64 = 10.0;

/// Byar's lower limit of a count. `None` where the approximation breaks down, below about one or
/// two events.
pub fn byar_lower(x: f64, level: Level) -> Option<f64> {
    let root = 1.0 - 1.0 / (9.0 * x) - level.z / (3.0 * x.sqrt());
    (x > 0.0 && root >= 0.0).then(|| x * root.powi(3))
}

/// Byar's upper limit of a count.
pub fn byar_upper(x: f64, level: Level) -> f64 {
    let next = x + 1.0;
    next * (1.0 - 1.0 / (9.0 * next) + level.z / (3.0 * next.sqrt())).powi(3)
}

/// The exact lower limit: the λ that yields `x` events or more in a share `tail` of all cases.
pub fn exact_lower(x: f64, level: Level) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    // ln P(x, λ) is concave in ln λ: Newton comes to the root from the left, whatever the start,
    // once it is left of it; λ^x/Γ(x + 1) ≥ P is a start that is.
    let target = level.tail.ln();
    let mut at = (target + ln_gamma(x + 1.0)) / x;
    if let Some(byar) = byar_lower(x, level).filter(|byar| *byar > 0.0) {
        at = at.max(byar.ln());
    }
    for _ in 0..100 {
        let lambda = at.exp();
        if lambda == 0.0 {
            // So small that no double is as small.
            return 0.0;
        }
        let below = gamma_lr(x, lambda);
        // d ln P / d ln λ = λ · density / P.
        let slope = (x * at - lambda - ln_gamma(x)).exp() / below;
        let step = (below.ln() - target) / slope;
        if !step.is_finite() {
            break;
        }
        at -= step;
        if step.abs() < 1e-15 {
            break;
        }
    }
    at.exp()
}

/// The exact upper limit: the λ that yields `x` events or fewer in a share `tail` of all cases.
pub fn exact_upper(x: f64, level: Level) -> f64 {
    let shape = x + 1.0;
    let target = level.tail.ln();
    // ln Q(shape, λ) is concave in λ: after the first step Newton comes from the right.
    let mut lambda = byar_upper(x, level);
    for _ in 0..100 {
        let above = gamma_ur(shape, lambda);
        let slope = -((shape - 1.0) * lambda.ln() - lambda - ln_gamma(shape)).exp() / above;
        let step = (above.ln() - target) / slope;
        if !step.is_finite() {
            break;
        }
        lambda -= step;
        if step.abs() < 1e-15 * lambda {
            break;
        }
    }
    lambda
}

/// The limits of `x` events: exact below [`BYAR_FROM`], Byar's from there.
///
/// # Errors
/// No count.
pub fn events(x: f64, level: Level) -> Result<Limits, Impossible> {
    let x = count(x)?;
    let (lower, upper) = match byar_lower(x, level) {
        Some(lower) if x >= BYAR_FROM => (lower, byar_upper(x, level)),
        _ => (exact_lower(x, level), exact_upper(x, level)),
    };
    Ok(Limits {
        value: x,
        lower,
        upper,
    })
}

/// `x` events among `n` people or person-years, `per` so many. `None` where both are 0.
///
/// More events than people are legal: somebody may have two.
///
/// # Errors
/// No count, a denominator below 0 or of 0 with events, a multiplier not above 0.
pub fn rate(x: f64, n: f64, per: f64, level: Level) -> Result<Option<Limits>, Impossible> {
    let per = multiplier(per)?;
    let limits = events(x, level)?;
    Ok(exposure(x, n)?.map(|n| Limits {
        value: x / n * per,
        lower: limits.lower / n * per,
        upper: limits.upper / n * per,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{near, report, table};
    use proptest::prelude::*;

    fn level(c: f64) -> Level {
        Level::new(c).expect("a level")
    }

    #[test]
    fn agrees_with_the_published_rates() {
        let Some(rows) = table("rates_byar.csv") else {
            return;
        };
        for row in &rows {
            let numbers = (row.number("x"), row.number("n"));
            let got = match numbers {
                (Some(x), Some(n)) => {
                    rate(x, n, row.is("multiplier"), level(row.is("confidence"))).expect("a rate")
                }
                _ => None,
            };
            near(got.map(|g| g.value), row, "value", 1e-9);
            near(got.map(|g| g.lower), row, "lowercl", 1e-9);
            near(got.map(|g| g.upper), row, "uppercl", 1e-9);
        }
        report("rates", rows.len(), 64);
    }

    #[test]
    fn agrees_with_the_published_counts() {
        let Some(rows) = table("byar_counts.csv") else {
            return;
        };
        for row in &rows {
            let (x, level) = (row.is("x"), level(row.is("confidence")));
            near(byar_lower(x, level), row, "byars_lower", 1e-9);
            near(Some(byar_upper(x, level)), row, "byars_upper", 1e-9);
        }
        report("byar counts", rows.len(), 6);
    }

    #[test]
    fn none_among_nobody_is_unknown_and_some_are_impossible() {
        let level = level(0.95);
        assert_eq!(rate(0.0, 0.0, 1.0, level), Ok(None));
        for (x, n, per, why) in [
            (1.0, 0.0, 1.0, Impossible::EventsAmongNobody),
            (-0.5, 9.0, 1.0, Impossible::Negative),
            (1.0, -9.0, 1.0, Impossible::NegativeDenominator),
            (f64::NAN, 9.0, 1.0, Impossible::NotANumber),
            (1.0, f64::INFINITY, 1.0, Impossible::NotANumber),
            (1.0, 9.0, 0.0, Impossible::Multiplier),
        ] {
            assert_eq!(rate(x, n, per, level), Err(why), "{x}/{n}");
        }
        // By hand: with no event the lower limit is 0 and the upper one −ln(0.025).
        let none = rate(0.0, 1.0, 1.0, level).expect("fine").expect("a rate");
        assert_eq!((none.value, none.lower), (0.0, 0.0));
        assert!((none.upper + 0.025_f64.ln()).abs() < 1e-12);
        assert_eq!(byar_lower(0.0, level), None);
        // Byar's is not defined at one event and 99.8%.
        assert_eq!(byar_lower(1.0, Level::new(0.998).expect("one")), None);
    }

    proptest! {
        #[test]
        fn limits_hold_the_count(x in 0.0..5e5_f64, c in 0.9..0.9999_f64) {
            let got = events(x, level(c)).expect("a count");
            prop_assert!(got.lower <= x && x < got.upper);
        }

        #[test]
        fn exact_limits_have_the_tail_they_promise(x in 0.05..3_000.0_f64, c in 0.9..0.9999_f64) {
            let level = level(c);
            let beyond = gamma_lr(x, exact_lower(x, level));
            prop_assert!((beyond / level.tail - 1.0).abs() < 1e-8, "{beyond}");
            let beyond = gamma_ur(x + 1.0, exact_upper(x, level));
            prop_assert!((beyond / level.tail - 1.0).abs() < 1e-8, "{beyond}");
        }

        #[test]
        fn one_more_event_moves_both_limits_up(x in 0_u32..400, c in 0.9..0.9999_f64) {
            // Not across the switch, where two methods meet.
            prop_assume!(x != 9);
            let (x, level) = (f64::from(x), level(c));
            let (a, b) = (events(x, level).expect("one"), events(x + 1.0, level).expect("one"));
            prop_assert!(a.lower < b.lower && a.upper < b.upper);
        }
    }
}
