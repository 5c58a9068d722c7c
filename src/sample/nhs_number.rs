//! NHS numbers for people who do not exist: the test range 999 000 0000 to 999 999 9999, with a
//! valid modulus 11 check digit. The range holds 909,090 valid numbers; larger worlds go on into 998,
//! 997 and so on, which have never been issued either.

/// The check digit of nine leading digits, or `None` where no digit fits (a remainder of 10).
pub fn check_digit(prefix: u64) -> Option<u64> {
    let mut rest = prefix;
    let mut sum = 0;
    for weight in 2..=10 {
        sum += weight * (rest % 10);
        rest /= 10;
    }
    match 11 - sum % 11 {
        11 => Some(0),
        10 => None,
        digit => Some(digit),
    }
}

/// Whether the ten digits pass modulus 11 and could be somebody: ten equal digits never are.
pub fn is_somebody(number: u64) -> bool {
    let repeated = number.is_multiple_of(1_111_111_111);
    !repeated && number < 10_000_000_000 && check_digit(number / 10) == Some(number % 10)
}

/// A near miss of a number: the check digit one off, so that modulus 11 fails.
pub fn broken(number: u64) -> u64 {
    number / 10 * 10 + (number % 10 + 1) % 10
}

/// The first `count` numbers in an order that looks like no order.
pub fn issue(count: usize) -> Vec<u64> {
    // 387,421 shares no factor with a million, so that a block is walked through once, whole.
    const STRIDE: u64 = 387_421;
    const BLOCK: u64 = 1_000_000;
    (0_u64..)
        .map(|k| (999 - k / BLOCK) * BLOCK + (k % BLOCK) * STRIDE % BLOCK)
        .filter_map(|prefix| Some(prefix * 10 + check_digit(prefix)?))
        .filter(|number| is_somebody(*number))
        .take(count)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_the_brief() {
        assert_eq!(check_digit(943_476_591), Some(9));
        assert_eq!(check_digit(943_476_587), Some(0));
        assert_eq!(check_digit(401_023_213), Some(7));
        assert_eq!(check_digit(400_000_008), None);
        assert!(
            is_somebody(9_434_765_919) && is_somebody(9_434_765_870) && is_somebody(4_010_232_137)
        );
        assert!(!is_somebody(4_010_232_138));
    }

    #[test]
    fn trap_16_numbers_of_nobody() {
        for digit in 0..10 {
            let nobody = digit * 1_111_111_111;
            assert_eq!(
                check_digit(nobody / 10),
                Some(nobody % 10),
                "passes modulus 11"
            );
            assert!(!is_somebody(nobody), "but is nobody");
        }
    }

    #[test]
    fn issued_numbers_are_valid_unique_and_of_the_test_range() {
        let numbers = issue(20_000);
        assert!(
            numbers
                .iter()
                .all(|n| is_somebody(*n) && n / 10_000_000 == 999)
        );
        assert!(numbers.iter().all(|n| !is_somebody(broken(*n))));
        let distinct: std::collections::HashSet<_> = numbers.iter().collect();
        assert_eq!(distinct.len(), numbers.len());
    }
}
