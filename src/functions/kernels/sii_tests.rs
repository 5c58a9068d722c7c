use super::*;
use crate::functions::kernels::fixtures::{near, report, table};
use proptest::prelude::*;

fn level() -> Level {
    Level::new(0.95).expect("a level")
}

#[test]
fn agrees_with_the_published_reference() {
    let (Some(inputs), Some(expected)) = (table("sii_inputs.csv"), table("sii_expected.csv"))
    else {
        return;
    };
    for row in &expected {
        let kind = match row.text("value_type") {
            "0" => Kind::Other,
            "1" => Kind::Rate,
            _ => Kind::Proportion,
        };
        let mut quantiles: Vec<Quantile> = inputs
            .iter()
            .filter(|i| i.text("case_id") == row.text("case_id"))
            .map(|i| Quantile {
                number: i.is("quantile"),
                value: i.is("value"),
                error: match row.text("se_from") {
                    "se" => i.is("se"),
                    _ => kind.standard_error(i.is("lower_cl"), i.is("upper_cl")),
                },
                population: i.is("population"),
            })
            .collect();
        quantiles.sort_by(|a, b| a.number.total_cmp(&b.number));
        let telling = Telling {
            kind,
            transform: row.text("transform") == "True",
            multiplier: row.is("multiplier"),
        };
        let level = Level::new(row.is("confidence")).expect("a level");
        let got = inequality(&quantiles, telling, level)
            .expect("fine")
            .expect("all quantiles");
        near(Some(got.sii), row, "sii", 1e-9);
        near(Some(got.rii), row, "rii", 1e-9);
        if row.number("intercept").is_some() {
            near(Some(got.intercept), row, "intercept", 1e-9);
        }
        near(got.sii_limits.map(|l| l.0), row, "det_sii_lower", 1e-9);
        near(got.sii_limits.map(|l| l.1), row, "det_sii_upper", 1e-9);
        near(got.rii_limits.map(|l| l.0), row, "det_rii_lower", 1e-9);
        near(got.rii_limits.map(|l| l.1), row, "det_rii_upper", 1e-9);
        // What the peer drew at random agrees within the noise of its drawing.
        let (sii, rii) = (
            got.sii_limits.expect("limits"),
            got.rii_limits.expect("limits"),
        );
        for (got, drawn, tolerance) in [
            (sii.0, "sim_sii_lower", "sim_tol_sii"),
            (sii.1, "sim_sii_upper", "sim_tol_sii"),
            (rii.0, "sim_rii_lower", "sim_tol_rii"),
            (rii.1, "sim_rii_upper", "sim_tol_rii"),
        ] {
            let apart = (got - row.is(drawn)).abs();
            assert!(
                apart <= row.is(tolerance),
                "{} {drawn}: {got}",
                row.text("case_id")
            );
        }
    }
    report("sii", expected.len(), 20);
}

fn quintiles(values: [f64; 5], error: f64) -> Vec<Quantile> {
    (1_u32..)
        .zip(values)
        .map(|(i, value)| Quantile {
            number: f64::from(i),
            value,
            error,
            population: 1_000.0,
        })
        .collect()
}

fn telling(kind: Kind, transform: bool, multiplier: f64) -> Telling {
    Telling {
        kind,
        transform,
        multiplier,
    }
}

/// One event in each of five equal quintiles has exact limits of 0.0253 and 5.5716: 1.376 on the log scale.
/// Drawn 100,000 times the index lies within 15.6 of 0; four cumulants would give 620.
#[test]
fn so_few_events_have_an_index_and_no_limits() {
    let error = Kind::Rate.standard_error(0.025_318, 5.571_643);
    let rows = quintiles([1.0; 5], error);
    let got = inequality(&rows, telling(Kind::Rate, false, -1.0), level())
        .expect("fine")
        .expect("an index");
    assert!(got.sii.abs() < 1e-12);
    assert_eq!((got.sii_limits, got.rii_limits), (None, None));
    // Ten each: 4.795 and 18.391 of 10; drawn, within 11.8 of 0.
    let error = Kind::Rate.standard_error(4.795_4, 18.390_6);
    let rows = quintiles([10.0; 5], error);
    let got = inequality(&rows, telling(Kind::Rate, false, -1.0), level())
        .expect("fine")
        .expect("an index");
    let (lower, upper) = got.sii_limits.expect("limits");
    assert!(
        (upper - 11.8).abs() < 0.2 && (lower + upper).abs() < 1e-9,
        "{lower} {upper}"
    );
}

