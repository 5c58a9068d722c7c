//! Age bands, and the European Standard Population of 2013 by five-year bands.

/// The age from which everybody is in one band, unless something else is asked for.
pub const TOP: i64 = 90;

/// The European Standard Population 2013 (Eurostat 2013), bands 0-4 to 90+: 100,000 people.
pub const ESP_2013: [i64; 19] = [
    5000, 5500, 5500, 5500, 6000, 6000, 6500, 7000, 7000, 7000, 7000, 6500, 6000, 5500, 5000, 4000,
    2500, 1500, 1000,
];

/// The band of `width` years that an age in completed years is in, `15-19`, or `90+` from `top`
/// on. `None` below 0, and when `top` is not a whole number of widths.
pub fn band(age: i64, width: i64, top: i64) -> Option<String> {
    if age < 0 || width < 1 || top < 1 || top % width != 0 {
        return None;
    }
    if age >= top {
        return Some(format!("{top}+"));
    }
    let from = age - age % width;
    Some(match width {
        1 => from.to_string(),
        _ => format!("{from}-{}", from + width - 1),
    })
}

/// The standard population of the five-year band that an age is in. `None` below 0.
pub fn weight_of_age(age: i64) -> Option<i64> {
    let band = usize::try_from(age).ok()? / 5;
    ESP_2013.get(band.min(ESP_2013.len() - 1)).copied()
}

/// The standard population of a band, `0-4` or `00-04` to `85-89`, and `90+`. `None` for any other
/// text: a band of another width has another weight.
pub fn weight_of_band(band: &str) -> Option<i64> {
    let band = band.trim();
    if band == "90+" {
        return ESP_2013.last().copied();
    }
    let (from, to) = band.split_once(['-', '\u{2013}'])?;
    let number = |text: &str| -> Option<usize> {
        let digits = (1..=2).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse().ok())?
    };
    let (from, to) = (number(from.trim())?, number(to.trim())?);
    let fits = from % 5 == 0 && to == from + 4 && from < 90;
    fits.then(|| ESP_2013.get(from / 5).copied())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{report, table};
    use proptest::prelude::*;

    #[test]
    fn the_standard_is_whole() {
        assert_eq!(ESP_2013.iter().sum::<i64>(), 100_000);
        assert_eq!(ESP_2013[..15].iter().sum::<i64>(), 91_000, "under 75");
    }

    #[test]
    fn weights_are_those_of_the_published_inputs() {
        let Some(rows) = table("dsr_inputs.csv") else {
            return;
        };
        let mut compared = 0;
        // 55-69 is the published table's own slip for 55-59.
        let rows = rows
            .iter()
            .filter(|r| r.text("case_id") == "DO001" && r.text("ageband") != "55-69");
        for row in rows {
            let weight = weight_of_band(row.text("ageband")).expect("a band");
            assert_eq!(
                row.number("stdpop"),
                Some(weight as f64),
                "{}",
                row.text("ageband")
            );
            compared += 1;
        }
        report("standard population", compared, 18);
    }

    #[test]
    fn bands_as_they_are_written() {
        assert_eq!(band(17, 5, TOP).as_deref(), Some("15-19"));
        assert_eq!(band(0, 5, TOP).as_deref(), Some("0-4"));
        assert_eq!(band(104, 5, TOP).as_deref(), Some("90+"));
        assert_eq!(band(89, 10, TOP).as_deref(), Some("80-89"));
        assert_eq!(band(7, 1, TOP).as_deref(), Some("7"));
        assert_eq!(band(80, 10, 80).as_deref(), Some("80+"));
        for (age, width, top) in [(-1, 5, 90), (3, 0, 90), (3, 7, 90), (3, 5, 0)] {
            assert_eq!(band(age, width, top), None);
        }
        assert_eq!(weight_of_band("00-04"), Some(5000));
        assert_eq!(weight_of_band("85\u{2013}89"), Some(1500));
        assert_eq!(weight_of_band("90+"), Some(1000));
        for other in [
            "0-9", "55-69", "85+", "90-94", "", "1-5", "-4", "a-b", "+0-+4",
        ] {
            assert_eq!(weight_of_band(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn the_band_of_an_age_has_the_weight_of_the_age(age in 0_i64..130) {
            let band = band(age, 5, TOP).expect("a band");
            prop_assert_eq!(weight_of_band(&band), weight_of_age(age));
        }
    }
}
