//! Whatever is done to a file, every row is staged, in quarantine, or the file is refused.

use super::*;
use proptest::prelude::*;

const GOOD: &str = "nhs_number,birth_date,sex,score\n9434765919,01/02/1950,F,1.5\n,18264,M,n/a\n\"943-476-5870\",02/02/1950,I,\"1000\"\n4010232137,29/02/2024,U,\n";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn rows_are_conserved_under_mutation(
        changes in prop::collection::vec((0_usize..400, any::<u8>(), 0_u8..3), 0..8)
    ) {
        let mut bytes = GOOD.as_bytes().to_vec();
        for (at, byte, what) in changes {
            let at = at % bytes.len().max(1);
            match what {
                0 if !bytes.is_empty() => bytes[at] = byte,
                1 if !bytes.is_empty() => { bytes.remove(at); }
                _ => bytes.insert(at, byte),
            }
        }
        let world = World::new(PEOPLE);
        match world.take_in("people.csv", &bytes) {
            Ok(intake) => {
                prop_assert_eq!(intake.received, intake.good + intake.quarantined);
                prop_assert_eq!(intake.staged.rows, intake.good);
                let mut lines: Vec<i64> = world.quarantine(&intake).iter().map(|r| r.line).collect();
                lines.dedup();
                prop_assert_eq!(lines.len() as u64, intake.quarantined);
            }
            Err(errors) => {
                for error in errors.iter() {
                    prop_assert!(error.code != Code::Bug && error.code != Code::Conservation);
                    prop_assert!(!words(error).contains("943476"));
                }
            }
        }
    }
}