#[test]
fn a_straight_line_by_hand() {
    // Values 1, 2, 3, 4, 5 at 0.1, 0.3 … 0.9: slope 5, intercept 0.5.
    let rows = quintiles([1.0, 2.0, 3.0, 4.0, 5.0], 0.1);
    let got = inequality(&rows, telling(Kind::Other, false, 1.0), level())
        .expect("fine")
        .expect("all");
    assert!((got.sii - 5.0).abs() < 1e-12 && (got.rii - 11.0).abs() < 1e-12);
    assert!((got.intercept - 0.5).abs() < 1e-12);
    // s.e. of the slope: 0.1·√Σc², c = 0.2·(−0.4 … 0.4)/0.08 = −1, −0.5, 0, 0.5, 1.
    let half = super::super::wilson::Z_95 * 0.1 * 2.5_f64.sqrt();
    let (lower, upper) = got.sii_limits.expect("limits");
    assert!((lower - (5.0 - half)).abs() < 1e-12 && (upper - (5.0 + half)).abs() < 1e-12);
    let turned = inequality(&rows, telling(Kind::Other, false, -1.0), level())
        .expect("fine")
        .expect("all");
    assert!((turned.sii + 5.0).abs() < 1e-12 && (turned.rii - 1.0 / 11.0).abs() < 1e-12);
    let limits = turned.sii_limits.expect("limits");
    assert!((limits.0 + upper).abs() < 1e-12 && (limits.1 + lower).abs() < 1e-12);
}

#[test]
fn a_multiplier_below_one_keeps_limits_in_their_order() {
    // The peer takes 0.5 for a multiplier below 0 and turns the limits over.
    let rows = quintiles([6.0, 5.0, 4.0, 3.5, 3.0], 0.05);
    let ask = |m| {
        inequality(&rows, telling(Kind::Rate, true, m), level())
            .expect("fine")
            .expect("all")
    };
    let (one, half) = (ask(1.0), ask(0.5));
    assert_eq!(one.rii_limits, half.rii_limits);
    let (l, u) = half.sii_limits.expect("limits");
    assert!(l < half.sii && half.sii < u);
}

#[test]
fn turned_about_a_ratio_that_may_be_0_has_no_limits() {
    // 30, 24, 18, 11 and 5 of 100 people, with Wilson's limits; the least deprived end may be 0.
    let shares = [
        (0.30, 0.218_948_9, 0.395_848_5),
        (0.24, 0.166_900_9, 0.332_302_8),
        (0.18, 0.116_997_2, 0.266_754_9),
        (0.11, 0.062_539_6, 0.186_262_3),
        (0.05, 0.021_540_6, 0.111_752_1),
    ];
    let quantiles: Vec<Quantile> = (1..)
        .zip(shares)
        .map(|(number, (value, lower, upper))| Quantile {
            number: f64::from(number),
            value,
            error: Kind::Proportion.standard_error(lower, upper),
            population: 100.0,
        })
        .collect();
    let found = |multiplier| {
        let found = inequality(
            &quantiles,
            telling(Kind::Proportion, false, multiplier),
            level(),
        );
        found.expect("possible").expect("an index")
    };
    let as_it_is = found(1.0);
    let (lower, upper) = as_it_is.rii_limits.expect("limits");
    assert!(lower < 0.0 && 0.0 < as_it_is.rii && as_it_is.rii < upper);
    let turned = found(-1.0);
    assert!((turned.rii * as_it_is.rii - 1.0).abs() < 1e-12);
    assert_eq!(turned.rii_limits, None);
}

