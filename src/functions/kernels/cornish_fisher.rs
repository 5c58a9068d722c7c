//! Quantiles of sums of independent values from the cumulants of each, by the expansion of Cornish and Fisher
//! (1938), to the fourth cumulant.

/// The most excess kurtosis with which the expansion is within some two per cent of the width of limits.
/// A handful of events behind the values has more.
const MOST_EXCESS: f64 = 1.0;

/// The quantile at `z`, in standard deviations of a normal distribution, of Σ weight·value, each term a weight
/// and the mean, variance, third and fourth cumulant of its value; `None` where the expansion does not
/// rise all the way from −z to z, and so is no quantile function, or where it is too far from a normal
/// one for its two terms.
pub fn quantile<'a>(terms: impl Iterator<Item = (f64, &'a [f64; 4])>, z: f64) -> Option<f64> {
    let mut sum = [0.0_f64; 4];
    for (weight, shape) in terms {
        let mut power = 1.0;
        for (sum, cumulant) in sum.iter_mut().zip(shape) {
            power *= weight;
            *sum += power * cumulant;
        }
    }
    let [mean, variance, third, fourth] = sum;
    if variance <= 0.0 {
        return Some(mean);
    }
    let deviation = variance.sqrt();
    let (skew, excess) = (
        third / (variance * deviation),
        fourth / (variance * variance),
    );
    if excess.abs() > MOST_EXCESS {
        return None;
    }
    // Its derivative is a parabola in z: lowest at an end or at its vertex.
    let (a, b) = (excess / 8.0 - skew * skew / 6.0, skew / 3.0);
    let c = 1.0 - excess / 8.0 + 5.0 * skew * skew / 36.0;
    let vertex = Some(-b / (2.0 * a)).filter(|v| v.abs() < z.abs());
    let rises = |z: f64| (a * z + b) * z + c >= 0.0;
    if ![Some(-z), Some(z), vertex].into_iter().flatten().all(rises) {
        return None;
    }
    let z2 = z * z;
    let at = z + (z2 - 1.0) * skew / 6.0 + z * (z2 - 3.0) * excess / 24.0
        - z * (2.0 * z2 - 5.0) * skew * skew / 36.0;
    Some(mean + deviation * at)
}
