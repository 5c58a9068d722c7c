//! The Wilson score interval of a proportion (Wilson 1927), without continuity correction.
//!
//! With p = x/n, the limits are the roots θ of (1 + z²/n)θ² − (2p + z²/n)θ + p² = 0. The upper one
//! is a sum of positive terms; the lower one is taken from the product of the roots,
//! p² / ((1 + z²/n)·upper), because the textbook difference loses three digits when p is tiny.
//! Half patients are allowed: shared pathways count in halves.

use super::limits::{Impossible, Limits};

/// Φ⁻¹(0.975): the multiplier of a 95% interval. Not 1.96.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// The proportion of `x` in `n` with its limits at `z` standard errors. `None` for 0 of 0.
///
/// # Errors
/// `x` or `n` below 0, `x` above `n`, no number.
pub fn proportion(x: f64, n: f64, z: f64) -> Result<Option<Limits>, Impossible> {
    if !x.is_finite() || !n.is_finite() {
        return Err(Impossible::NotANumber);
    }
    if x < 0.0 {
        return Err(Impossible::Negative);
    }
    if n < 0.0 {
        return Err(Impossible::NegativeDenominator);
    }
    if x > n {
        return Err(Impossible::AboveDenominator);
    }
    if n == 0.0 {
        return Ok(None);
    }
    let p = x / n;
    let z2 = z * z;
    let root = (z2 + 4.0 * x * ((n - x) / n)).sqrt();
    let sum = (2.0 * x + z2 + z * root) / (2.0 * (n + z2));
    // Rounding may leave it a hair beyond 1, or short of it where it must be reached.
    let upper = if x == n { 1.0 } else { sum.max(p).min(1.0) };
    let lower = if x == 0.0 {
        0.0
    } else {
        (p * p / ((1.0 + z2 / n) * sum)).min(p)
    };
    Ok(Some(Limits {
        value: p,
        lower,
        upper,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{near, report, table};
    use super::super::limits::Level;
    use super::*;
    use proptest::prelude::*;

    fn one(x: f64, n: f64) -> (f64, f64, f64) {
        let got = proportion(x, n, Z_95)
            .expect("a proportion")
            .expect("not 0/0");
        (got.value, got.lower, got.upper)
    }
    fn rounded(x: f64) -> f64 {
        (x * 1e4).round() / 1e4
    }

    #[test]
    fn trap_06_wilson_at_the_edges() {
        let (p, l, u) = one(0.0, 10.0);
        assert_eq!((p, l, rounded(u)), (0.0, 0.0, 0.2775));
        let (p, l, u) = one(10.0, 10.0);
        assert_eq!((p, rounded(l), u), (1.0, 0.7225, 1.0));
        assert_eq!(proportion(0.0, 0.0, Z_95), Ok(None));
        let (p, l, u) = one(286.5, 371.5);
        assert_eq!(
            (rounded(p), rounded(l), rounded(u)),
            (0.7712, 0.7258, 0.8110)
        );
        let (p, l, u) = one(3012.0, 4025.0);
        assert_eq!(
            (rounded(p), rounded(l), rounded(u)),
            (0.7483, 0.7347, 0.7615)
        );
    }

    #[test]
    fn what_is_no_proportion_is_told_why() {
        for (x, n, why) in [
            (3.0, 2.0, Impossible::AboveDenominator),
            (-0.5, 2.0, Impossible::Negative),
            (1.0, 0.0, Impossible::AboveDenominator),
            (f64::NAN, 1.0, Impossible::NotANumber),
            (0.0, -1.0, Impossible::NegativeDenominator),
        ] {
            assert_eq!(proportion(x, n, Z_95), Err(why), "{x}/{n}");
        }
    }

    #[test]
    fn agrees_with_the_published_reference() {
        let Some(rows) = table("wilson.csv") else {
            return;
        };
        for row in &rows {
            let z = Level::new(row.is("confidence")).expect("a level").z;
            let got = match (row.number("x"), row.number("n")) {
                (Some(x), Some(n)) => proportion(x, n, z).expect("a proportion"),
                _ => None,
            };
            let got = got.map(|g| g.times(row.is("multiplier")));
            near(got.map(|g| g.value), row, "value", 1e-9);
            near(got.map(|g| g.lower), row, "lowercl", 1e-9);
            near(got.map(|g| g.upper), row, "uppercl", 1e-9);
        }
        report("wilson", rows.len(), 168);
    }

    proptest! {
        #[test]
        fn limits_hold_the_value_and_mirror(x in 0.0..1e6_f64, more in 0.0..1e6_f64) {
            let n = x + more;
            prop_assume!(n > 0.0);
            let (p, l, u) = one(x, n);
            prop_assert!(0.0 <= l && l <= p && p <= u && u <= 1.0);
            // Those who are not in x are n − x: the interval is turned over.
            let (_, l2, u2) = one(n - x, n);
            prop_assert!((1.0 - l2 - u).abs() < 1e-9 && (1.0 - u2 - l).abs() < 1e-9);
        }

        #[test]
        fn more_people_narrow_it(x in 0..500_u32, n in 1..500_u32) {
            prop_assume!(x <= n);
            let (_, l, u) = one(x.into(), n.into());
            let (_, l10, u10) = one(f64::from(x) * 10.0, f64::from(n) * 10.0);
            prop_assert!(u10 - l10 < u - l);
        }
    }
}
