//! `reference/`: places and practices, in the layouts of those who publish them.

use std::io;

use super::csv::CsvFile;
use super::cwt_records;
use super::{Fed, with_thousands, write_whole};
use crate::sample::Written;
use crate::sample::geography::{DISTRICTS, Geography, Lsoa};
use crate::sample::practices::{PLANTS, PracticeCode};
use crate::sample::world::World;

/// Key of synthetic pseudonyms. It protects nobody, because there is nobody; it must only never be
/// taken for a real one.
const PSEUDONYM_KEY: &str = "6d6172746c65742d73616d706c652d6b65792d6e6f742d612d7365637265742e\n";

const IMD_2019: &str = "\u{feff}\"LSOA code (2011)\",\"LSOA name (2011)\",\"Local Authority District code (2019)\",\
\"Local Authority District name (2019)\",\"Index of Multiple Deprivation (IMD) Rank\",\
\"Index of Multiple Deprivation (IMD) Decile\"";
const IMD_2025: &str = "\"LSOA code (2021)\",\"LSOA name (2021)\",\"Local Authority District code (2024)\",\
\"Local Authority District name (2024)\",\
\"Index of Multiple Deprivation (IMD) Rank (where 1 is most deprived)\",\
\"Index of Multiple Deprivation (IMD) Decile (where 1 is most deprived 10% of LSOAs)\"";
const LOOKUP: &str =
    "lsoa11_code,lsoa11_name,lsoa21_code,lsoa21_name,change_indicator,lad22_code,lad22_name";
const AREAS: &str = "lsoa21_code,lsoa21_name,ward24_code,ward24_name,lad24_code,lad24_name,utla_code,utla_name,\
region24_name,sicbl24_code,sicbl24_code_nhs,sicbl24_name,icb24_code,icb24_code_nhs,icb24_name,\
cancer_alliance_code,cancer_alliance_name";
const RESIDENTS: &str = "lsoa21_code,lsoa21_name,usual_residents_all_ages,age_15_and_under,age_16_to_24,\
age_25_to_34,age_35_to_49,age_50_to_64,age_65_and_over";
const PRACTICES: &str = "practice_code,practice_name,postcode,open_date,close_date,status_code,successor_code,\
pcn_code,sicbl_code_nhs,icb_code_nhs";

/// Writes all of it.
pub fn write(world: &World) -> io::Result<Fed> {
    let written = vec![
        write_whole(
            &world.out,
            "pseudonym.key".into(),
            1,
            PSEUDONYM_KEY.as_bytes(),
        )?,
        deprivation(
            world,
            "reference/imd_2019.csv",
            IMD_2019,
            &world.geography.lsoas11,
            true,
        )?,
        deprivation(
            world,
            "reference/imd_2025.csv",
            IMD_2025,
            &world.geography.lsoas21,
            false,
        )?,
        lookup(world)?,
        areas(world)?,
        coastal(world)?,
        residents(world)?,
        practices(world)?,
        networks(world)?,
        cancelled(world)?,
    ];
    Ok(Fed {
        written,
        ..Fed::default()
    })
}

fn name(lsoa: &Lsoa) -> String {
    // As ONS names them: the middle layer's number, and a letter for each LSOA in it.
    let letter = char::from(b'A' + (lsoa.serial % 5) as u8);
    format!(
        "{} {:03}{letter}",
        DISTRICTS[lsoa.district].name,
        lsoa.serial / 5 + 1
    )
}

fn deprivation(
    world: &World,
    path: &str,
    heading: &str,
    lsoas: &[Lsoa],
    thousands: bool,
) -> io::Result<Written> {
    let mut file = CsvFile::create(&world.out, path.into(), heading)?;
    for lsoa in lsoas {
        let district = &DISTRICTS[lsoa.district];
        let row = file.row()?;
        row.lsoa(lsoa.number)
            .text(&name(lsoa))
            .text(district.code)
            .text(district.name);
        if thousands {
            row.quoted(&with_thousands(lsoa.rank.into()));
        } else {
            row.number(lsoa.rank.into());
        }
        row.number(lsoa.decile.into()).end();
    }
    file.finish()
}

fn lookup(world: &World) -> io::Result<Written> {
    let geography = &world.geography;
    let by_code = |lsoas: &'_ [Lsoa], code: u32| {
        lsoas
            .binary_search_by_key(&code, |lsoa| lsoa.number)
            .unwrap_or(0)
    };
    let mut file = CsvFile::create(&world.out, "reference/lsoa11_lsoa21.csv".into(), LOOKUP)?;
    for link in &geography.links {
        let before = &geography.lsoas11[by_code(&geography.lsoas11, link.from)];
        let after = &geography.lsoas21[by_code(&geography.lsoas21, link.to)];
        let district = &DISTRICTS[after.district];
        let row = file.row()?;
        row.lsoa(link.from)
            .text(&name(before))
            .lsoa(link.to)
            .text(&name(after));
        row.text(link.change.encode_utf8(&mut [0; 4]))
            .text(district.code)
            .text(district.name)
            .end();
    }
    file.finish()
}