#[test]
fn an_end_where_less_than_nothing_happens_has_no_ratio() {
    let falling = quintiles([0.30, 0.22, 0.14, 0.07, 0.02], 0.1);
    let found = inequality(&falling, telling(Kind::Proportion, false, 1.0), level());
    let found = found.expect("possible").expect("an index");
    assert!(found.sii < 0.0 && found.rii.is_nan() && found.rii_limits.is_none());
    // Of what is no share and no rate, a ratio below 0 is one.
    let found = inequality(&falling, telling(Kind::Other, false, 1.0), level());
    assert!(found.expect("possible").expect("an index").rii < 0.0);
}

#[test]
fn gaps_zeroes_and_impossible_rows() {
    let ask = |rows: &[Quantile], kind, transform| {
        inequality(rows, telling(kind, transform, 1.0), level())
    };
    let rows = quintiles([0.1, 0.2, 0.0, 0.3, 0.4], 0.1);
    assert_eq!(ask(&rows[..4], Kind::Other, false), Ok(None));
    assert_eq!(ask(&rows[1..], Kind::Other, false), Ok(None));
    assert_eq!(ask(&[], Kind::Other, false), Ok(None));
    // A value of 0 has no logarithm: no line on that scale, and no limits on its own.
    assert_eq!(ask(&rows, Kind::Rate, true), Ok(None));
    let got = ask(&rows, Kind::Proportion, false)
        .expect("fine")
        .expect("all");
    assert!(got.sii_limits.is_none() && got.rii_limits.is_none() && got.sii > 0.0);
    let mut infinite = rows.clone();
    infinite[0].error = Kind::Proportion.standard_error(0.0, 0.2);
    let got = ask(&infinite, Kind::Other, false)
        .expect("fine")
        .expect("all");
    assert!(got.sii_limits.is_none());
    // An intercept that may be 0 leaves the ratio without limits.
    let wild = quintiles([0.1, 0.2, 0.2, 0.3, 0.4], 1.0);
    let got = ask(&wild, Kind::Other, false).expect("fine").expect("all");
    assert!(got.sii_limits.is_some() && got.rii_limits.is_none());

    assert!(ask(&rows, Kind::Other, true).is_err());
    assert!(
        ask(
            &quintiles([0.1, 0.2, 1.2, 0.3, 0.4], 0.1),
            Kind::Proportion,
            false
        )
        .is_err()
    );
    let mut twice = rows.clone();
    twice[1].number = 1.0;
    assert_eq!(
        ask(&twice, Kind::Other, false),
        Err(Impossible::Twice("a quantile"))
    );
    let mut nobody = rows.clone();
    nobody[1].population = 0.0;
    assert!(ask(&nobody, Kind::Other, false).is_err());
}

proptest! {
    #[test]
    fn limits_hold_the_index_and_mirror(
        values in prop::array::uniform5(0.05..0.95_f64), error in 0.005..0.1_f64,
        kind in prop::sample::select(vec![Kind::Other, Kind::Rate, Kind::Proportion]),
        transform in any::<bool>(),
    ) {
        let transform = transform && kind != Kind::Other;
        let rows = quintiles(values, error);
        let ask = |m| inequality(&rows, telling(kind, transform, m), level());
        if let (Some(got), Some(turned)) = (ask(1.0).expect("fine"), ask(-1.0).expect("fine")) {
            let (l, u) = got.sii_limits.expect("limits");
            prop_assert!(l < got.sii && got.sii < u);
            prop_assert!((got.sii + turned.sii).abs() < 1e-12);
            if let Some((l, u)) = got.rii_limits {
                prop_assert!(l < got.rii && got.rii < u);
            }
        }
    }
}
