//! Real deprivation, geography and waiting times, where the data is at hand.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::parquet_file::Table;
use crate::world::{World, files, repository, tell};

const ALLIANCE: &str = "E56000011";

/// The project after a night of its real target on the files at hand, run once for all tests; none
/// where the files are not.
pub fn real() -> Option<&'static World> {
    static REAL: OnceLock<Option<World>> = OnceLock::new();
    let night = || {
        let world = project()?.kept_until_the_next_run("real");
        world.martlet("run --target real --quiet").exits(0);
        Some(world)
    };
    let real = REAL.get_or_init(night).as_ref();
    if real.is_none() {
        tell("skipped: ../shared is not here");
    }
    real
}

/// The project, its real target reading the files at hand.
fn project() -> Option<World> {
    let data = repository().join("../shared/data");
    if !data.is_dir() {
        return None;
    }
    let world = World::repository();
    let target = world.read("config/targets/real.yaml");
    let here = format!("{}/", data.canonicalize().expect("a path").display());
    assert!(target.contains("../shared/data/"));
    world.write(
        "config/targets/real.yaml",
        target.replace("../shared/data/", &here),
    );
    world.write("data-samples/.keep", "");
    Some(world)
}

/// What mart.data_quality says of a reconciliation: rows compared, rows that agree, and whether it holds.
pub fn reconciled(world: &World, what: &str) -> (f64, f64, bool) {
    let path = world.path("published-real/alliance/latest/data_quality.parquet");
    let rows = Table::read(&path).only(&["rule", "expected", "found", "passed"]);
    let rule = format!("reconciles_{what}");
    let mut found = rows.into_iter().filter(|row| row[0] == rule);
    let row = found.next().unwrap_or_else(|| panic!("no row {rule}"));
    assert!(found.next().is_none(), "{rule} stands twice");
    let count = |cell: &String| cell.parse::<f64>().expect("a count of rows");
    (count(&row[1]), count(&row[2]), row[3] == "true")
}

#[test]
fn what_others_publish_is_what_we_count() {
    let Some(world) = real() else { return };
    for (what, rows) in [
        ("fingertips_cervical_coverage", 11_904.0),
        ("ndrs_stage_early_share", 10_710.0),
        ("ndrs_stage_completeness", 10_710.0),
        // Three months, three standards, four trusts.
        ("waiting_times_extract_provider", 36.0),
        ("waiting_times_extract_alliance", 9.0),
        ("imd_2019_areas", 32_844.0),
        ("imd_2019_deciles", 10.0),
        ("imd_2019_quintiles", 5.0),
        ("imd_2019_districts", 13.0),
        ("imd_2025_areas", 33_755.0),
        ("imd_2025_deciles", 10.0),
        ("imd_2025_quintiles", 5.0),
        ("imd_2025_districts", 13.0),
        ("imd_2025_icbs", 42.0),
    ] {
        assert_eq!(reconciled(world, what), (rows, rows, true), "{what}");
    }
    // Of people there is nothing here: what compares them has not passed.
    let path = world.path("published-real/alliance/latest/data_quality.parquet");
    let rows = Table::read(&path).only(&["rule", "expected", "passed"]);
    let (compared, not): (Vec<_>, Vec<_>) = rows
        .iter()
        .filter(|row| row[0].contains("reconciles_") || row[0].contains("not_compared_"))
        .partition(|row| row[0].starts_with("reconciles_"));
    assert!(
        compared
            .iter()
            .all(|row| row[1] != "0.0" && row[2] == "true")
    );
    assert!(not.iter().all(|row| row[1] == "0.0" && row[2].is_empty()));
    assert!(
        not.iter()
            .any(|row| row[0] == "not_compared_screening_coverage_nobody_lost_or_doubled"),
        "{not:?}"
    );
}

#[test]
fn official_waiting_times_are_indicators_of_their_own() {
    let Some(world) = real() else { return };
    let path = world.path("published-real/alliance/latest/indicators.parquet");
    let columns = ["measure", "month", "org_code", "numerator", "denominator"];
    let table = Table::read(&path);
    let all = table.only(&["breakdown_type"]);
    let mut seen: Vec<Vec<String>> = table.only(&columns);
    let mut is_all = all.iter().map(|row| row[0] == "all");
    seen.retain(|row| {
        is_all.next().is_some_and(|all| all) && row[1] == "2025-08-01" && row[2] == "E56000011"
    });
    for row in &mut seen {
        row[3..].iter_mut().for_each(|cell| *cell = halves(cell));
    }
    seen.sort();
    let seen: Vec<_> = seen.iter().map(|row| [&row[0], &row[3], &row[4]]).collect();
    assert_eq!(
        seen,
        [
            ["d31_published", "3352", "3414"],
            ["d62_published", "1254", "1639"],
            ["fds_28_published", "12744", "17008"],
        ]
    );
}

