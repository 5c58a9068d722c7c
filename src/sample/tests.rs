//! Whole worlds: the same options give the same bytes, and no truth says the impossible.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::dates::add_months;
use super::*;

type Failed = Box<dyn std::error::Error>;

fn small(out: &Path) -> Options {
    Options {
        people: 400,
        months: 2,
        seed: 7,
        out: out.to_path_buf(),
        ..Options::default()
    }
}

fn read(out: &Path, path: &str) -> Result<Vec<BTreeMap<String, String>>, Failed> {
    let text = fs::read_to_string(out.join(path))?;
    let mut lines = text.lines();
    let heading: Vec<String> = lines
        .next()
        .unwrap_or_default()
        .split(',')
        .map(str::to_owned)
        .collect();
    Ok(lines
        .map(|line| {
            heading
                .iter()
                .cloned()
                .zip(line.split(',').map(str::to_owned))
                .collect()
        })
        .collect())
}

fn number(row: &BTreeMap<String, String>, column: &str) -> f64 {
    row.get(column)
        .and_then(|cell| cell.parse().ok())
        .unwrap_or(f64::NAN)
}

#[test]
fn the_same_options_give_the_same_bytes() -> Result<(), Failed> {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let first = write(&small(one.path()))?;
    let second = write(&small(two.path()))?;
    assert_eq!(first, second);
    for file in &first.files {
        assert!(
            fs::read(one.path().join(&file.path))? == fs::read(two.path().join(&file.path))?,
            "{}",
            file.path
        );
    }
    Ok(())
}

#[test]
fn another_seed_is_another_kent() -> Result<(), Failed> {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    write(&small(one.path()))?;
    write(&Options {
        seed: 8,
        ..small(two.path())
    })?;
    let path = "truth/screening_coverage.csv";
    assert!(fs::read(one.path().join(path))? != fs::read(two.path().join(path))?);
    Ok(())
}

#[test]
fn parts_never_exceed_their_whole() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    write(&Options {
        people: 1_500,
        months: 3,
        ..small(out.path())
    })?;
    let within: [(&str, &[(&str, &str)]); 6] = [
        (
            "truth/early_diagnosis.csv",
            &[
                ("stage_1_2", "staged"),
                ("staged", "stageable"),
                ("missing_stage", "stageable"),
                ("emergency", "first_presentations"),
            ],
        ),
        (
            "truth/fit_before_referral.csv",
            &[("patients_with_fit_21d", "patients_referred")],
        ),
        (
            "truth/screening_coverage.csv",
            &[
                ("covered", "eligible"),
                ("never_screened", "eligible"),
                ("invited_12m", "eligible"),
                ("adequately_screened_6m", "invited_12m"),
            ],
        ),
        (
            "truth/lung_health_checks.csv",
            &[
                ("accepted", "invited"),
                ("attended", "invited"),
                ("high_risk", "attended"),
                ("followed_up_3m", "scanned_baseline"),
                ("followed_up_12m", "scanned_baseline"),
                ("followed_up_24m", "scanned_baseline"),
                ("cancers_stage_1_2", "cancers"),
            ],
        ),
        (
            "truth/liver_surveillance.csv",
            &[
                ("invited_6m", "eligible"),
                ("scanned_6m", "eligible"),
                ("overdue", "eligible"),
                ("hcc_early", "hcc_diagnosed"),
            ],
        ),
        (
            "truth/personalised_care.csv",
            &[
                ("hna_offered", "diagnosed"),
                ("hna_completed", "hna_offered"),
                ("end_of_treatment_summary", "treatment_completed"),
                ("reviewed_12m", "diagnosed"),
            ],
        ),
    ];
    for (path, pairs) in within {
        let rows = read(out.path(), path)?;
        assert!(rows.len() > 20, "{path} has {} rows", rows.len());
        for (part, whole) in pairs {
            assert!(
                rows.iter()
                    .all(|row| number(row, part) <= number(row, whole)),
                "{path}: {part}"
            );
            let total: f64 = rows.iter().map(|row| number(row, part)).sum();
            assert!(total > 0.0, "{path}: nobody in {part}");
        }
    }
    Ok(())
}

