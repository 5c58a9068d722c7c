//! Early diagnosis, from the registry's file to the rate that readers see.

use std::collections::BTreeMap;

use crate::night;
use crate::parquet_file::Table;
use crate::world::World;

/// A valid NHS number that was never issued.
const PERSON: &str = "9993874213";

/// Kent and Medway, bowel, 2022, as NDRS has it, said of 2025; and some that cannot be staged, which must
/// not change the shares.
const BOWEL: [(&str, usize); 6] = [
    ("1", 203),
    ("2B", 285),
    ("3C", 307),
    ("4", 218),
    ("", 421),
    ("U", 37),
];

#[test]
fn trap_22_stage_denominator_of_kent_and_medway_bowel_2022() {
    let world = World::repository();
    world
        .martlet("sample --people 60 --months 2 --out data-samples")
        .exits(0);
    world
        .remove("data-samples/tumours")
        .remove("data-samples/manifest.csv");
    let mut tumours =
        "nhs_number,tumour_key,diagnosis_date,icd10,stage,route,trust_code\n".to_owned();
    let mut key = 0;
    for (stage, count) in BOWEL {
        for _ in 0..count {
            key += 1;
            let day = 1 + key % 28;
            tumours += &format!("{PERSON},T{key},2025-06-{day:02},C180,{stage},gp_referral,RVV\n");
        }
    }
    world.write("data-samples/tumours/tumours_2026-03.csv", tumours);
    world.martlet("run --quiet early_diagnosis").exits(0);

    let table = Table::read(&world.path("published/alliance/latest/early_diagnosis.parquet"));
    let rows = table.only(&[
        "month",
        "org_type",
        "org_code",
        "imd_edition",
        "provisional",
        "stage_1_2",
        "staged",
        "missing_stage",
        "unstageable",
        "stage_1_2_pct",
        "completeness_pct",
    ]);
    let year: Vec<_> = rows
        .iter()
        .filter(|row| row[0] == "2026-03-01" && row[1] == "trust" && row[3] == "2025")
        .collect();
    assert_eq!(year.len(), 1, "{year:?}");
    assert_eq!(
        year[0][4..9],
        ["true", "488.0", "1013.0", "421.0", "37.0"].map(str::to_owned)
    );
    let points = |text: &str| format!("{:.2}", 100.0 * text.parse::<f64>().expect("a rate"));
    assert_eq!(points(&year[0][9]), "48.17", "not 488 of 1,434, 34.03");
    assert_eq!(points(&year[0][10]), "70.64");
    assert!(
        rows.iter()
            .all(|row| (row[0] == "2026-03-01") == (row[4] == "true"))
    );
}

/// A place of the sample in each quintile of the IMD 2025, all in Medway, each with 20,000 residents while
/// nobody lives anywhere else; and how many cancers are found there, and how many of them in an emergency.
const PLACES: [(&str, usize, usize); 5] = [
    ("E01900001", 12, 10),
    ("E01900002", 9, 4),
    ("E01900015", 8, 0),
    ("E01900014", 6, 0),
    ("E01900008", 3, 0),
];

/// The lists of places and their people, and one place more, in another alliance.
fn settle(world: &World) {
    let census = world.read("data-samples/reference/resident_population.csv");
    let mut lines = census.lines();
    let mut text = format!("{}\n", lines.next().expect("a header"));
    for code in lines.filter_map(|line| line.split(',').next()) {
        let settled = PLACES.iter().any(|(place, ..)| *place == code);
        let people = if settled { 20_000 } else { 0 };
        text += &format!("{code},,{people},0,0,0,0,{people},0\n");
    }
    text += "E01999999,,500,0,0,0,0,500,0\n";
    world.write("data-samples/reference/resident_population.csv", text);
    for (list, row) in [
        ("imd_2025", "E01999999,Elsewhere,E09000004,Elsewhere,1,1"),
        (
            "lsoa21_areas",
            "E01999999,Elsewhere,,,E09000004,Elsewhere,,,,,72Q,,,QKK,,E56000010,Elsewhere",
        ),
    ] {
        let path = format!("data-samples/reference/{list}.csv");
        let text = world.read(&path);
        world.write(&path, format!("{}\n{row}\n", text.trim_end()));
    }
}

