//! `cwt_published/MARCH-2026-CWT-CRS-PROVIDER-WORKBOOK-FINAL.xlsx`: the official statistics, in the shape
//! of the official workbook: a preamble, a blank column in front and one in the middle, headings that
//! stand twice, parts one below the other, and totals beside what they are totals of (traps 20 and 21).
//! 62-day pathways that two trusts share count half in each.

use std::io;

use rust_xlsxwriter::{Worksheet, XlsxError};

use super::csv::CsvFile;
use super::{Fed, new_workbook, write_whole};
use crate::sample::dates::first_of_month;
use crate::sample::dice::{Dice, Subject};
use crate::sample::submissions::{Status, Submission};
use crate::sample::truth::waiting_times::{self, Published};
use crate::sample::world::World;

/// Providers as the workbook names them, with their size in hundredths of the largest.
const PROVIDERS: [(&str, &str, i64); 5] = [
    ("RN7", "DARTFORD AND GRAVESHAM NHS TRUST", 24),
    (
        "RVV",
        "EAST KENT HOSPITALS UNIVERSITY NHS FOUNDATION TRUST",
        100,
    ),
    ("RWF", "MAIDSTONE AND TUNBRIDGE WELLS NHS TRUST", 46),
    ("RPA", "MEDWAY NHS FOUNDATION TRUST", 42),
    ("NZ9", "WEALD COMMUNITY DERMATOLOGY SERVICE", 2),
];
const ENGLAND: &str = "ALL ENGLISH PROVIDERS";
const SUSPECTED: [(&str, i64); 6] = [
    ("Missing or Invalid", 1),
    ("Suspected breast cancer", 60),
    ("Suspected lower gastrointestinal cancer", 75),
    ("Suspected lung cancer", 12),
    ("Suspected skin cancer", 90),
    (
        "Suspected urological malignancies (excluding testicular)",
        45,
    ),
];
const CANCERS: [(&str, i64); 7] = [
    ("Breast", 22),
    ("Gynaecological", 8),
    ("Haematological - Other (a)", 5),
    ("Lower Gastrointestinal", 14),
    ("Lung", 12),
    ("Skin", 24),
    ("Urological - Prostate", 26),
];
const MODALITIES: [&str; 4] = [
    "Anti-cancer drug regimen",
    "Other",
    "Radiotherapy",
    "Surgery",
];
const FDS_ROUTES: [&str; 3] = [
    "BREAST SYMPTOMATIC, CANCER NOT SUSPECTED",
    "NATIONAL SCREENING PROGRAMME",
    "URGENT SUSPECTED CANCER",
];
/// What marts call those: routes and stages by part, groups by cancer.
const FDS_NAMES: [&str; 4] = [
    "breast_symptomatic",
    "screening",
    "urgent_suspected_cancer",
    "",
];
const D31_NAMES: [&str; 4] = ["first_treatment", "subsequent_treatment", "", ""];
const D62_NAMES: [&str; 4] = [
    "urgent_suspected_cancer",
    "breast_symptomatic",
    "screening",
    "consultant_upgrade",
];
const SUSPECTED_GROUPS: [&str; 6] = [
    "No diagnosis",
    "Breast",
    "Lower gastrointestinal",
    "Lung",
    "Skin",
    "Urological",
];
const CANCER_GROUPS: [&str; 7] = [
    "Breast",
    "Gynaecological",
    "Haematological",
    "Lower gastrointestinal",
    "Lung",
    "Skin",
    "Urological",
];
const SYMPTOMS: &str = "Exhibited (non-cancer) breast symptoms - cancer not initially suspected";

/// A standard: days, what its rows are told apart by, and its bands, how many of which are within.
struct Standard {
    name: &'static str,
    days: u8,
    split: &'static str,
    whole: &'static str,
    parts: &'static [(&'static str, &'static str)],
    people: &'static str,
    bands: &'static [&'static str],
    /// How often each band, in a hundred.
    weights: &'static [u32],
    within: usize,
}