#[test]
fn both_editions_count_the_same_people() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    write(&Options {
        people: 1_500,
        ..small(out.path())
    })?;
    for (path, base) in [
        ("truth/screening_coverage.csv", "eligible"),
        ("truth/lung_health_checks.csv", "invited"),
        ("truth/liver_surveillance.csv", "eligible"),
        ("truth/personalised_care.csv", "diagnosed"),
        ("truth/early_diagnosis.csv", "first_presentations"),
        ("truth/fit_before_referral.csv", "patients_referred"),
    ] {
        let rows = read(out.path(), path)?;
        let total = |edition: &str| -> f64 {
            rows.iter()
                .filter(|row| row.get("imd_edition").is_some_and(|e| e == edition))
                .map(|row| number(row, base))
                .sum()
        };
        assert!(
            total("2019") > 0.0 && total("2019") == total("2025"),
            "{path}"
        );
        let quintiles: std::collections::BTreeSet<_> = rows
            .iter()
            .filter_map(|row| row.get("imd_quintile"))
            .collect();
        assert_eq!(quintiles.len(), 6, "{path}: unknown and five quintiles");
    }
    Ok(())
}

/// The dashboard counts the people of the truth: what it has not heard of is the newest results, one in
/// 200, and it never shows a person too many.
#[test]
fn the_dashboard_shows_the_truth_but_for_late_results() -> Result<(), Failed> {
    for (seed, people, months) in [(1, 1_500, 6), (2, 1_500, 6), (3, 1_500, 6), (4, 12_000, 10)] {
        let out = tempfile::tempdir()?;
        let last = Options {
            seed,
            people,
            months,
            ..small(out.path())
        };
        write(&last)?;
        let mut truth: BTreeMap<[String; 3], [f64; 2]> = BTreeMap::new();
        for row in read(out.path(), "truth/screening_coverage.csv")? {
            if row["imd_edition"] == "2019" {
                let key = ["month", "cohort", "practice_code"].map(|name| row[name].clone());
                let sums = truth.entry(key).or_default();
                sums[0] += number(&row, "eligible");
                sums[1] += number(&row, "covered");
            }
        }
        let censuses: std::collections::BTreeSet<_> =
            truth.keys().map(|[month, ..]| month.clone()).collect();
        let newest = add_months(last.end, -1).to_string();
        let (mut compared, mut late, mut withheld) = (BTreeMap::new(), 0.0, 0);
        for row in read(out.path(), "truth/screening_published_current.csv")? {
            let cohort = format!("{}_{}", row["programme"], row["cohort_age_range"]);
            let cohort = cohort.to_lowercase().replace('-', "_");
            let practice = row["organisation_code"].clone();
            if practice == "Y59" || !censuses.contains(&row["month"]) {
                continue;
            }
            if row["numerator"].is_empty() {
                withheld += 1;
                continue;
            }
            let [eligible, covered] = truth[&[row["month"].clone(), cohort.clone(), practice]];
            let lacking = covered - number(&row, "numerator");
            let said = format!("seed {seed}, {covered} covered: {row:?}");
            assert!(number(&row, "denominator") == eligible, "{said}");
            assert!(
                (0.0..=(covered / 200.0).ceil()).contains(&lacking),
                "{said}"
            );
            // Of breast and cervical the last two months are still coming in; bowel is late anyway.
            let settled = !cohort.starts_with("bowel") && row["month"] < newest;
            assert!(!settled || lacking == 0.0, "{said}");
            late += lacking;
            *compared.entry(cohort).or_insert(0) += 1;
        }
        // Bowel is six months behind: a sample of six has none that it counts.
        let cohorts = if months > 6 { 5 } else { 3 };
        assert_eq!(compared.len(), cohorts, "seed {seed}: {compared:?}");
        assert!(compared.values().all(|rows| *rows > 30), "{compared:?}");
        assert!(
            late > 0.0 && withheld > 0,
            "seed {seed}: {late}, {withheld}"
        );
    }
    Ok(())
}

#[test]
fn a_month_is_revised_from_one_export_to_the_next() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    write(&Options {
        people: 12_000,
        months: 3,
        ..small(out.path())
    })?;
    // Every file has January 2026; each row of the month as text, cell by cell.
    let rows = |month: &str| -> Result<BTreeMap<String, u64>, Failed> {
        let path = format!("screening_published/screening_coverage_{month}.csv");
        let bytes = fs::read(out.path().join(path))?;
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let text = String::from_utf16(&units)?;
        let cells = text
            .lines()
            .map(|line| line.split('\t').collect::<Vec<_>>());
        Ok(cells
            .filter(|cells| cells.get(3) == Some(&"January 2026") && cells[0] != "Y59")
            .filter_map(|cells| {
                let screened = cells[8].replace(',', "").parse().ok()?;
                Some((format!("{} {} {}", cells[0], cells[2], cells[4]), screened))
            })
            .collect())
    };
    let (first, second, third) = (rows("2026-01")?, rows("2026-02")?, rows("2026-03")?);
    let sum = |rows: &BTreeMap<String, u64>| -> u64 { rows.values().sum() };
    assert!(sum(&first) < sum(&third));
    assert!(sum(&second) <= sum(&third));
    for (key, screened) in &first {
        assert!(
            second[key] >= *screened && third[key] >= second[key],
            "{key}"
        );
    }
    Ok(())
}

