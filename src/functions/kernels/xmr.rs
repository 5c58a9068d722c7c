//! XmR charts as Making Data Count draws them: limits from moving ranges, four rules for special
//! causes, an icon for variation and one for assurance.
//!
//! In each phase: centre = mean, A = mean of |yₜ − yₜ₋₁|, limits = mean ± 2.66·A; moving ranges of
//! 3.267·A and more are left out of A once, their values stay in the mean. Rules, first match:
//! beyond a limit; a trend of 7 points (6 rises or falls in a row); two of three beyond two thirds
//! of the way to a limit, on one side; 7 points on one side. A value that is missing breaks runs,
//! and so does one exactly on the mean, or a tie in a trend.
//!
//! A series without any variation has no limits: none can be told from no moving ranges.

use super::limits::Impossible;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Improvement {
    /// Up.
    Increase,
    /// Down.
    Decrease,
    /// Neither.
    Neutral,
}

/// How a chart is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Which way is better.
    pub improvement: Improvement,
    /// Points that make a trend or a shift: 7, or 6 as some charts have it.
    pub run_length: usize,
    /// Limits from the first so many points of each phase only; at least 12.
    pub fix_after: Option<usize>,
    /// Whether extreme moving ranges are left out.
    pub screen: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            improvement: Improvement::Neutral,
            run_length: 7,
            fix_after: None,
            screen: true,
        }
    }
}

impl Settings {
    /// Itself, if it can be drawn.
    ///
    /// # Errors
    /// Runs of other than 6 to 9 points, limits from fewer than 12.
    pub fn checked(self) -> Result<Self, Impossible> {
        if !(6..=9).contains(&self.run_length) {
            return Err(Impossible::Unknown("a run is of 6 to 9 points"));
        }
        if self.fix_after.is_some_and(|n| n < 12) {
            return Err(Impossible::Unknown(
                "limits are fixed after at least 12 points",
            ));
        }
        Ok(self)
    }
}

/// A point in time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// What was measured, if it was.
    pub value: Option<f64>,
    /// The phase it belongs to: limits start afresh where it changes.
    pub phase: i64,
    /// What is aimed at.
    pub target: Option<f64>,
}

/// Why a point is a special cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Beyond a limit.
    Outside,
    /// In a trend.
    Trend,
    /// One of two in three near a limit.
    TwoInThree,
    /// In a run on one side of the mean.
    Shift,
}

/// The limits of a phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Control {
    /// The mean.
    pub centre: f64,
    /// 2.66 times the mean moving range, if anything moves.
    pub reach: Option<f64>,
    /// Values they were made from.
    pub points: usize,
}

impl Control {
    /// The limits themselves.
    pub fn process(&self) -> Option<(f64, f64)> {
        self.reach.map(|r| (self.centre - r, self.centre + r))
    }

    /// Two thirds of the way.
    pub fn near(&self) -> Option<(f64, f64)> {
        self.reach
            .map(|r| (self.centre - r * 2.0 / 3.0, self.centre + r * 2.0 / 3.0))
    }
}

/// A point as it was judged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Judged {
    /// The limits it was held against; `None` in a phase without values.
    pub control: Option<Control>,
    /// Distance from the point before, in the same phase.
    pub moving_range: Option<f64>,
    /// It has a value.
    pub measured: bool,
    /// −1 below the mean, 0 on it, 1 above it; `None` without a value or a mean.
    pub side: Option<i8>,
    /// Beyond a limit.
    pub outside: bool,
    /// Near a limit and within.
    pub near: bool,
    /// The first rule that it breaks, and −1 for downward, 1 for upward.
    pub special: Option<(Rule, i8)>,
}

/// Judges the points of one chart, in the order of time.
pub fn judge(points: &[Point], settings: &Settings) -> Vec<Judged> {
    let mut judged = Vec::with_capacity(points.len());
    for phase in points.chunk_by(|a, b| a.phase == b.phase) {
        let values: Vec<Option<f64>> = phase.iter().map(|p| p.value).collect();
        judged.extend(judge_phase(&values, settings));
    }
    judged
}

fn judge_phase(values: &[Option<f64>], settings: &Settings) -> Vec<Judged> {
    let ranges: Vec<Option<f64>> = std::iter::once(None)
        .chain(values.windows(2).map(|w| Some((w[1]? - w[0]?).abs())))
        .collect();
    let control = control(values, &ranges, settings);
    let process = control.and_then(|c| c.process());
    let close = control.and_then(|c| c.near());
    let beyond = |y: f64, limits: Option<(f64, f64)>| {
        limits.is_some_and(|(l, u)| apart(y, l) < 0 || apart(y, u) > 0)
    };

    let side: Vec<Option<i8>> = values
        .iter()
        .map(|y| Some(apart((*y)?, control?.centre)))
        .collect();
    let outside: Vec<bool> = values
        .iter()
        .map(|y| y.is_some_and(|y| beyond(y, process)))
        .collect();
    let near: Vec<bool> = values
        .iter()
        .zip(&outside)
        .map(|(y, outside)| !outside && y.is_some_and(|y| beyond(y, close)))
        .collect();
    let trend = trends(values, settings.run_length);
    let pairs = two_in_three(&near, &side);
    let shift = shifts(&side, settings.run_length);

    (0..values.len())
        .map(|i| {
            let here = side[i].unwrap_or(0);
            let special = if outside[i] {
                Some((Rule::Outside, here))
            } else if trend[i] != 0 {
                Some((Rule::Trend, trend[i]))
            } else if pairs[i] && near[i] {
                Some((Rule::TwoInThree, here))
            } else if shift[i] != 0 {
                Some((Rule::Shift, shift[i]))
            } else {
                None
            };
            Judged {
                control,
                moving_range: ranges[i],
                measured: values[i].is_some(),
                side: side[i],
                outside: outside[i],
                near: near[i],
                special,
            }
        })
        .collect()
}

