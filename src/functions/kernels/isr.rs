//! Indirectly standardised ratios and rates: events against those expected from a reference.
//!
//! E = Σ n·(x_ref/n_ref), ratio = O/E, limits = limits of the count O over E: exact below ten
//! events, Byar's from there. The rate is the ratio times the reference's own rate,
//! Σx_ref/Σn_ref.

use super::limits::{Impossible, Level, Limits, count, exposure, multiplier};
use super::poisson::events;

/// One age band, with that of the reference population beside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Events seen.
    pub observed: f64,
    /// People.
    pub population: f64,
    /// Events in the reference population.
    pub reference_events: f64,
    /// People of the reference population.
    pub reference_population: f64,
}

/// An indirectly standardised ratio or rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Indirect {
    /// Events seen.
    pub observed: f64,
    /// Events expected at the reference's rates.
    pub expected: f64,
    /// What 1 means: the multiplier, or the reference's rate.
    pub reference: f64,
    /// The ratio or rate with its limits; `None` where none were expected and none seen.
    pub ratio: Option<Limits>,
}

/// What a ratio is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Times the multiplier: 1, or 100.
    Ratio,
    /// Times the reference's rate per multiplier.
    Rate,
}

/// Observed over expected, summed in the order of `bands`.
///
/// # Errors
/// No count; a population below 0; a reference band without people; events where none could be
/// expected; a multiplier not above 0.
pub fn indirect(
    bands: &[Band],
    scale: Scale,
    per: f64,
    level: Level,
) -> Result<Indirect, Impossible> {
    let per = multiplier(per)?;
    let (mut observed, mut expected) = (0.0, 0.0);
    let (mut reference_events, mut reference_people) = (0.0, 0.0);
    for band in bands {
        let (n, x_ref) = (count(band.population)?, count(band.reference_events)?);
        let Some(n_ref) = exposure(x_ref, band.reference_population)? else {
            return Err(Impossible::Unknown(
                "a band of the reference population has nobody in it",
            ));
        };
        observed += count(band.observed)?;
        expected += n * (x_ref / n_ref);
        reference_events += x_ref;
        reference_people += n_ref;
    }
    let reference = match scale {
        Scale::Ratio => per,
        Scale::Rate => reference_events / reference_people * per,
    };
    let counted = events(observed, level)?;
    let ratio = exposure(observed, expected)?.map(|expected| Limits {
        value: observed / expected * reference,
        lower: counted.lower / expected * reference,
        upper: counted.upper / expected * reference,
    });
    Ok(Indirect {
        observed,
        expected,
        reference,
        ratio,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{near, report, table};
    use proptest::prelude::*;

    fn level() -> Level {
        Level::new(0.95).expect("a level")
    }

    #[test]
    fn agrees_with_the_published_reference() {
        let (Some(inputs), Some(expected)) = (table("isr_inputs.csv"), table("isr_expected.csv"))
        else {
            return;
        };
        for row in &expected {
            let mut observed = row.is("observed");
            let bands: Vec<Band> = inputs
                .iter()
                .filter(|i| i.text("case_id") == row.text("case_id"))
                .map(|i| Band {
                    // The reference has the total: all in the first band.
                    observed: std::mem::take(&mut observed),
                    population: i.number("pop").unwrap_or(0.0),
                    reference_events: i.number("ref_count").unwrap_or(0.0),
                    reference_population: i.is("ref_pop"),
                })
                .collect();
            let scale = match row.text("statistic") {
                "rate" => Scale::Rate,
                _ => Scale::Ratio,
            };
            let level = Level::new(row.is("confidence")).expect("a level");
            let got = indirect(&bands, scale, row.is("scale"), level).expect("a ratio");
            near(Some(got.expected), row, "expected", 1e-9);
            near(got.ratio.map(|r| r.value), row, "value", 1e-9);
            near(got.ratio.map(|r| r.lower), row, "lowercl", 1e-9);
            near(got.ratio.map(|r| r.upper), row, "uppercl", 1e-9);
        }
        report("isr", expected.len(), 20);
    }

    fn band(observed: f64, population: f64, x_ref: f64, n_ref: f64) -> Band {
        Band {
            observed,
            population,
            reference_events: x_ref,
            reference_population: n_ref,
        }
    }

    #[test]
    fn nothing_expected() {
        let ask = |b| indirect(&[b], Scale::Ratio, 1.0, level());
        let none = ask(band(0.0, 0.0, 5.0, 10.0)).expect("fine");
        assert_eq!((none.ratio, none.expected), (None, 0.0));
        let zero = ask(band(0.0, 10.0, 5.0, 10.0))
            .expect("fine")
            .ratio
            .expect("a ratio");
        assert_eq!((zero.value, zero.lower), (0.0, 0.0));
        assert_eq!(
            ask(band(1.0, 0.0, 5.0, 10.0)),
            Err(Impossible::EventsAmongNobody)
        );
        assert!(ask(band(1.0, 9.0, 0.0, 0.0)).is_err());
    }

    proptest! {
        #[test]
        fn the_reference_against_itself_is_one(
            bands in prop::collection::vec((1_u32..500, 500_u32..90_000), 1..19),
        ) {
            let bands: Vec<Band> = bands
                .iter()
                .map(|(x, n)| {
                    let (x, n) = (f64::from(*x), f64::from(*n));
                    band(x, n, x, n)
                })
                .collect();
            let got = indirect(&bands, Scale::Ratio, 1.0, level()).expect("fine");
            let ratio = got.ratio.expect("a ratio");
            prop_assert!((ratio.value - 1.0).abs() < 1e-12);
            prop_assert!(ratio.lower < 1.0 && 1.0 < ratio.upper);
        }
    }
}