/// Everybody has one cancer. One person's only code is of 2011 and was split between quintiles, two have no
/// address, and one lives in another alliance.
fn fall_ill(world: &World) {
    let sample = world.read("data-samples/people/people_2026-03.csv");
    let (header, rows) = sample.split_once('\n').expect("a header");
    let mut numbers: Vec<&str> = rows.lines().map(|l| &l[..10]).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let mut people = format!("{header}\n");
    let mut tumours =
        "nhs_number,tumour_key,diagnosis_date,icd10,stage,route,trust_code\n".to_owned();
    let mut numbers = numbers.into_iter().enumerate();
    let mut one = |lsoa11: &str, lsoa21: &str, emergency: bool| {
        let (key, number) = numbers.next().expect("a number");
        let route = if emergency {
            "emergency_presentation"
        } else {
            "gp_referral"
        };
        people += &format!(
            "{number},1950-01-01,,F,A,{lsoa11},{lsoa21},Z99001,2000-01-01,,N,N,N,never,N,N\n"
        );
        tumours += &format!("{number},T{key},2025-06-15,C180,2,{route},RVV\n");
    };
    for (place, cancers, emergencies) in PLACES {
        (0..cancers).for_each(|i| one(place, place, i < emergencies));
    }
    one("E01900019", "", true);
    one("", "", true);
    one("", "", false);
    one("", "E01999999", true);
    world
        .remove("data-samples/people")
        .remove("data-samples/tumours")
        .remove("data-samples/manifest.csv")
        .write("data-samples/people/people_2026-03.csv", people)
        .write("data-samples/tumours/tumours_2026-03.csv", tumours);
}

/// Fails unless a cell holds a number, to nine digits, or nothing where there is none.
#[track_caller]
fn near(text: &str, expected: f64) {
    match text.parse::<f64>() {
        Ok(got) => assert!(
            (got - expected).abs() <= 1e-9 * expected.abs(),
            "{got} is not {expected}"
        ),
        Err(_) => assert!(
            text.is_empty() && !expected.is_finite(),
            "`{text}` is not {expected}"
        ),
    }
}

/// Limits by the formulas, worked out with paper and tables. Of 12 events Byar's: 12 (1 - 1/108 -
/// 1.96/(3 sqrt 12))^3 = 6.1935 and 13 (1 - 1/117 + 1.96/(3 sqrt 13))^3 = 20.9629. Below 10 half of
/// chi-squared: of 9 events 8.2307/2 (18 degrees of freedom, 0.025) and 34.1696/2 (20, 0.975).
#[test]
fn rates_per_100_000_are_those_worked_out_by_hand() {
    let world = World::repository();
    world
        .martlet("sample --people 200 --months 2 --out data-samples")
        .exits(0);
    // Only what the two indicators are made of.
    for pipeline in [
        "data_quality",
        "hpv",
        "liver_surveillance",
        "lower_gi",
        "lung_health_checks",
        "personalised_care",
        "primary_care",
        "published",
        "screening",
        "waiting_times",
    ] {
        world.remove(&format!("pipelines/{pipeline}.yaml"));
    }
    settle(&world);
    fall_ill(&world);
    world.martlet("run --quiet indicators").exits(0);

    let month = "2026-03-01";
    let latest = |mart: &str, columns: &[&str]| -> Vec<Vec<String>> {
        Table::read(&world.path(format!("published/alliance/latest/{mart}.parquet"))).only(columns)
    };
    let rows = latest(
        "indicators",
        &[
            "measure",
            "month",
            "org_type",
            "org_code",
            "breakdown_value",
            "unit",
            "numerator",
            "denominator",
            "target",
            "imd_edition",
            "value",
            "lower",
            "upper",
        ],
    );
    let (cancers, emergencies) = ("cancers_per_100_000", "emergency_presentations_per_100_000");
    for (measure, org, quintile, counts, limits) in [
        (
            cancers,
            "alliance E56000011",
            "1",
            "12.0 20000.0",
            [60.0, 30.967_549_215_395_14, 104.814_290_268_083_5],
        ),
        (
            cancers,
            "alliance E56000011",
            "2",
            "9.0 20000.0",
            [45.0, 20.576_865_486_891_638, 85.424_017_257_095_84],
        ),
        (
            emergencies,
            "alliance E56000011",
            "1",
            "10.0 20000.0",
            [50.0, 23.937_249_569_837_814, 91.957_293_028_782_37],
        ),
        (
            emergencies,
            "alliance E56000011",
            "2",
            "4.0 20000.0",
            [20.0, 5.449_326_868_131_621, 51.207_943_377_018_48],
        ),
        // Of no event the upper limit is -ln(0.025).
        (
            emergencies,
            "alliance E56000011",
            "3",
            "0.0 20000.0",
            [0.0, 0.0, 18.444_397_270_569_677],
        ),
        // 38 in the quintiles, and one whose own is not known.
        (
            cancers,
            "alliance E56000011",
            "all",
            "39.0 100000.0",
            [39.0, 27.729_473_762_900_657, 53.315_742_338_569_16],
        ),
        (
            cancers,
            "sub_icb 91Q",
            "all",
            "39.0 100000.0",
            [39.0, 27.729_473_762_900_657, 53.315_742_338_569_16],
        ),
        (
            cancers,
            "lad E06000035",
            "all",
            "39.0 100000.0",
            [39.0, 27.729_473_762_900_657, 53.315_742_338_569_16],
        ),
        // Shown, and of no population.
        (cancers, "alliance E56000011", "0", "1.0 0.0", [f64::NAN; 3]),
        (cancers, "alliance UNKNOWN", "0", "2.0 0.0", [f64::NAN; 3]),
        (emergencies, "lad UNKNOWN", "all", "1.0 0.0", [f64::NAN; 3]),
    ] {
        let what = format!("{measure} {month} {org} {quintile} per_100_000 {counts} ");
        let mut found = rows.iter().filter(|r| r[..9].join(" ") == what);
        let row = found.next().unwrap_or_else(|| panic!("no row {what}"));
        assert!(found.next().is_none(), "{what}");
        for (text, limit) in row[10..].iter().zip(limits) {
            near(text, limit);
        }
    }
    let ours = rows.iter().filter(|r| r[5] == "per_100_000");
    assert!(ours.clone().all(|r| r[3] != "E56000010" && r[9] != "2019"));
    // A month without a cancer has its residents.
    let before = ours.filter(|r| r[1..5].join(" ") == "2025-05-01 alliance E56000011 1");
    let before: Vec<_> = before.map(|r| r[6..8].join(" ")).collect();
    assert_eq!(before, ["0.0 20000.0"; 2]);

    // 60, 45, 40, 30 and 15 of equally many: the line falls by 21 / 0.4 about a mean of 38.
    let gaps = latest(
        "inequality",
        &[
            "measure",
            "month",
            "org_type",
            "imd_edition",
            "unit",
            "unknown_share",
            "gap",
            "gap_lower",
            "gap_upper",
            "ratio",
            "ratio_lower",
            "ratio_upper",
            "sii",
            "rii",
        ],
    );
    let mut found = gaps
        .iter()
        .filter(|r| r[..3] == [cancers, month, "sub_icb"]);
    let gap = found.next().expect("a gap");
    assert_eq!(gap[3..5], ["2025", "per_100_000"]);
    for (text, expected) in gap[5..].iter().zip([
        1.0 / 39.0,
        45.0,
        4.080_332_783_795_995_5,
        91.369_048_660_598_03,
        4.0,
        1.128_786_372_849_430_5,
        14.174_515_554_799_536,
        52.5,
        64.25 / 11.75,
    ]) {
        near(text, expected);
    }
    // Of twelve months that share eleven with the next nobody can tell what is noise.
    assert_eq!(latest("control_chart", &["measure"]), [[""; 0]; 0]);
}

