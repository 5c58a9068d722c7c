//! Slope and relative index of inequality, with limits that are the same on every run.
//!
//! Quantile 1 is the most deprived. With aᵢ the share of the population in quantile i and bᵢ the
//! middle of its place between 0 and 1, y is regressed on b with weights a:
//! slope β₁ = Σc₁y, intercept β₀ = Σc₀y, c₁ = a(b − b̄)/Σa(b − b̄)², c₀ = a − b̄c₁. SII = β₁, least
//! less most deprived; RII = (β₀ + β₁)/β₀.
//!
//! Limits are the exact limit of what PHEindicatormethods simulates (each y drawn from its own
//! normal, log-normal or logit-normal distribution): a linear form of the y, whose quantile comes
//! from its first four cumulants by Cornish and Fisher; for normal y that is exact, and for the
//! RII it is Fieller's interval (Hayes and Berry 2002). Nothing is drawn at random. Behind values of two
//! or three events the form is so heavy in its tails that the expansion is no quantile function any
//! more (Maillard 2012): then there are no limits, where it would give some many times too wide.

use super::cornish_fisher::quantile;
use super::limits::{Impossible, Level, count};

/// What kind of value the quantiles have: how its sampling error is shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Normal on its own scale: life expectancy, a mean.
    Other,
    /// Normal on the log scale.
    Rate,
    /// Normal on the logit scale; 0 to 1.
    Proportion,
}

impl Kind {
    fn scaled(self, y: f64) -> f64 {
        match self {
            Self::Other => y,
            Self::Rate => y.ln(),
            Self::Proportion => (y / (1.0 - y)).ln(),
        }
    }

    fn unscaled(self, y: f64) -> f64 {
        match self {
            Self::Other => y,
            Self::Rate => y.exp(),
            Self::Proportion => 1.0 / (1.0 + (-y).exp()),
        }
    }

    /// The standard error, on the kind's own scale, of a value with 95% limits. Infinite or no
    /// number where a limit is 0 or 1.
    pub fn standard_error(self, lower: f64, upper: f64) -> f64 {
        (self.scaled(upper) - self.scaled(lower)) / (2.0 * super::wilson::Z_95)
    }
}

/// One quantile of a population.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantile {
    /// 1 is the most deprived.
    pub number: f64,
    /// The indicator.
    pub value: f64,
    /// Its standard error, on the scale of its [`Kind`].
    pub error: f64,
    /// People.
    pub population: f64,
}

/// How an inequality is told.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Telling {
    /// What the values are.
    pub kind: Kind,
    /// Whether the line is fitted on the scale of the kind, log or logit.
    pub transform: bool,
    /// Times this; below 0 tells it from the least to the most deprived.
    pub multiplier: f64,
}

/// Slope and relative index with their limits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inequality {
    /// Slope index: least less most deprived, times the multiplier.
    pub sii: f64,
    /// Its limits, where the standard errors allow any.
    pub sii_limits: Option<(f64, f64)>,
    /// Relative index: least over most deprived, turned over by a multiplier below 0.
    pub rii: f64,
    /// Its limits; none too where the intercept may be 0.
    pub rii_limits: Option<(f64, f64)>,
    /// The value at the most deprived end.
    pub intercept: f64,
}