const D31: Standard = Standard {
    name: "31-day",
    days: 31,
    split: "TREATMENT STAGE",
    whole: "ALL STAGES",
    parts: &[
        ("PART B: FIRST TREATMENTS", "First Treatment"),
        ("PART C: SUBSEQUENT TREATMENTS", "Subsequent Treatment"),
    ],
    people: "NUMBER OF PEOPLE RECEIVING TREATMENT FOR CANCER",
    // The first stands twice in a row, but for a space at its end.
    bands: &[
        "WITHIN 31 DAYS ",
        "IN 32 TO 38 DAYS",
        "IN 39 TO 48 DAYS",
        "IN 49 TO 62 DAYS",
        "AFTER 62 DAYS",
    ],
    weights: &[95, 2, 1, 1, 1],
    within: 1,
};
const D62: Standard = Standard {
    name: "62-day",
    days: 62,
    split: "REFERRAL ROUTE",
    whole: "ALL ROUTES",
    parts: &[
        ("PART B: URGENT SUSPECTED CANCER", "Urgent Suspected Cancer"),
        ("PART C: BREAST SYMPTOMATIC", "Breast Symptomatic"),
        ("PART D: SCREENING", "Screening"),
        ("PART E: CONSULTANT UPGRADE", "Consultant Upgrade"),
    ],
    people: "NUMBER OF PEOPLE RECEIVING TREATMENT FOR CANCER",
    bands: &[
        "WITHIN 31 DAYS",
        "IN 32 TO 38 DAYS",
        "IN 39 TO 48 DAYS",
        "IN 49 TO 62 DAYS",
        "IN 63 TO 76 DAYS",
        "IN 77 TO 90 DAYS",
        "IN 91 TO 104 DAYS",
        "AFTER 104 DAYS",
    ],
    weights: &[46, 12, 10, 8, 9, 7, 4, 4],
    within: 4,
};
const FDS: Standard = Standard {
    name: "28-day FDS",
    days: 28,
    split: "REFERRAL ROUTE",
    whole: "ALL ROUTES",
    parts: &[],
    people: "NUMBER OF PEOPLE TOLD CANCER DIAGNOSIS OUTCOME",
    bands: &[
        "WITHIN 14 DAYS",
        "IN 15 TO 28 DAYS",
        "IN 29 TO 42 DAYS",
        "IN 43 TO 62 DAYS",
        "AFTER 62 DAYS",
    ],
    weights: &[52, 24, 10, 8, 6],
    within: 2,
};

/// The sources of the workbook, with the sheet each reads.
const SOURCES: [&str; 8] = [
    "cwt_published",
    "cwt_published_fds_route",
    "cwt_published_31_all",
    "cwt_published_31_cancer",
    "cwt_published_31_modality",
    "cwt_published_62_all",
    "cwt_published_62_cancer",
    "cwt_published_62_modality",
];

/// Halves of patients by band.
type Bands = [i64; 8];

/// A leaf of the statistics: provider, part of the split, cancer and modality.
struct Leaf {
    provider: usize,
    part: usize,
    cancer: usize,
    modality: usize,
    bands: Bands,
}

/// Writes the workbooks that are out by the end of the sample: those of the months before the last, of
/// which the first also stands as it was before it was final.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut fed = Fed::default();
    let heading = "period,standard,org_code,total,within_standard";
    let path = "truth/cwt_published.csv".to_owned();
    let mut truth = CsvFile::create(&world.out, path, heading)?;
    let months = world.calendar.months() as i32;
    for back in (1..=months).rev() {
        let month = first_of_month(world.calendar.first(world.calendar.months() - 1), -back);
        let first = back == months;
        for provisional in [true, false] {
            if provisional && !first {
                continue;
            }
            let state = if provisional { "PROVISIONAL" } else { "FINAL" };
            let path = format!(
                "cwt_published/{}-CWT-CRS-PROVIDER-WORKBOOK-{state}.xlsx",
                month.format("%B-%Y").to_string().to_uppercase()
            );
            let mut book = Book::of(world, months - back, provisional);
            let bytes = book
                .save(&month.format("%b-%y").to_string(), state)
                .map_err(io::Error::other)?;
            if !provisional {
                book.truth(&mut truth, month)?;
            }
            for (source, rows) in SOURCES.iter().zip(&book.rows) {
                let end = crate::sample::dates::month_end(month);
                let mut sent = Submission::after(source, end, 34, &path)
                    .with_rows(rows.0, 0)
                    .and_dropped(rows.1);
                sent.period = Some(month);
                if provisional {
                    sent.status = Status::Superseded;
                } else if first {
                    sent.again(2);
                }
                fed.submissions.push(sent);
            }
            let rows = book.rows.iter().map(|rows| rows.0).sum();
            fed.written
                .push(write_whole(&world.out, path, rows, &bytes)?);
        }
    }
    fed.written.push(truth.finish()?);
    Ok(fed)
}