/// The sample's truth has every tumour where its person lives, and its lists who lives where.
#[test]
fn rates_of_the_sample_are_those_of_its_truth_and_its_census() {
    let world = &night::shared().world;
    let lines = |path: &str| -> Vec<Vec<String>> {
        let text = world.read(path);
        let rows = text.lines().skip(1);
        rows.map(|l| l.split(',').map(str::to_owned).collect())
            .collect()
    };
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let quintile: BTreeMap<String, String> = lines("data-samples/truth/geography.csv")
        .into_iter()
        .map(|row| (row[0].clone(), row[4].clone()))
        .collect();
    let mut residents: BTreeMap<String, f64> = BTreeMap::new();
    for row in lines("data-samples/reference/resident_population.csv") {
        *residents.entry(quintile[&row[0]].clone()).or_default() += number(&row[2]);
    }
    // Month and quintile: cancers, emergencies.
    let mut expected: BTreeMap<(String, String), (f64, f64)> = BTreeMap::new();
    for row in lines("data-samples/truth/early_diagnosis.csv") {
        if row[1..3] == ["alliance", "E56000011"] && row[4] == "2025" {
            let counts = expected
                .entry((row[0].clone(), row[5].clone()))
                .or_default();
            counts.0 += number(&row[10]) + number(&row[11]);
            counts.1 += number(&row[12]);
        }
    }
    let table = Table::read(&world.path("published/alliance/latest/indicators.parquet"));
    let rows = table.only(&[
        "measure",
        "org_code",
        "breakdown_type",
        "month",
        "breakdown_value",
        "numerator",
        "denominator",
        "value",
    ]);
    let mut compared = 0;
    for row in rows
        .iter()
        .filter(|r| r[1..3] == ["E56000011", "imd_quintile"])
    {
        let counts = expected
            .get(&(row[3].clone(), row[4].clone()))
            .copied()
            .unwrap_or_default();
        let events = match row[0].as_str() {
            "cancers_per_100_000" => counts.0,
            "emergency_presentations_per_100_000" => counts.1,
            _ => continue,
        };
        let people = residents.get(&row[4]).copied().unwrap_or_default();
        assert_eq!(
            (number(&row[5]), number(&row[6])),
            (events, people),
            "{row:?}"
        );
        near(&row[7], events / people * 1e5);
        compared += 1;
    }
    assert!(compared >= 2 * 12 * 5, "{compared} rows");
}