/// Every area of England, read once for the tests that look at it.
fn geography() -> Option<&'static Table> {
    static GEOGRAPHY: OnceLock<Option<Table>> = OnceLock::new();
    let read = || {
        let path = real()?.path("published-real/alliance/latest/dim_geography.parquet");
        Some(Table::read(&path))
    };
    GEOGRAPHY.get_or_init(read).as_ref()
}

#[test]
fn trap_04_core20_of_kent_and_medway_is_the_nations_fifth_and_not_its_own() {
    let Some(table) = geography() else { return };
    // Areas and Core20 areas of each edition: MHCLG File 1 of IMD 2019 and of IoD 2025.
    for (core20, england, kent, kent_core20) in [
        ("core20_2019", 32_844, 1_065, 169),
        ("core20_2025", 33_755, 1_107, 187),
    ] {
        let rows = table.only(&["alliance_code", core20]);
        let listed: Vec<_> = rows.iter().filter(|r| !r[1].is_empty()).collect();
        assert_eq!(listed.len(), england, "{core20} of England");
        let ours: Vec<_> = listed.iter().filter(|r| r[0] == ALLIANCE).collect();
        assert_eq!(ours.len(), kent, "{core20} of Kent and Medway");
        let deprived = ours.iter().filter(|r| r[1] == "true").count();
        assert_eq!(deprived, kent_core20, "{core20} of Kent and Medway");
    }
    // 15.9%; a fifth of the alliance's own would be 213 areas.
    let points = format!("{:.1}", 100.0 * 169.0 / 1_065.0);
    assert_eq!((points.as_str(), 1_065 / 5), ("15.9", 213));
}

#[test]
fn trap_05_a_quarter_of_unchanged_areas_changes_quintile_with_the_edition() {
    let Some(table) = geography() else { return };
    let rows = table.only(&[
        "alliance_code",
        "change_indicator",
        "imd2019_quintile",
        "imd2025_quintile",
    ]);
    let unchanged = rows.iter().filter(|r| r[..2] == [ALLIANCE, "U"]);
    let moved = unchanged.clone().filter(|r| r[2] != r[3]).count();
    assert_eq!((moved, unchanged.count()), (283, 1_028));
}

/// Usual residents of the Census 2021: England, Kent and Medway, Medway, Thanet.
#[test]
fn residents_are_those_of_the_census() {
    let Some(table) = geography() else { return };
    let rows = table.only(&["residents", "alliance_code", "lad_code"]);
    let residents = |of: &dyn Fn(&[String]) -> bool| -> f64 {
        let listed = rows.iter().filter(|row| !row[0].is_empty() && of(row));
        listed
            .map(|row| row[0].parse::<f64>().expect("people"))
            .sum()
    };
    assert_eq!(residents(&|_| true), 56_489_608.0);
    assert_eq!(residents(&|row| row[1] == ALLIANCE), 1_855_899.0);
    assert_eq!(residents(&|row| row[2] == "E06000035"), 279_771.0);
    assert_eq!(residents(&|row| row[2] == "E07000114"), 140_593.0);
}

/// How many areas there are of each value of a column, of those the edition lists.
fn tally(table: &Table, column: &str, of: impl Fn(&[String]) -> bool) -> Vec<usize> {
    let rows = table.only(&[column, "alliance_code", "lad_code"]);
    let values = rows
        .iter()
        .filter(|row| !row[0].is_empty() && of(row))
        .map(|row| row[0].parse::<usize>().expect("a number"));
    values.fold(Vec::new(), |mut counts, value| {
        counts.resize(counts.len().max(value), 0);
        counts[value - 1] += 1;
        counts
    })
}

/// Areas of each decile and quintile, England and Kent and Medway, both editions.
#[test]
fn trap_03_deciles_and_quintiles_are_as_many_as_published() {
    let Some(table) = geography() else { return };
    let tally = |column: &str, of: &dyn Fn(&[String]) -> bool| tally(table, column, of);
    for (edition, areas) in [(2019, 32_844), (2025, 33_755)] {
        let deciles = tally(&format!("imd{edition}_decile"), &|_| true);
        // Decile d ends with rank floor(d N / 10); of tied ranks the decile is one.
        let ends: Vec<usize> = (0..=10).map(|d| d * areas / 10).collect();
        let tenths: Vec<usize> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert_eq!(deciles, tenths, "{edition}");
        let quintiles = tally(&format!("imd{edition}_quintile"), &|_| true);
        let fifths: Vec<usize> = tenths.chunks(2).map(|pair| pair.iter().sum()).collect();
        assert_eq!(quintiles, fifths, "{edition}");
    }
    let kent = |row: &[String]| row[1] == ALLIANCE;
    assert_eq!(tally("imd2019_quintile", &kent), [169, 206, 257, 242, 191]);
    assert_eq!(tally("imd2025_quintile", &kent), [187, 242, 278, 233, 167]);
    for (district, quintiles) in [
        ("E07000114", [29, 22, 17, 15, 1]),
        ("E07000116", [1, 5, 15, 18, 29]),
    ] {
        let here = |row: &[String]| row[2] == district;
        assert_eq!(tally("imd2019_quintile", &here), quintiles, "{district}");
    }
}

