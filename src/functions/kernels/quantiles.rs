//! Which quantile an area is in, of values of its group.
//!
//! With N values, rank r counted from the lowest (ties share the lowest rank) or, inverted, from
//! the highest: q = floor((k + 1) − ceil((N + 1 − r)/(N/k))), at least 1. Ties are never split, so
//! quantiles may differ in size. With fewer values than quantiles there are none.
//! After PHEindicatormethods, `phe_quantile`.

/// The quantile of each value from 1 to `k`; 1 holds the lowest, or the highest when `inverted`.
/// `None` for a value that is missing, and for all when there are fewer than `k`.
pub fn assign(values: &[Option<f64>], k: u32, inverted: bool) -> Vec<Option<i64>> {
    let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    if k == 0 || n < k as usize {
        return vec![None; values.len()];
    }
    values
        .iter()
        .map(|value| {
            let value = (*value)?;
            let before = if inverted {
                n - sorted.partition_point(|v| *v <= value)
            } else {
                sorted.partition_point(|v| *v < value)
            };
            // In whole numbers: ceil((N − before)·k/N), where N/k need not be whole.
            let left = (n - before) * k as usize;
            let q = k as usize + 1 - left.div_ceil(n);
            i64::try_from(q.max(1)).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::kernels::fixtures::{Row, report, table};
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn agrees_with_the_published_reference() {
        let Some(rows) = table("quantiles.csv") else {
            return;
        };
        let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            groups.entry(row.text("group")).or_default().push(row);
        }
        for rows in groups.values() {
            let values: Vec<Option<f64>> = rows.iter().map(|r| r.number("value")).collect();
            let k = rows[0].is("nquantiles") as u32;
            let got = assign(&values, k, rows[0].text("invert") == "True");
            for (row, got) in rows.iter().zip(got) {
                let want = row.number("quantile").map(|q| q as i64);
                assert_eq!(got, want, "{} {}", row.text("group"), row.text("area"));
            }
        }
        report("quantiles", rows.len(), 234);
    }

    #[test]
    fn ties_nulls_and_too_few() {
        let of = |v: &[f64]| v.iter().map(|x| Some(*x)).collect::<Vec<_>>();
        let five = of(&[10.0, 20.0, 30.0, 40.0, 50.0]);
        let some = |v: [i64; 5]| v.map(Some).to_vec();
        assert_eq!(assign(&five, 5, false), some([1, 2, 3, 4, 5]));
        assert_eq!(assign(&five, 5, true), some([5, 4, 3, 2, 1]));
        assert_eq!(assign(&of(&[7.0; 5]), 5, true), some([1; 5]));
        assert_eq!(assign(&five[..4], 5, true), vec![None; 4]);
        assert_eq!(assign(&[None, Some(1.0)], 1, true), vec![None, Some(1)]);
        assert_eq!(assign(&five, 0, true), vec![None; 5]);
        assert!(assign(&[], 5, true).is_empty());
    }

    proptest! {
        #[test]
        fn order_is_kept_and_ties_together(
            values in prop::collection::vec(-20_i32..20, 5..80), k in 1_u32..6, inverted in any::<bool>(),
        ) {
            let given: Vec<Option<f64>> = values.iter().map(|v| Some(f64::from(*v))).collect();
            let got = assign(&given, k, inverted);
            for (a, qa) in values.iter().zip(&got) {
                prop_assert!((1..=i64::from(k)).contains(&qa.expect("enough")));
                for (b, qb) in values.iter().zip(&got) {
                    if a == b { prop_assert_eq!(qa, qb); }
                    let kept = if inverted { qa >= qb } else { qa <= qb };
                    prop_assert!(a >= b || kept);
                }
            }
        }
    }
}