/// The inequality over `quantiles`, in the order of their numbers. `None` when they are not all of
/// 1 to k with k from 5 to 100, or when a value has no place on the scale (0 on the log scale).
///
/// # Errors
/// A quantile that stands twice; no one in a quantile; a proportion beyond 1; a multiplier of 0;
/// a transform of kind other.
pub fn inequality(
    quantiles: &[Quantile],
    telling: Telling,
    level: Level,
) -> Result<Option<Inequality>, Impossible> {
    let Telling {
        kind,
        transform,
        multiplier,
    } = telling;
    if multiplier == 0.0 || !multiplier.is_finite() {
        return Err(Impossible::Unknown("a multiplier is 0, or not a number"));
    }
    if transform && kind == Kind::Other {
        return Err(Impossible::Unknown(
            "only rates and proportions have a transform",
        ));
    }
    for pair in quantiles.windows(2) {
        if pair[0].number >= pair[1].number {
            return Err(Impossible::Twice("a quantile"));
        }
    }
    for quantile in quantiles {
        if count(quantile.population)? == 0.0 {
            return Err(Impossible::Unknown("a quantile has nobody in it"));
        }
        let bounded = match kind {
            Kind::Other => true,
            Kind::Rate => quantile.value >= 0.0,
            Kind::Proportion => (0.0..=1.0).contains(&quantile.value),
        };
        if !bounded || !quantile.value.is_finite() {
            return Err(Impossible::Unknown("a value is not of its kind"));
        }
    }
    let all = (5..=100).contains(&quantiles.len())
        && (1_u32..)
            .zip(quantiles)
            .all(|(i, q)| q.number == f64::from(i));
    if !all {
        return Ok(None);
    }

    let line = Line::through(quantiles);
    let (slope, intercept) = if transform {
        line.fit(|q| kind.scaled(q.value))
    } else {
        line.fit(|q| q.value)
    };
    if !slope.is_finite() || !intercept.is_finite() {
        return Ok(None);
    }
    let errors = quantiles
        .iter()
        .all(|q| q.error.is_finite() && q.error >= 0.0 && kind.scaled(q.value).is_finite());
    let told = if transform {
        pivoted(&line, kind, slope, intercept, errors.then_some(level))
    } else {
        linear(&line, kind, slope, intercept, errors.then_some(level))
    };
    Ok(Some(told.told(multiplier, transform)))
}

impl Inequality {
    fn told(self, m: f64, transform: bool) -> Self {
        let sorted = |(a, b): (f64, f64)| if a <= b { (a, b) } else { (b, a) };
        let turned = |r: f64| if m < 0.0 { 1.0 / r } else { r };
        // Turned about, limits on both sides of 0 are the two ends of what is not between them.
        let kept = |l: &(f64, f64)| m > 0.0 || l.0 > 0.0;
        Self {
            sii: self.sii * m,
            sii_limits: self.sii_limits.map(|(l, u)| sorted((l * m, u * m))),
            rii: turned(self.rii),
            rii_limits: self
                .rii_limits
                .filter(kept)
                .map(|(l, u)| sorted((turned(l), turned(u)))),
            intercept: if transform {
                self.intercept * m.abs()
            } else {
                self.intercept
            },
        }
    }
}

/// The weights with which values become slope and intercept.
struct Line<'a> {
    quantiles: &'a [Quantile],
    slope: Vec<f64>,
    intercept: Vec<f64>,
}

impl<'a> Line<'a> {
    fn through(quantiles: &'a [Quantile]) -> Self {
        let people: f64 = quantiles.iter().map(|q| q.population).sum();
        let mut before = 0.0;
        let places: Vec<(f64, f64)> = quantiles
            .iter()
            .map(|q| {
                let share = q.population / people;
                let middle = before + share / 2.0;
                before += share;
                (share, middle)
            })
            .collect();
        let mean: f64 = places.iter().map(|(a, b)| a * b).sum();
        let spread: f64 = places.iter().map(|(a, b)| a * (b - mean).powi(2)).sum();
        let slope: Vec<f64> = places
            .iter()
            .map(|(a, b)| a * (b - mean) / spread)
            .collect();
        let intercept = places
            .iter()
            .zip(&slope)
            .map(|((a, _), c)| a - mean * c)
            .collect();
        Self {
            quantiles,
            slope,
            intercept,
        }
    }

    fn fit(&self, y: impl Fn(&Quantile) -> f64) -> (f64, f64) {
        let along = |c: &[f64]| c.iter().zip(self.quantiles).map(|(c, q)| c * y(q)).sum();
        (along(&self.slope), along(&self.intercept))
    }
}

/// On the transformed scale the slope is normal, and the line turns about its middle.
fn pivoted(
    line: &Line<'_>,
    kind: Kind,
    slope: f64,
    intercept: f64,
    level: Option<Level>,
) -> Inequality {
    let middle = intercept + slope / 2.0;
    let ends = |s: f64| {
        (
            kind.unscaled(middle - s / 2.0),
            kind.unscaled(middle + s / 2.0),
        )
    };
    let difference = |s: f64| ends(s).1 - ends(s).0;
    let quotient = |s: f64| ends(s).1 / ends(s).0;
    let slopes = level.map(|level| {
        let squares = line.slope.iter().zip(line.quantiles);
        let variance: f64 = squares.map(|(c, q)| (c * q.error).powi(2)).sum();
        let half = level.z * variance.sqrt();
        (slope - half, slope + half)
    });
    Inequality {
        sii: difference(slope),
        sii_limits: slopes.map(|(l, u)| (difference(l), difference(u))),
        rii: quotient(slope),
        rii_limits: slopes.map(|(l, u)| (quotient(l), quotient(u))),
        intercept: kind.unscaled(intercept),
    }
}