/// The figures of a month.
struct Book {
    fds: Vec<Leaf>,
    d31: Vec<Leaf>,
    d62: Vec<Leaf>,
    /// Rows of each of the sources' sheets, and those that are no rows of the source.
    rows: Vec<(u64, u64)>,
}

/// The final figures of every month, leaf by leaf, as the marts name them.
pub fn published(world: &World) -> Vec<Published> {
    let months = world.calendar.months() as i32;
    let mut all = Vec::new();
    for place in 0..months {
        let month = first_of_month(
            world.calendar.first(world.calendar.months() - 1),
            place - months,
        );
        let book = Book::of(world, place, false);
        for (leaves, of, standard, routes, groups) in [
            (
                &book.fds,
                &FDS,
                &waiting_times::FDS,
                FDS_NAMES,
                &SUSPECTED_GROUPS[..],
            ),
            (
                &book.d31,
                &D31,
                &waiting_times::D31,
                D31_NAMES,
                &CANCER_GROUPS[..],
            ),
            (
                &book.d62,
                &D62,
                &waiting_times::D62,
                D62_NAMES,
                &CANCER_GROUPS[..],
            ),
        ] {
            all.extend(leaves.iter().map(|leaf| Published {
                month,
                provider: PROVIDERS[leaf.provider].0,
                standard,
                route: routes[leaf.part],
                group: match (of.parts.is_empty(), leaf.part) {
                    // Breast symptoms are no suspected cancer of any other kind.
                    (true, 0) => "Breast",
                    _ => groups[leaf.cancer],
                },
                bands: leaf.bands.map(|halves| u32::try_from(halves).unwrap_or(0)),
                within: of.within,
            }));
        }
    }
    all
}

impl Book {
    /// The figures of a month, counted from the first there are, as they came out first or in the end.
    fn of(world: &World, place: i32, provisional: bool) -> Self {
        let number = (1 << 38) + place as usize * 2 + usize::from(provisional);
        Self::draw(&mut Dice::new(world.seed, Subject::Published, number))
    }

    fn draw(dice: &mut Dice) -> Self {
        let mut book = Self {
            fds: Vec::new(),
            d31: Vec::new(),
            d62: Vec::new(),
            rows: Vec::new(),
        };
        for (provider, (_, _, size)) in PROVIDERS.iter().enumerate() {
            for part in 0..FDS_ROUTES.len() {
                let cancers = if part == 0 { 0..1 } else { 0..SUSPECTED.len() };
                for cancer in cancers {
                    let scale = [40, SUSPECTED[cancer].1 / 12, SUSPECTED[cancer].1 * 10][part];
                    let bands = bands(dice, size * scale / 100, &FDS, true);
                    book.fds.push(Leaf {
                        provider,
                        part,
                        cancer,
                        modality: 0,
                        bands,
                    });
                }
            }
            for (standard, whole) in [(&D31, true), (&D62, false)] {
                for part in 0..standard.parts.len() {
                    let weight = [8, if whole { 6 } else { 1 }, 1, 3][part];
                    for (cancer, (_, people)) in CANCERS.iter().enumerate() {
                        for modality in 0..MODALITIES.len() {
                            let scale = people * weight / [3, 9, 6, 2][modality];
                            let leaf = Leaf {
                                provider,
                                part,
                                cancer,
                                modality,
                                bands: bands(dice, size * scale / 400, standard, whole),
                            };
                            let leaves = if whole { &mut book.d31 } else { &mut book.d62 };
                            leaves.push(leaf);
                        }
                    }
                }
            }
        }
        book
    }