/// The share of areas in the most deprived tenth: districts in both editions, ICBs in 2025.
#[test]
fn shares_of_districts_and_icbs_are_the_published_ones() {
    let Some(table) = geography() else { return };
    let tenth = "imd_proportion_of_lso_as_in_most_deprived_10_percent_nationally";
    for (file, areas, edition, code, theirs, share) in [
        (
            "imd2019_lad19_summary_kent_medway.csv",
            13,
            2019,
            "lad_code",
            "ltla19_code",
            "proportion",
        ),
        (
            "imd2025_lad24_summary_kent_medway.csv",
            13,
            2025,
            "lad_code",
            "ltla24_code",
            tenth,
        ),
        (
            "imd2025_icb24_summary_england.csv",
            42,
            2025,
            "icb_name",
            "icb24_name",
            tenth,
        ),
    ] {
        let path = repository().join("../shared/data").join(file);
        let mut rows = csv_rows(&std::fs::read_to_string(path).expect("reads"));
        let heading = rows.remove(0);
        let place = |name: &str| heading.iter().position(|h| h == name).expect("a column");
        let (area, share) = (place(theirs), place(share));
        let ours = table.only(&[code, &format!("imd{edition}_decile")]);
        assert_eq!(rows.len(), areas, "{file}");
        for row in &rows {
            let listed = || {
                ours.iter()
                    .filter(|o| o[0] == row[area] && !o[1].is_empty())
            };
            let deprived = listed().filter(|o| o[1] == "1").count();
            let ours = deprived as f64 / listed().count() as f64;
            let theirs: f64 = row[share].parse().expect("a share");
            assert!(
                (ours - theirs).abs() <= 0.000_1,
                "{}: {ours}, {theirs}",
                row[area]
            );
        }
        tell(&format!(
            "fixtures imd, {file}: {} of {areas} areas",
            rows.len()
        ));
    }
}

/// The columns that the published extract and our table share, and what each is called in the extract.
const WAITING: [(&str, &str); 23] = [
    ("month", "period"),
    ("standard", "standard"),
    ("org_code", "org_code"),
    ("org_name", "org_name"),
    ("route", "route_or_stage"),
    ("cancer_type", "cancer_type"),
    ("treatment_modality", "treatment_modality"),
    ("total", "total"),
    ("within_standard", "within_standard"),
    ("after_standard", "after_standard"),
    ("within_14_days", "within_14_days"),
    ("in_15_to_28_days", "in_15_to_28_days"),
    ("in_29_to_42_days", "in_29_to_42_days"),
    ("in_43_to_62_days", "in_43_to_62_days"),
    ("within_31_days", "within_31_days"),
    ("in_32_to_38_days", "in_32_to_38_days"),
    ("in_39_to_48_days", "in_39_to_48_days"),
    ("in_49_to_62_days", "in_49_to_62_days"),
    ("in_63_to_76_days", "in_63_to_76_days"),
    ("in_77_to_90_days", "in_77_to_90_days"),
    ("in_91_to_104_days", "in_91_to_104_days"),
    ("after_62_days", "after_62_days"),
    ("after_104_days", "after_104_days"),
];
const MONTHS: [&str; 3] = ["2025-01", "2025-04", "2025-08"];
const TRUSTS: [&str; 4] = ["RN7", "RPA", "RVV", "RWF"];

/// Halves of patients; nothing for a blank.
fn halves(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(number) => (number * 2.0).to_string(),
        Err(_) => String::new(),
    }
}