/// On the values' own scale slope and intercept are linear forms of them.
fn linear(
    line: &Line<'_>,
    kind: Kind,
    slope: f64,
    intercept: f64,
    level: Option<Level>,
) -> Inequality {
    // There is no ratio to an end of the line where nothing, or less, happens.
    let rii = match kind {
        Kind::Rate | Kind::Proportion if intercept.min(intercept + slope) <= 0.0 => f64::NAN,
        _ => (intercept + slope) / intercept,
    };
    let (mut sii_limits, mut rii_limits) = (None, None);
    if let Some(level) = level {
        let shapes: Vec<[f64; 4]> = line.quantiles.iter().map(|q| cumulants(kind, *q)).collect();
        let form = |r: Option<f64>, z: f64| {
            let weights = line.slope.iter().zip(&line.intercept);
            let weights = weights.map(|(c1, c0)| r.map_or(*c1, |r| c0 + c1 - r * c0));
            quantile(weights.zip(&shapes), z)
        };
        sii_limits = form(None, -level.z).zip(form(None, level.z));
        // The RII has limits only where the intercept is surely not 0.
        let lowest = quantile(line.intercept.iter().copied().zip(&shapes), -level.z);
        if lowest.is_some_and(|lowest| lowest > 0.0) && rii.is_finite() {
            let lower = root(rii, -1.0, |r| form(Some(r), -level.z));
            let upper = root(rii, 1.0, |r| form(Some(r), level.z));
            rii_limits = lower.zip(upper);
        }
    }
    Inequality {
        sii: slope,
        sii_limits,
        rii,
        rii_limits,
        intercept,
    }
}

/// Mean, variance, third and fourth cumulant of a quantile's value as it is sampled.
fn cumulants(kind: Kind, q: Quantile) -> [f64; 4] {
    let s2 = q.error * q.error;
    match kind {
        Kind::Other => [q.value, s2, 0.0, 0.0],
        Kind::Rate => {
            let mean = q.value * (s2 / 2.0).exp();
            let d = s2.exp_m1();
            let variance = mean * mean * d;
            let excess = d * (16.0 + d * (15.0 + d * (6.0 + d)));
            [
                mean,
                variance,
                mean.powi(3) * d * d * (d + 3.0),
                variance * variance * excess,
            ]
        }
        Kind::Proportion => {
            // The trapezium rule is exact to rounding for what falls off like a normal density.
            let centre = kind.scaled(q.value);
            let moment = |f: &dyn Fn(f64) -> f64| -> f64 {
                let (mut sum, mut weights) = (0.0, 0.0);
                for step in -200_i32..=200 {
                    let z = f64::from(step) * 0.05;
                    let weight = (-z * z / 2.0).exp();
                    sum += weight * f(kind.unscaled(centre + q.error * z));
                    weights += weight;
                }
                sum / weights
            };
            let mean = moment(&|y| y);
            let variance = moment(&|y| (y - mean).powi(2));
            let third = moment(&|y| (y - mean).powi(3));
            let fourth = moment(&|y| (y - mean).powi(4));
            [mean, variance, third, fourth - 3.0 * variance * variance]
        }
    }
}

/// Where `f`, of one sign at `from`, is 0 in the given direction; `None` if it never is, or is not known
/// on the way.
fn root(from: f64, direction: f64, f: impl Fn(f64) -> Option<f64>) -> Option<f64> {
    let start = f(from)?;
    if start == 0.0 {
        return Some(from);
    }
    let mut step = 0.05 * from.abs().max(1e-3);
    let (mut near, mut far) = (from, from);
    let mut crossed = false;
    for _ in 0..60 {
        near = far;
        far += direction * step;
        step *= 2.0;
        crossed = f(far)? * start <= 0.0;
        if crossed {
            break;
        }
    }
    if !crossed {
        return None;
    }
    for _ in 0..200 {
        let middle = f64::midpoint(near, far);
        if middle == near || middle == far {
            break;
        }
        if f(middle)? * start > 0.0 {
            near = middle;
        } else {
            far = middle;
        }
    }
    Some(f64::midpoint(near, far))
}

#[cfg(test)]
#[path = "sii_tests.rs"]
mod tests;