    fn save(&mut self, month: &str, state: &str) -> Result<Vec<u8>, XlsxError> {
        let mut workbook = new_workbook()?;
        let front = workbook.add_worksheet().set_name("Frontpage")?;
        front.write_string(4, 0, format!("Status: {state} Official Statistics"))?;
        front.write_string(6, 0, "Cancer Waiting Times statistics: Provider Based")?;
        front.write_string(7, 0, month)?;

        let sheet = workbook
            .add_worksheet()
            .set_name("28-DAY FDS (ALL ROUTES)")?;
        let mut writer = Writer::begin(sheet, "FOUR WEEK (28 DAYS) WAIT: ALL ROUTES", month, &FDS)?;
        writer.table(&FDS, None, &self.fds, |_| Some(vec!["ALL ROUTES".into()]))?;
        self.rows = vec![writer.counted()];

        let sheet = workbook.add_worksheet().set_name("28-DAY FDS (BY ROUTE)")?;
        let title = "FOUR WEEK (28 DAYS) WAIT: BY ROUTE AND BY SUSPECTED CANCER";
        let mut writer = Writer::begin(sheet, title, month, &FDS)?;
        let heading = "SUSPECTED CANCER OR BREAST SYMPTOMATIC (2)";
        writer.table(&FDS, Some(heading), &self.fds, |leaf| {
            let cancer = match leaf.part {
                0 => SYMPTOMS,
                _ => SUSPECTED[leaf.cancer].0,
            };
            Some(vec![FDS_ROUTES[leaf.part].into(), cancer.into()])
        })?;
        self.rows.push(writer.counted());

        for (standard, leaves) in [(&D31, &self.d31), (&D62, &self.d62)] {
            let days = standard.days;
            for (sheet, heading, of) in [
                ("ALL CANCER", "CANCER TYPE", 0),
                ("BY CANCER", "CANCER TYPE (3)", 1),
                ("BY TREATMENT MODALITY", "TREATMENT MODALITY (4)", 2),
            ] {
                let sheet = workbook
                    .add_worksheet()
                    .set_name(format!("{days}-DAY ({sheet})"))?;
                let title = format!("{days}-DAY WAIT TO TREATMENT FOR CANCER");
                let mut writer = Writer::begin(sheet, &title, month, standard)?;
                let parts = std::iter::once((None, standard.whole)).chain(
                    (0..)
                        .map(Some)
                        .zip(standard.parts.iter().map(|part| part.1)),
                );
                for (part, name) in parts {
                    if let Some(part) = part {
                        writer.part(standard.parts[part].0)?;
                    }
                    writer.table(standard, Some(heading), leaves, |leaf| {
                        let what = match of {
                            0 => "ALL CANCERS",
                            1 => CANCERS[leaf.cancer].0,
                            _ => MODALITIES[leaf.modality],
                        };
                        part.is_none_or(|part| part == leaf.part)
                            .then(|| vec![name.into(), what.into()])
                    })?;
                }
                self.rows.push(writer.counted());
            }
        }
        for name in ["USC referral to FOA", "UBS referral to FHA"] {
            let sheet = workbook.add_worksheet().set_name(name)?;
            sheet.write_string(0, 0, "WAIT FROM REFERRAL TO BEING SEEN")?;
            sheet.write_string(1, 0, month)?;
        }
        workbook.save_to_buffer()
    }

    fn truth(&self, file: &mut CsvFile, month: chrono::NaiveDate) -> io::Result<()> {
        for (standard, leaves) in [(&FDS, &self.fds), (&D31, &self.d31), (&D62, &self.d62)] {
            for (provider, (code, ..)) in PROVIDERS.iter().enumerate() {
                let of = leaves.iter().filter(|leaf| leaf.provider == provider);
                let bands = of.fold([0; 8], |sum, leaf| added(sum, &leaf.bands));
                let total: i64 = bands.iter().sum();
                if total == 0 {
                    continue;
                }
                let within: i64 = bands[..standard.within].iter().sum();
                let row = file.row()?.iso(month).text(standard.name).text(code);
                row.text(&halves(total)).text(&halves(within)).end();
            }
        }
        Ok(())
    }
}

fn halves(number: i64) -> String {
    format!("{}.{}", number / 2, number % 2 * 5)
}

fn added(mut sum: Bands, bands: &Bands) -> Bands {
    for (sum, band) in sum.iter_mut().zip(bands) {
        *sum += band;
    }
    sum
}

/// So many people, about, over the bands of a standard; in whole patients, or in halves.
fn bands(dice: &mut Dice, people: i64, standard: &Standard, whole: bool) -> Bands {
    let mut bands = [0; 8];
    let people = dice.between(people * 8 / 10, people * 12 / 10 + 1);
    let (unit, count) = if whole {
        (2, people)
    } else {
        (1, people * 2 + dice.between(0, 1))
    };
    for _ in 0..count.min(4_000) {
        bands[dice.weighted(standard.weights)] += unit;
    }
    bands
}

/// A sheet being filled.
struct Writer<'a> {
    sheet: &'a mut Worksheet,
    at: u32,
    rows: u64,
    others: u64,
}