#[test]
fn only_one_trust_does_not_submit() -> Result<(), Failed> {
    for (seed, people) in [(1, 1_500), (2, 800), (3, 6_000)] {
        let out = tempfile::tempdir()?;
        write(&Options {
            seed,
            people,
            ..small(out.path())
        })?;
        let rows = read(out.path(), "truth/personalised_care_submitters.csv")?;
        let said: String = rows
            .iter()
            .filter_map(|row| row.get("submitter"))
            .map(|s| &s[..1])
            .collect();
        assert_eq!(said, "fttt", "seed {seed}: {rows:?}");
    }
    Ok(())
}

#[test]
fn options_out_of_range_are_refused() {
    let refused =
        |options: Options| write(&options).is_err_and(|e| e.kind() == io::ErrorKind::InvalidInput);
    assert!(refused(Options {
        people: 0,
        ..Options::default()
    }));
    assert!(refused(Options {
        months: 0,
        ..Options::default()
    }));
}

#[test]
fn one_submission_stands_for_each_provider_and_month() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    let summary = write(&small(out.path()))?;
    let rows = read(out.path(), "truth/submissions.csv")?;
    let text =
        |row: &BTreeMap<String, String>, column: &str| row.get(column).cloned().unwrap_or_default();
    let mut standing: BTreeMap<String, u32> = BTreeMap::new();
    for row in &rows {
        let of = match (text(row, "provider"), text(row, "period")) {
            // Where neither is in the name, each file is its own; programmes and searches are files too.
            (provider, _) if provider.is_empty() => text(row, "file"),
            (provider, period) => format!("{provider} {period}"),
        };
        let count = standing
            .entry(format!("{} {of}", text(row, "source")))
            .or_default();
        *count += u32::from(text(row, "status") == "accepted");
    }
    let provisional = |of: &str| of.ends_with("-PROVISIONAL.xlsx");
    for (of, count) in &standing {
        assert_eq!(*count, u32::from(!provisional(of)), "{of}");
    }
    let manifest = read(out.path(), "manifest.csv")?;
    let listed: std::collections::BTreeSet<_> =
        manifest.iter().map(|row| text(row, "file")).collect();
    for file in &summary.files {
        let feeds = !["reference/", "truth/", "manifest.csv", "pseudonym.key"]
            .iter()
            .any(|other| file.path.starts_with(other));
        assert_eq!(listed.contains(&file.path), feeds, "{}", file.path);
    }
    Ok(())
}

#[test]
fn a_draft_is_another_file_and_a_duplicate_the_same() -> Result<(), Failed> {
    let out = tempfile::tempdir()?;
    write(&Options {
        people: 1_500,
        ..small(out.path())
    })?;
    let same = |one: &str, two: &str| -> Result<bool, Failed> {
        Ok(fs::read(out.path().join(one))? == fs::read(out.path().join(two))?)
    };
    for (one, two, alike) in [
        (
            "cwt_records/cwt_RN7_2026-02.csv",
            "cwt_records/cwt_RN7_2026-02_v2.csv",
            false,
        ),
        (
            "cwt_records/cwt_RPA_2026-02.csv",
            "cwt_records/cwt_RPA_2026-02_v2.csv",
            false,
        ),
        (
            "cwt_records/cwt_RVV_2026-02.csv",
            "cwt_records/cwt_RVV_2026-02_v2.csv",
            false,
        ),
        (
            "cwt_records/cwt_RWF_2026-02_v2.csv",
            "cwt_records/cwt_RWF_2026-02_v3.csv",
            false,
        ),
        (
            "cwt_records/cwt_RVV_2026-03.csv",
            "cwt_records/cwt_RVV_2026-03_v2.csv",
            true,
        ),
    ] {
        assert_eq!(same(one, two)?, alike, "{one}");
    }
    let cancelled = read(out.path(), "reference/cancelled_submissions.csv")?;
    assert_eq!(cancelled.len(), 1);
    assert_eq!(
        cancelled[0].get("file").map(String::as_str),
        Some("cwt_records/cwt_RN7_2026-02_v2.csv")
    );
    Ok(())
}
