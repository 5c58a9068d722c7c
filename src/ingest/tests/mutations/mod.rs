//! Good files, damaged in every way a wire, a disk or a person damages them. The promises that
//! must hold are in [`crate::ingest::trial`], which the fuzz targets share.

mod edits;
mod seeds;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};

use crate::ingest::trial::{self, Fate, Trial};
use edits::{Edit, apply, edits};

/// Damaged files of each feed in `make test`: all of them together stay under half a minute of
/// work in a debug build. `MARTLET_MUTATIONS=10000` tries more.
const MUTATIONS: u32 = 200;

/// Where the fuzzers start from: `MARTLET_SEEDS` names the folder that the good files go to.
fn keep(name: &str, seed: &Seed) {
    if let Some(folder) = std::env::var_os("MARTLET_SEEDS") {
        let folder = std::path::Path::new(&folder).join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("good"), &seed.bytes).expect("writes");
    }
}

fn mutations() -> u32 {
    std::env::var_os("MARTLET_MUTATIONS")
        .and_then(|n| n.to_str()?.parse().ok())
        .unwrap_or(MUTATIONS)
}

/// A packed file's part: its name and its bytes.
type Member = (String, Vec<u8>);
type Pack = fn(&[Member]) -> Vec<u8>;

/// A good file, and how it is put together again after its inside was damaged.
struct Seed {
    bytes: Vec<u8>,
    /// What is packed in it: damage to packed bytes alone is nearly always found by a checksum.
    members: Vec<Member>,
    pack: Pack,
}

impl Seed {
    fn damaged(&self, member: Option<usize>, edits: &[Edit]) -> Vec<u8> {
        match member.filter(|_| !self.members.is_empty()) {
            None => apply(&self.bytes, edits),
            Some(member) => {
                let mut members = self.members.clone();
                let at = member % members.len();
                members[at].1 = apply(&members[at].1, edits);
                (self.pack)(&members)
            }
        }
    }
}

/// Damages the feed's good file again and again, always in the same ways; what breaks a promise is
/// cut down to the fewest edits.
fn try_all(name: &str) {
    let feed = trial::of(name).expect("a feed");
    let seed = seeds::of(name);
    keep(name, &seed);
    let world = Trial::new(feed).expect("a trial");
    assert!(
        matches!(world.take(&seed.bytes), Ok(Fate::TakenIn(good)) if good >= 6),
        "the undamaged file: {:?}",
        world.take(&seed.bytes)
    );
    let config = Config {
        cases: mutations(),
        failure_persistence: None,
        max_shrink_iters: 400,
        ..Config::default()
    };
    let random = *blake3::hash(name.as_bytes()).as_bytes();
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &random);
    let damage = (proptest::option::of(proptest::num::usize::ANY), edits())
        .prop_map(|(member, edits)| (member, edits));
    let fates = std::cell::RefCell::new((0_u32, 0_u32));
    let tried = TestRunner::new_with_rng(config, random).run(&damage, |(member, edits)| {
        let fate = world
            .take(&seed.damaged(member, &edits))
            .map_err(TestCaseError::fail)?;
        let mut fates = fates.borrow_mut();
        match fate {
            Fate::TakenIn(_) => fates.0 += 1,
            Fate::Refused => fates.1 += 1,
        }
        Ok(())
    });
    let (taken_in, refused) = fates.into_inner();
    println!("{name}: {taken_in} taken in, {refused} refused");
    if let Err(error) = tried {
        panic!("{name}: {error}");
    }
    assert!(taken_in > 0, "all of it was refused");
}

macro_rules! feeds {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                try_all(stringify!($name));
            }
        )*

        #[test]
        fn every_feed_is_damaged() {
            assert_eq!(trial::FEEDS.map(|f| f.name), [$(stringify!($name)),*]);
        }
    };
}

feeds!(csv csv_utf_16 csv_detected csv_preamble csv_gzip fixed_width json_lines excel xls xlsb ods zip parquet);
