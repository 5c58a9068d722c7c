//! Directly standardised rates with Dobson's limits (Dobson et al. 1991).
//!
//! With x events among n people in a band of weight w, O = Σx:
//!
//! - rate = Σ(w·x/n) / Σw, variance v = Σ(w²·x/n²) / (Σw)²;
//! - limits = rate + √(v/O)·(B(O) − O), with B Byar's limits of the total.
//!
//! Where one person has several events they are not independent, and the variance of each
//! frequency f is f² times that of its persons: x in v gives way to Σf²·persons, the sum over
//! persons of the square of their events.

use super::limits::{Impossible, Level, Limits, count, exposure, multiplier};
use super::poisson::{BYAR_FROM, byar_lower, byar_upper};

/// One age band, or whatever else is standardised by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// Events.
    pub events: f64,
    /// Sum over persons of the square of their events; `events` where nobody has two.
    pub squares: f64,
    /// People, or person-years.
    pub population: f64,
    /// People of the standard population.
    pub weight: f64,
}

/// A directly standardised rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Standardised {
    /// The rate with its limits. `None` below ten events, and where a band has nobody in it.
    pub rate: Option<Limits>,
    /// All events.
    pub events: f64,
    /// All people.
    pub population: f64,
    /// The weight of the bands that are there: less than the standard's when one is missing.
    pub weight: f64,
}