impl<'a> Writer<'a> {
    fn begin(
        sheet: &'a mut Worksheet,
        title: &str,
        month: &str,
        standard: &Standard,
    ) -> Result<Self, XlsxError> {
        sheet.write_string(0, 0, title)?;
        sheet.write_string(1, 0, month)?;
        let basis = "BASIS: PROVIDER BASED INCLUDING WELSH CROSS-BORDER PATIENTS AND 'UNKNOWNS'";
        sheet.write_string(2, 0, basis)?;
        sheet.write_string(3, 0, "DEFINITIONS:  DCB0147 Amd 16/2019")?;
        if !standard.parts.is_empty() {
            let whole = standard.whole;
            sheet.write_string(6, 0, format!("PART A: {whole}"))?;
        }
        let first = if standard.name == FDS.name { 4 } else { 5 };
        sheet.write_string(7, first, standard.people)?;
        Ok(Self {
            sheet,
            at: 8,
            rows: 0,
            others: 0,
        })
    }

    /// Rows of providers; and those of England, of parts' titles and of headings said again.
    fn counted(&self) -> (u64, u64) {
        (self.rows, self.others)
    }

    /// Leaves room, and names the next part.
    fn part(&mut self, title: &str) -> Result<(), XlsxError> {
        self.at += 3;
        self.sheet.write_string(self.at, 0, title)?;
        self.at += 2;
        // This line, and the headings below it.
        self.others += 2;
        Ok(())
    }

    /// A table of what `key` tells apart; `none` leaves a leaf out.
    fn table(
        &mut self,
        standard: &Standard,
        second: Option<&str>,
        leaves: &[Leaf],
        key: impl Fn(&Leaf) -> Option<Vec<String>>,
    ) -> Result<(), XlsxError> {
        let days = standard.days;
        let done = if standard.name == FDS.name {
            "TOLD"
        } else {
            "TREATED"
        };
        let mut headings = vec![
            "ODS CODE (1)".to_owned(),
            "ACCOUNTABLE PROVIDER".to_owned(),
            standard.split.to_owned(),
        ];
        headings.extend(second.map(str::to_owned));
        headings.extend([
            "TOTAL".to_owned(),
            format!("WITHIN {days} DAYS"),
            format!("AFTER {days} DAYS"),
            format!("{done} WITHIN {days} DAYS"),
            " ".to_owned(),
        ]);
        headings.extend(standard.bands.iter().map(|band| (*band).to_owned()));
        for (column, heading) in (1..).zip(&headings) {
            self.sheet.write_string(self.at, column, heading)?;
        }
        self.at += 1;
        for (provider, (code, name, _)) in PROVIDERS.iter().enumerate() {
            self.groups(standard, Some(code), name, leaves, |leaf| {
                (leaf.provider == provider).then(|| key(leaf)).flatten()
            })?;
        }
        self.at += 1;
        self.groups(standard, None, ENGLAND, leaves, key)
    }

    fn groups(
        &mut self,
        standard: &Standard,
        code: Option<&str>,
        name: &str,
        leaves: &[Leaf],
        key: impl Fn(&Leaf) -> Option<Vec<String>>,
    ) -> Result<(), XlsxError> {
        let mut groups = std::collections::BTreeMap::new();
        for leaf in leaves {
            if let Some(key) = key(leaf) {
                let sum = groups.entry(key).or_insert([0; 8]);
                *sum = added(*sum, &leaf.bands);
            }
        }
        for (key, bands) in groups {
            let total: i64 = bands.iter().sum();
            if total == 0 {
                continue;
            }
            let within: i64 = bands[..standard.within].iter().sum();
            let half = |number: i64| number as f64 / 2.0;
            if let Some(code) = code {
                self.sheet.write_string(self.at, 1, code)?;
                self.rows += 1;
            } else {
                self.others += 1;
            }
            self.sheet.write_string(self.at, 2, name)?;
            let mut column = 3;
            for text in &key {
                self.sheet.write_string(self.at, column, text)?;
                column += 1;
            }
            let share = half(within) / half(total);
            for number in [half(total), half(within), half(total - within), share] {
                self.sheet.write_number(self.at, column, number)?;
                column += 1;
            }
            column += 1;
            for band in &bands[..standard.bands.len()] {
                self.sheet.write_number(self.at, column, half(*band))?;
                column += 1;
            }
            self.at += 1;
        }
        Ok(())
    }
}
