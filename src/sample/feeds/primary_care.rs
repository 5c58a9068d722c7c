//! `primary_care/SEARCH_YYYY-MM.zip`: the answer of every practice to a search of the GP record, as the
//! system exports it: a few lines about the search, the table, its total, in a folder named for the day.

use std::io;

use super::{Fed, utf16, with_thousands, write_whole, zipped};
use crate::sample::dates::{first_of_month, plus_days};
use crate::sample::dice::{Dice, Subject};
use crate::sample::practices::PLANTS;
use crate::sample::submissions::Submission;
use crate::sample::world::World;

/// Searches: as files name them, as people do, and how many in a thousand of their parent they find.
const SEARCHES: [(&str, &str, &str, u32); 3] = [
    (
        "can004",
        "Cancer",
        "CAN004 Cancer care review within 12 months",
        620,
    ),
    (
        "can005",
        "Cancer",
        "CAN005 Support offered within 3 months",
        710,
    ),
    ("fit", "FIT", "FIT result in the 21 days before Ref", 780),
];

/// Writes every search of every month.
pub fn write(world: &World) -> io::Result<Fed> {
    let mut fed = Fed::default();
    for m in 0..world.calendar.months() {
        for (place, (search, folder, title, rate)) in SEARCHES.into_iter().enumerate() {
            let path = format!("primary_care/{search}_{}.zip", world.month_name(m));
            let run = plus_days(first_of_month(world.calendar.first(m), 1), 2 + m as i64 % 3);
            let (text, rows) = export(world, m, place, title, rate);
            // One of the three is saved by a machine that writes UTF-16.
            let bytes = if place == 1 && m.is_multiple_of(2) {
                utf16(&text)
            } else {
                text.into_bytes()
            };
            let folder = match m % 3 {
                0 => format!("{folder} {}", run.format("%d %b %Y")),
                1 => format!("Cancer searches/{folder}"),
                _ => format!("{}_{folder}_export", run.format("%Y%m%d")),
            };
            let member = format!("{folder}/{title}.csv");
            fed.submissions.push(
                Submission::monthly(world, "primary_care_searches", m, &path)
                    .with_rows(rows, 0)
                    .and_dropped(1),
            );
            fed.written.push(write_whole(
                &world.out,
                path,
                rows,
                &zipped([(member.as_str(), bytes)])?,
            )?);
        }
    }
    Ok(fed)
}

fn export(world: &World, m: usize, search: usize, title: &str, rate: u32) -> (String, u64) {
    let after = first_of_month(world.calendar.first(m), 1);
    let run = plus_days(after, 2 + m as i64 % 3);
    let mut text = format!(
        "Population and reports,{title}\r\nLast Run,{},Relative Date,{}\r\nSearch type,Patients\r\n\r\n",
        run.format("%d-%b-%Y 07:42"),
        run.format("%d-%b-%y"),
    );
    text.push_str("Organisation,CDB,Population Count,Parent,%,Males,Females,Excluded,Status\r\n");
    let (mut rows, mut all) = (0, (0, 0));
    for (place, practice) in world.practices.list.iter().enumerate() {
        if practice.closed.is_some_and(|closed| closed < after) {
            continue;
        }
        let name = format!("{} Surgery", PLANTS[place % PLANTS.len()]);
        let at = (1 << 36) + (m * SEARCHES.len() + search) * 1_024 + place;
        let mut dice = Dice::new(world.seed, Subject::Published, at);
        // Sometimes the search has not been run at a practice: blank is not nought.
        if dice.chance(400) {
            text.push_str(&format!("{name},Z99{:03},,,,,,,Not run\r\n", place + 1));
            rows += 1;
            continue;
        }
        let parent = dice.between(8, 1_900) as u64;
        let found = parent * u64::from(rate.saturating_sub(100) + dice.below(200)) / 1_000;
        let men = found * (400 + u64::from(dice.below(200))) / 1_000;
        all = (all.0 + found, all.1 + parent);
        text.push_str(&format!(
            "{name},Z99{:03},{},{},{}%,{men},{},{},Completed\r\n",
            place + 1,
            quoted(found),
            quoted(parent),
            (100 * found + parent / 2) / parent,
            found - men,
            dice.below(6),
        ));
        rows += 1;
    }
    let share = (100 * all.0 + all.1 / 2) / all.1.max(1);
    text.push_str(&format!(
        "Total,,{},{},{share}%,,,,\r\n",
        quoted(all.0),
        quoted(all.1)
    ));
    (text, rows)
}

fn quoted(number: u64) -> String {
    if number < 1_000 {
        number.to_string()
    } else {
        format!("\"{}\"", with_thousands(number))
    }
}