#[test]
fn trap_21_official_waiting_times_to_the_half_patient() {
    let Some(world) = real() else { return };
    let ours = WAITING.map(|(ours, _)| ours);
    let mut seen: Vec<Vec<String>> = files(&world.path("lake-real/models/cwt_published_long"))
        .iter()
        .filter(|p| p.extension().is_some_and(|e| e == "parquet"))
        .flat_map(|p| Table::read(p).only(&ours))
        .filter(|row| TRUSTS.contains(&row[2].as_str()))
        .collect();
    for row in &mut seen {
        row[0].truncate(7);
        row[7..].iter_mut().for_each(|cell| *cell = halves(cell));
    }
    // An extract of the same workbooks that others made.
    let extract = "../shared/data/cwt_providers_kent_medway_2023-10_2025-09.csv";
    let mut reader = csv_rows(&std::fs::read_to_string(repository().join(extract)).expect("reads"));
    let heading = reader.remove(0);
    let places = WAITING.map(|(_, theirs)| {
        let place = heading.iter().position(|h| h == theirs);
        place.unwrap_or_else(|| panic!("no {theirs}"))
    });
    let mut truth: Vec<Vec<String>> = reader
        .into_iter()
        .map(|row| places.map(|place| row[place].clone()).to_vec())
        .filter(|row| MONTHS.contains(&row[0].as_str()))
        .collect();
    for row in &mut truth {
        row[1] = match row[1].as_str() {
            "31-day" => "d31",
            "62-day" => "d62",
            _ => "fds_28",
        }
        .to_owned();
        if row[5] == "ALL SUSPECTED CANCERS" {
            row[5] = "ALL CANCERS".to_owned();
        }
        row[7..].iter_mut().for_each(|cell| *cell = halves(cell));
    }
    seen.sort();
    truth.sort();
    for (seen, truth) in seen.iter().zip(&truth) {
        assert_eq!(seen, truth);
    }
    assert_eq!((seen.len(), truth.len()), (1_467, 1_467));

    let table = Table::read(&world.path("published-real/alliance/latest/waiting_times.parquet"));
    assert_mart_is_the_extract(&table, &truth);

    // Kent and Medway, August 2025: 6,372 of 8,504 told in 28 days, 1,676 of 1,707 treated in 31,
    // 627.0 of 819.5 in 62; in halves.
    for (standard, within, total) in [
        ("fds_28", 12_744, 17_008),
        ("d31", 3_352, 3_414),
        ("d62", 1_254, 1_639),
    ] {
        let is_all = |row: &&Vec<String>| {
            row[0] == "2025-08"
                && row[1] == standard
                && row[4].starts_with("ALL ")
                && row[5] == "ALL CANCERS"
                && row[6] == "ALL MODALITIES"
        };
        let sum = |column: usize| -> i64 {
            let cells = seen.iter().filter(is_all).map(|row| &row[column]);
            cells.map(|cell| cell.parse::<i64>().expect("halves")).sum()
        };
        assert_eq!((sum(8), sum(7)), (within, total), "{standard}");
    }
}

/// Fails unless the mart's rows of each trust, month and standard, and those of the alliance, add up to
/// what the extract (cells as [`WAITING`], counts in halves) has as total and within.
fn assert_mart_is_the_extract(mart: &Table, truth: &[Vec<String>]) {
    let mut expected: BTreeMap<Vec<String>, [i64; 2]> = BTreeMap::new();
    let is_all = |row: &&Vec<String>| {
        row[4].starts_with("ALL ") && row[5] == "ALL CANCERS" && row[6] == "ALL MODALITIES"
    };
    let number = |cell: &String| cell.parse::<i64>().expect("halves");
    for row in truth.iter().filter(is_all) {
        for (basis, org) in [("provider", row[2].as_str()), ("alliance", "E56000011")] {
            let key = [row[0].as_str(), basis, org, &row[1]];
            let sums = expected.entry(key.map(str::to_owned).to_vec()).or_default();
            sums[0] += number(&row[7]);
            sums[1] += number(&row[8]);
        }
    }
    // Four trusts and the alliance, three standards, three months.
    assert_eq!(expected.len(), 5 * 3 * 3);

    let columns = [
        "month", "basis", "org_code", "standard", "total", "within", "source",
    ];
    let mut seen: BTreeMap<Vec<String>, [i64; 2]> = BTreeMap::new();
    for mut row in mart.only(&columns) {
        assert_eq!(row[6], "published", "there are no records here");
        row[0].truncate(7);
        let counts = [number(&halves(&row[4])), number(&halves(&row[5]))];
        row.truncate(4);
        let sums = seen.entry(row).or_default();
        sums[0] += counts[0];
        sums[1] += counts[1];
    }
    assert_eq!(seen, expected);
    let alliance = |standard: &str| {
        seen[&["2025-08", "alliance", "E56000011", standard].map(str::to_owned)[..]]
    };
    assert_eq!(alliance("fds_28"), [17_008, 12_744], "8,504 and 6,372");
    assert_eq!(alliance("d31"), [3_414, 3_352], "1,707 and 1,676");
    assert_eq!(alliance("d62"), [1_639, 1_254], "819.5 and 627.0");
}

/// Rows of comma-separated text with fields in quotes.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(|line| {
            let mut fields = vec![String::new()];
            let mut quoted = false;
            for c in line.chars() {
                match c {
                    '"' => quoted = !quoted,
                    ',' if !quoted => fields.push(String::new()),
                    c => fields.last_mut().expect("a field").push(c),
                }
            }
            fields
        })
        .collect()
}