fn areas(world: &World) -> io::Result<Written> {
    let mut file = CsvFile::create(&world.out, "reference/lsoa21_areas.csv".into(), AREAS)?;
    for lsoa in &world.geography.lsoas21 {
        let district = &DISTRICTS[lsoa.district];
        let ward = lsoa.serial / 4;
        let upper = if district.name == "Medway" {
            (district.code, "Medway")
        } else {
            ("E10000016", "Kent")
        };
        let row = file.row()?;
        row.lsoa(lsoa.number).text(&name(lsoa));
        row.code("E0599", lsoa.district as u64 * 300 + u64::from(ward) + 1, 4);
        row.text(&format!("{} ward {}", district.name, ward + 1))
            .text(district.code)
            .text(district.name);
        row.text(upper.0).text(upper.1).text("South East");
        row.text("E38000237")
            .text("91Q")
            .text("NHS Kent and Medway ICB - 91Q");
        row.text("E54000032")
            .text("QKS")
            .text("NHS Kent and Medway Integrated Care Board");
        row.text("E56000011").text("Kent and Medway").end();
    }
    file.finish()
}

fn coastal(world: &World) -> io::Result<Written> {
    let mut file = CsvFile::create(
        &world.out,
        "reference/coastal_lsoa21.csv".into(),
        "lsoa21_code,coastal",
    )?;
    for lsoa in &world.geography.lsoas21 {
        file.row()?
            .lsoa(lsoa.number)
            .yes(Geography::coastal(lsoa))
            .end();
    }
    file.finish()
}

/// Residents of each LSOA, from its code: the sample's people are too few to be anywhere's residents.
fn residents(world: &World) -> io::Result<Written> {
    let path = "reference/resident_population.csv";
    let mut file = CsvFile::create(&world.out, path.into(), RESIDENTS)?;
    for lsoa in &world.geography.lsoas21 {
        let code = u64::from(lsoa.number);
        // About 1,650 people, a fifth of them children and a fifth over 65.
        let groups = [320, 160, 220, 320, 330, 300]
            .map(|usual| usual * 9 / 10 + (code * 31 + usual * 7) % (usual / 5));
        let row = file.row()?;
        row.lsoa(lsoa.number)
            .text(&name(lsoa))
            .number(groups.iter().sum());
        for group in groups {
            row.number(group);
        }
        row.end();
    }
    file.finish()
}

fn practices(world: &World) -> io::Result<Written> {
    let mut file = CsvFile::create(&world.out, "reference/practices.csv".into(), PRACTICES)?;
    for (place, practice) in world.practices.list.iter().enumerate() {
        let plant = PLANTS[place % PLANTS.len()];
        let kind =
            ["Surgery", "Medical Centre", "Practice", "Health Centre"][place / PLANTS.len() % 4];
        let row = file.row()?;
        row.practice(PracticeCode::Listed(place as u16 + 1));
        row.text(&format!("{plant} {kind} {}", place + 1));
        // ZZ is no postcode area.
        row.text(&format!("ZZ{} {}ZZ", place % 90 + 1, place % 9 + 1));
        row.iso(practice.opened).iso_or_blank(practice.closed);
        row.text(if practice.closed.is_some() {
            "Closed"
        } else {
            "Active"
        });
        row.practice(practice.successor.unwrap_or(PracticeCode::Blank));
        row.code("U99", practice.network.into(), 3)
            .text("91Q")
            .text("QKS")
            .end();
    }
    file.finish()
}

fn networks(world: &World) -> io::Result<Written> {
    let heading = "pcn_code,pcn_name,sicbl_code,open_date,close_date";
    let mut file = CsvFile::create(&world.out, "reference/pcns.csv".into(), heading)?;
    let last = world
        .practices
        .list
        .iter()
        .map(|practice| practice.network)
        .max()
        .unwrap_or(0);
    for network in 1..=last {
        let plant = PLANTS[network as usize * 7 % PLANTS.len()];
        let row = file.row()?;
        row.code("U99", network.into(), 3)
            .text(&format!("{plant} Network {network}"))
            .text("91Q");
        row.text("2019-07-01").blank().end();
    }
    file.finish()
}

/// What providers took back in writing, after they had sent it.
fn cancelled(world: &World) -> io::Result<Written> {
    let heading = "source,provider,period,sequence,file,hash,cancelled_at,reason";
    let path = "reference/cancelled_submissions.csv".to_owned();
    let mut file = CsvFile::create(&world.out, path, heading)?;
    let taken_back = cwt_records::cancelled(world);
    let row = file.row()?;
    row.text(taken_back.source)
        .text(taken_back.provider.unwrap_or_default())
        .iso_or_blank(taken_back.period)
        .number(taken_back.sequence.into())
        .text(&taken_back.file)
        .blank()
        .text(&taken_back.cancelled_at())
        .text("pseudonymised with the wrong key")
        .end();
    file.finish()
}