/// The standardised rate `per` so many people, summed in the order of `bands`.
///
/// # Errors
/// No count; a population below 0, or of 0 with events; a weight below 0, or of 0 in all;
/// squares below the events themselves, or where there are none.
pub fn dobson(bands: &[Band], per: f64, level: Level) -> Result<Standardised, Impossible> {
    let per = multiplier(per)?;
    let (mut events, mut population, mut weight) = (0.0, 0.0, 0.0);
    let (mut weighted, mut variance, mut empty) = (0.0, 0.0, false);
    for band in bands {
        let x = count(band.events)?;
        let w = match count(band.weight) {
            Err(Impossible::Negative) => return Err(Impossible::Unknown("a weight is below 0")),
            other => other?,
        };
        let squares = count(band.squares)?;
        if squares < x && x > 0.0 && x.fract() == 0.0 {
            return Err(Impossible::Unknown(
                "the sum of squared events is below the events",
            ));
        }
        if squares > 0.0 && x == 0.0 {
            return Err(Impossible::Unknown(
                "there are squared events where there are none",
            ));
        }
        events += x;
        weight += w;
        let Some(n) = exposure(x, band.population)? else {
            empty |= w > 0.0;
            continue;
        };
        population += n;
        weighted += w * x / n;
        variance += w * w * band.squares / (n * n);
    }
    if weight <= 0.0 {
        return Err(Impossible::Unknown("the weights are 0 in all"));
    }
    let rate = (events >= BYAR_FROM && !empty)
        .then(|| {
            let value = weighted / weight;
            let unit = (variance / (weight * weight) / events).sqrt();
            Some(Limits {
                value,
                lower: value + unit * (byar_lower(events, level)? - events),
                upper: value + unit * (byar_upper(events, level) - events),
            })
        })
        .flatten()
        .map(|limits| limits.times(per));
    Ok(Standardised {
        rate,
        events,
        population,
        weight,
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

    fn band(events: f64, population: f64, weight: f64) -> Band {
        Band {
            events,
            squares: events,
            population,
            weight,
        }
    }

    #[test]
    fn agrees_with_the_published_reference() {
        let (Some(inputs), Some(expected)) = (table("dsr_inputs.csv"), table("dsr_expected.csv"))
        else {
            return;
        };
        for row in &expected {
            let mut bands: Vec<(String, Band)> = Vec::new();
            for input in inputs
                .iter()
                .filter(|i| i.text("case_id") == row.text("case_id"))
            {
                let each = input.number("eventfreq").unwrap_or(1.0);
                let persons = input.number("x").unwrap_or(0.0);
                let (name, pop) = (input.text("ageband"), input.is("pop"));
                let at = if input.text("eventfreq").is_empty() {
                    None
                } else {
                    bands.iter().position(|(n, _)| n == name)
                };
                let at = at.unwrap_or_else(|| {
                    bands.push((name.to_owned(), band(0.0, pop, input.is("stdpop"))));
                    bands.len() - 1
                });
                bands[at].1.events += each * persons;
                bands[at].1.squares += each * each * persons;
            }
            let bands: Vec<Band> = bands.into_iter().map(|(_, band)| band).collect();
            let level = Level::new(row.is("confidence")).expect("a level");
            let got = dobson(&bands, row.is("multiplier"), level).expect("a rate");
            // Some expected values were printed with eight places.
            let tolerance = if row.text("note").contains("8 d.p.") {
                1e-8
            } else {
                1e-9
            };
            near(got.rate.map(|r| r.value), row, "value", tolerance);
            near(got.rate.map(|r| r.lower), row, "lowercl", tolerance);
            near(got.rate.map(|r| r.upper), row, "uppercl", tolerance);
            near(Some(got.events), row, "total_count", 1e-12);
            near(Some(got.population), row, "total_pop", 1e-12);
        }
        report("dsr", expected.len(), 45);
    }

    #[test]
    fn few_events_empty_bands_and_impossible_ones() {
        let nine = dobson(&[band(9.0, 100.0, 1.0)], 1.0, level()).expect("fine");
        assert_eq!((nine.rate, nine.events), (None, 9.0));
        let half = dobson(&[band(9.5, 100.0, 1.0)], 1.0, level()).expect("fine");
        assert_eq!(half.rate, None);
        let ten = dobson(&[band(10.0, 100.0, 1.0)], 1.0, level()).expect("fine");
        assert!((ten.rate.expect("a rate").value - 0.1).abs() < 1e-15);
        // Nobody in a band of the standard: there is no rate to weight.
        let empty = dobson(&[band(20.0, 9.0, 1.0), band(0.0, 0.0, 1.0)], 1.0, level());
        assert_eq!(empty.expect("fine").rate, None);
        let unweighted = dobson(&[band(20.0, 40.0, 1.0), band(0.0, 0.0, 0.0)], 1.0, level());
        assert!(unweighted.expect("fine").rate.is_some());
        for (bad, why) in [
            (band(1.0, 0.0, 1.0), Impossible::EventsAmongNobody),
            (band(-1.0, 9.0, 1.0), Impossible::Negative),
            (band(1.0, -9.0, 1.0), Impossible::NegativeDenominator),
            (
                band(1.0, 9.0, -1.0),
                Impossible::Unknown("a weight is below 0"),
            ),
            (
                band(1.0, 9.0, 0.0),
                Impossible::Unknown("the weights are 0 in all"),
            ),
        ] {
            assert_eq!(dobson(&[bad], 1.0, level()), Err(why));
        }
    }

    proptest! {
        #[test]
        fn equal_rates_standardise_to_themselves(
            bands in prop::collection::vec((1_u32..5_000, 1_u32..9_000), 1..19),
            tenths in 1_u32..9,
        ) {
            // The same share of every band: no weights can move it.
            let share = f64::from(tenths) / 10.0;
            let bands: Vec<Band> = bands
                .iter()
                .map(|(n, w)| band(f64::from(*n) * share, f64::from(*n), f64::from(*w)))
                .collect();
            let got = dobson(&bands, 1.0, level()).expect("fine");
            if let Some(rate) = got.rate {
                prop_assert!((rate.value - share).abs() < 1e-12);
                prop_assert!(rate.lower < rate.value && rate.value < rate.upper);
            }
        }

        #[test]
        fn events_of_the_same_people_widen_it(x in 10_u32..900, more in 1_u32..900) {
            let alone = band(f64::from(x), 1e4, 1.0);
            let together = Band { squares: f64::from(x + more), ..alone };
            let width = |b| {
                let r = dobson(&[b], 1.0, level()).expect("fine").rate.expect("a rate");
                r.upper - r.lower
            };
            prop_assert!(width(together) > width(alone));
        }
    }
}