/// Mean and limits of a phase, from its first points if they are fixed.
pub fn control(
    values: &[Option<f64>],
    ranges: &[Option<f64>],
    settings: &Settings,
) -> Option<Control> {
    let first = settings.fix_after.unwrap_or(values.len()).min(values.len());
    let mean = |of: &mut dyn Iterator<Item = f64>| {
        let (mut sum, mut n) = (0.0, 0_u32);
        for y in of {
            sum += y;
            n += 1;
        }
        (n > 0).then(|| sum / f64::from(n))
    };
    let centre = mean(&mut values[..first].iter().flatten().copied())?;
    let moving = || ranges[..first].iter().flatten().copied();
    let mut average = mean(&mut moving());
    if settings.screen {
        average = average.and_then(|a| mean(&mut moving().filter(|mr| *mr < 3.267 * a)));
    }
    // Limits of no width would make everything that moves special.
    let average = average.filter(|a| *a > 0.0);
    Some(Control {
        centre,
        reach: average.map(|a| 2.66 * a),
        points: values[..first].iter().flatten().count(),
    })
}

/// The side of `b` that `a` is on. A mean is rounded, so what differs from it by no more than that is on it.
fn apart(a: f64, b: f64) -> i8 {
    let slack = 1e-12 * a.abs().max(b.abs());
    match (a - b).abs() <= slack {
        true => 0,
        false => sign(a - b),
    }
}

fn sign(x: f64) -> i8 {
    i8::from(x > 0.0) - i8::from(x < 0.0)
}

/// For each point the direction of the trend it is part of, else 0. Where one trend ends and
/// another begins, the later.
fn trends(values: &[Option<f64>], length: usize) -> Vec<i8> {
    let mut part = vec![0; values.len()];
    for (start, window) in values.windows(length).enumerate() {
        let mut steps = window.windows(2).map(|w| match (w[0], w[1]) {
            (Some(a), Some(b)) => sign(b - a),
            _ => 0,
        });
        let first = steps.next().unwrap_or(0);
        if first != 0 && steps.all(|s| s == first) {
            part[start..start + length].fill(first);
        }
    }
    part
}

/// Whether each point is in three of which two are near a limit, all on one side.
fn two_in_three(near: &[bool], side: &[Option<i8>]) -> Vec<bool> {
    let mut part = vec![false; near.len()];
    for start in 0..near.len().saturating_sub(2) {
        let three = start..start + 3;
        let one_side = side[start].is_some_and(|s| s != 0)
            && side[three.clone()].iter().all(|s| *s == side[start]);
        if one_side && near[three.clone()].iter().filter(|n| **n).count() >= 2 {
            part[three].fill(true);
        }
    }
    part
}

/// For each point the side of the run it is part of, else 0.
fn shifts(side: &[Option<i8>], length: usize) -> Vec<i8> {
    let mut part = vec![0; side.len()];
    for (start, window) in side.windows(length).enumerate() {
        if let Some(first) = window[0].filter(|s| *s != 0)
            && window.iter().all(|s| *s == Some(first))
        {
            part[start..start + length].fill(first);
        }
    }
    part
}

/// What a special cause means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// It got better, in this direction.
    Improvement(i8),
    /// It got worse, in this direction.
    Concern(i8),
    /// It changed, in this direction.
    Neutral(i8),
}

/// What the direction of a special cause means.
pub fn meaning(direction: i8, improvement: Improvement) -> Meaning {
    match (improvement, direction) {
        (Improvement::Neutral, d) => Meaning::Neutral(d),
        (Improvement::Increase, 1) | (Improvement::Decrease, -1) => Meaning::Improvement(direction),
        _ => Meaning::Concern(direction),
    }
}

/// The icon of variation that the newest measured point gives its chart. A concern is named by the
/// side that is worse, an improvement by the one that is better, whichever rule was broken.
pub fn variation(judged: &[Judged], improvement: Improvement) -> &'static str {
    let newest = judged.iter().rev().find(|j| j.measured);
    match newest.and_then(|j| j.special) {
        None => "common_cause",
        Some((_, direction)) => match meaning(direction, improvement) {
            Meaning::Improvement(1) => "improvement_high",
            Meaning::Improvement(_) => "improvement_low",
            Meaning::Concern(1) => "concern_high",
            Meaning::Concern(_) => "concern_low",
            Meaning::Neutral(1) => "neutral_high",
            Meaning::Neutral(_) => "neutral_low",
        },
    }
}

/// Whether a process with these limits will reach its target: `pass`, `fail`, or `inconsistent`.
/// `None` without a target, without limits, or when neither way is better.
pub fn assurance(
    limits: Option<(f64, f64)>,
    target: Option<f64>,
    improvement: Improvement,
) -> Option<&'static str> {
    let ((lower, upper), target) = limits.zip(target)?;
    let above = match improvement {
        Improvement::Neutral => return None,
        Improvement::Increase => "fail",
        Improvement::Decrease => "pass",
    };
    let below = if above == "fail" { "pass" } else { "fail" };
    Some(if target > upper {
        above
    } else if target < lower {
        below
    } else {
        "inconsistent"
    })
}

#[cfg(test)]
#[path = "xmr_tests.rs"]
mod tests;
