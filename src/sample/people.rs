//! People: who they are, where they live and are registered, and how a monthly extract shows them.
//!
//! A [`Person`] is a few dozen bytes and holds everything that ever happens to them as a person. A
//! [`Snapshot`] is what the extract of one month says: a death reported late is not in it yet, a move
//! is, someone who left may have dropped out of it.

use chrono::{Datelike, NaiveDate};

use super::dates::{Calendar, add_months, date, days_between, plus_days};
use super::dice::{Dice, Subject};
use super::geography::{Geography, Home};
use super::practices::{PracticeCode, Practices};

/// An LSOA as a person's row names it: the digits after `E01`; 0 is blank.
pub type LsoaCode = u32;

/// Ethnic categories, 16+1, with not stated (Z) and not known (99).
pub const ETHNICITIES: [&str; 18] = [
    "A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "L", "M", "N", "P", "R", "S", "Z", "99",
];
const ETHNICITY_WEIGHTS: [u32; 18] = [
    750, 8, 45, 8, 4, 8, 6, 22, 6, 5, 14, 8, 24, 4, 10, 14, 40, 24,
];

/// Smoking statuses.
pub const SMOKING: [&str; 4] = ["never", "ex", "current", "unknown"];
/// Sexes.
pub const SEXES: [&str; 4] = ["F", "M", "I", "U"];

/// What is odd about a person's address in the extract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Address {
    Both,
    No21,
    No11,
    Neither,
    /// Over the border: codes of no list.
    Foreign,
    /// The 2021 code is of no list, the 2011 code is good.
    Mistyped21,
    /// The 2011 code stands in the 2021 column.
    Old,
}

/// What goes wrong with a person's row, in one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersonFault {
    /// A birth date that never was: quarantined.
    BadDate,
    /// A sex, or a smoking status, outside its list: quarantined.
    BadCode,
    /// The row stands twice.
    Duplicate,
    /// A second row, later in the file, with another birth date (trap 16): the first is the person.
    Conflict,
    /// A copy of the row under a number that is nobody's follows.
    Ghost,
}

/// A person, whole.
#[derive(Debug, Clone)]
pub struct Person {
    /// NHS number.
    pub number: u64,
    /// Date of birth.
    pub birth: NaiveDate,
    /// Date of death.
    pub death: Option<NaiveDate>,
    /// Months between the death and the extract that knows it.
    pub death_lag: u8,
    /// Place in [`SEXES`].
    pub sex: u8,
    ethnicity: u8,
    smoking: u8,
    flags: u8,
    address: Address,
    second_parent: bool,
    home: u32,
    next_home: u32,
    move_month: u16,
    practice: PracticeCode,
    next_practice: PracticeCode,
    lingers: bool,
    vanishes: bool,
    registered_from: NaiveDate,
    /// When they left the area's lists.
    pub registered_to: Option<NaiveDate>,
    national_opt_out: Option<NaiveDate>,
    type1_opt_out: Option<NaiveDate>,
    fault: Option<(PersonFault, u16)>,
}

/// What the extract of one month says about a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// NHS number.
    pub number: u64,
    /// Date of birth.
    pub birth: NaiveDate,
    /// Date of death, once known.
    pub death: Option<NaiveDate>,
    /// Place in [`SEXES`].
    pub sex: u8,
    /// Place in [`ETHNICITIES`].
    pub ethnicity: u8,
    /// LSOA of 2011.
    pub lsoa11: LsoaCode,
    /// LSOA of 2021.
    pub lsoa21: LsoaCode,
    /// Practice.
    pub practice: PracticeCode,
    /// First day on the practice's list.
    pub registered_from: NaiveDate,
    /// The day they left it.
    pub registered_to: Option<NaiveDate>,
    /// Learning disability, severe mental illness, inclusion health: bits 0, 1 and 2.
    pub flags: u8,
    /// Place in [`SMOKING`].
    pub smoking: u8,
    /// National data opt-out.
    pub national_opt_out: bool,
    /// Type 1 opt-out.
    pub type1_opt_out: bool,
}

impl Snapshot {
    /// Whether the extract has the month of birth alone: of some who were born in the middle of it, so that
    /// taking the middle takes the day.
    pub fn birth_by_month(&self) -> bool {
        self.birth.day() == 15 && self.number.is_multiple_of(4)
    }

    /// Whether they are alive at the end of a day.
    pub fn alive(&self, on: NaiveDate) -> bool {
        self.death.is_none_or(|death| death > on)
    }

    /// Whether they are on a practice's list at the end of a day.
    pub fn registered(&self, on: NaiveDate) -> bool {
        self.registered_from <= on && self.registered_to.is_none_or(|to| to > on)
    }

    /// Whether they opted out in either way.
    pub fn opted_out(&self) -> bool {
        self.national_opt_out || self.type1_opt_out
    }

    /// Whether they smoke or smoked.
    pub fn ever_smoked(&self) -> bool {
        matches!(SMOKING[usize::from(self.smoking)], "ex" | "current")
    }
}

/// What drawing a person needs to know of the world.
pub struct Setting<'a> {
    /// The seed.
    pub seed: u64,
    /// The months.
    pub calendar: &'a Calendar,
    /// The places.
    pub geography: &'a Geography,
    /// The practices.
    pub practices: &'a Practices,
    /// The districts' sizes.
    pub district_weights: [u32; 13],
    /// Whether the world is small.
    pub small: bool,
}

impl Person {
    /// Draws the person with the given place in the world.
    pub fn draw(index: usize, number: u64, setting: &Setting<'_>) -> Self {
        let mut dice = Dice::new(setting.seed, Subject::Person, index);
        let dice = &mut dice;
        let calendar = setting.calendar;
        let birth = birth(
            dice,
            calendar,
            if setting.small { &AGES_OF_FEW } else { &AGES },
        );
        let district = dice.weighted(&setting.district_weights);
        let home = home_in(dice, setting.geography, district);
        let facts = setting.geography.homes[home];
        let practice = practice_in(dice, setting.practices, district);
        let moves = dice.chance(500);
        let next_district = if dice.chance(6_000) {
            district
        } else {
            dice.weighted(&setting.district_weights)
        };
        let (next_home, next_practice) = if moves {
            let next = home_in(dice, setting.geography, next_district);
            (next, practice_in(dice, setting.practices, next_district))
        } else {
            (home, practice)
        };
        let registered_from = registered_from(dice, calendar, birth);
        let (death, death_lag) = death(dice, calendar, birth);
        let left = dice
            .chance(60 + 25 * calendar.months() as u32)
            .then(|| leaving(dice, calendar));
        let poor = u32::from(6 - facts.quintile);
        Self {
            number,
            birth,
            death: death.filter(|death| *death >= birth),
            death_lag,
            sex: dice.weighted(&[505, 493, 1, 1]) as u8,
            ethnicity: dice.weighted(&ETHNICITY_WEIGHTS) as u8,
            smoking: dice.weighted(&[52, 22 + poor, 5 + 4 * poor, 3]) as u8,
            flags: u8::from(dice.chance(60))
                | u8::from(dice.chance(50 + 30 * poor)) << 1
                | u8::from(dice.chance(10 * poor)) << 2,
            address: address(dice, &facts),
            second_parent: dice.chance(5_000),
            home: home as u32,
            next_home: next_home as u32,
            move_month: if moves {
                dice.below(calendar.months() as u32) as u16
            } else {
                u16::MAX
            },
            practice,
            next_practice,
            lingers: dice.chance(1_000),
            vanishes: dice.chance(3_000),
            registered_from,
            registered_to: left.filter(|left| *left > registered_from && death.is_none()),
            national_opt_out: dice.chance(500).then(|| opting_out(dice, calendar)),
            type1_opt_out: dice.chance(300).then(|| opting_out(dice, calendar)),
            fault: fault(dice, index, calendar),
        }
    }

    /// What goes wrong with their row in month `m`.
    pub fn fault_in(&self, m: usize) -> Option<PersonFault> {
        self.fault
            .filter(|(_, month)| usize::from(*month) == m)
            .map(|(fault, _)| fault)
    }

    /// The quintile of their first home, which tilts their chances in the sample.
    pub fn quintile(&self, geography: &Geography) -> u8 {
        geography.homes[self.home as usize].quintile
    }

    /// The district of their first home.
    pub fn district(&self, geography: &Geography) -> usize {
        usize::from(geography.homes[self.home as usize].district)
    }

    /// The practice they start with.
    pub fn first_practice(&self) -> PracticeCode {
        self.practice
    }

    /// The last day things can happen to them here: death, leaving, or `end`.
    pub fn here_until(&self, end: NaiveDate) -> NaiveDate {
        [self.death, self.registered_to]
            .into_iter()
            .flatten()
            .fold(end, NaiveDate::min)
    }

    /// Their row in the extract of month `m` as sent, or none.
    pub fn sent(
        &self,
        m: usize,
        calendar: &Calendar,
        geography: &Geography,
        practices: &Practices,
    ) -> Option<Snapshot> {
        let census = calendar.census(m);
        // The extract is run a few days after the census, so it may hold people registered since.
        if self.birth > census || days_between(census, self.registered_from) > 3 {
            return None;
        }
        if self.vanishes
            && self
                .registered_to
                .is_some_and(|to| calendar.month_of(to) < m && to <= census)
        {
            return None;
        }
        let known = |on: NaiveDate| {
            on <= census
                && (on < calendar.first(0)
                    || calendar.month_of(on) + usize::from(self.death_lag) <= m)
        };
        let moved = self.move_month != u16::MAX && m >= usize::from(self.move_month);
        let home = geography.homes[if moved { self.next_home } else { self.home } as usize];
        let was = if moved {
            self.next_practice
        } else {
            self.practice
        };
        let practice = if self.lingers {
            was
        } else {
            practices.holder(was, m)
        };
        let registered_from = if practice != was {
            plus_days(calendar.census(practices.closing_month), 1).max(self.registered_from)
        } else if moved && self.next_practice != self.practice {
            calendar
                .first(usize::from(self.move_month))
                .max(self.registered_from)
        } else {
            self.registered_from
        };
        let (lsoa11, lsoa21) = self.address.codes(&home, self.second_parent);
        Some(Snapshot {
            number: self.number,
            birth: self.birth,
            death: self.death.filter(|death| known(*death)),
            sex: self.sex,
            ethnicity: self.ethnicity,
            lsoa11,
            lsoa21,
            practice,
            registered_from,
            registered_to: self.registered_to.filter(|to| *to <= plus_days(census, 1)),
            flags: self.flags,
            smoking: self.smoking,
            national_opt_out: self.national_opt_out.is_some_and(|on| on <= census),
            type1_opt_out: self.type1_opt_out.is_some_and(|on| on <= census),
        })
    }

    /// Their row in month `m` as the warehouse will know it: none when it is quarantined.
    pub fn snapshot(
        &self,
        m: usize,
        calendar: &Calendar,
        geography: &Geography,
        practices: &Practices,
    ) -> Option<Snapshot> {
        match self.fault_in(m) {
            Some(PersonFault::BadDate | PersonFault::BadCode) => None,
            _ => self.sent(m, calendar, geography, practices),
        }
    }
}

impl Address {
    fn codes(self, home: &Home, second_parent: bool) -> (LsoaCode, LsoaCode) {
        let lsoa11 = home.parents[usize::from(second_parent)];
        match self {
            Address::Both => (lsoa11, home.lsoa21),
            Address::No21 => (lsoa11, 0),
            Address::No11 => (0, home.lsoa21),
            Address::Neither => (0, 0),
            Address::Foreign => (899_001, 899_002),
            Address::Mistyped21 => (lsoa11, 899_003),
            Address::Old => (lsoa11, lsoa11),
        }
    }
}

fn address(dice: &mut Dice, home: &Home) -> Address {
    // Where boundaries changed, one code is missing more often: that is where it matters.
    let blank = if home.changed { 220 } else { 25 };
    match dice.weighted(&[1_000 - 2 * blank - 20, blank, blank, 6, 5, 4, 5]) {
        0 => Address::Both,
        1 => Address::No21,
        2 => Address::No11,
        3 => Address::Neither,
        4 => Address::Foreign,
        5 => Address::Mistyped21,
        _ => Address::Old,
    }
}

/// People by ten years of age, in thousandths.
const AGES: [u32; 10] = [112, 118, 112, 128, 127, 138, 115, 92, 48, 10];
/// The same for small worlds, which have more people of the ages that are screened and checked.
const AGES_OF_FEW: [u32; 10] = [70, 60, 90, 130, 130, 180, 190, 100, 40, 10];

fn birth(dice: &mut Dice, calendar: &Calendar, ages: &[u32]) -> NaiveDate {
    let last = calendar.end();
    // One in sixty turns an age that matters on a census, or on the day after (trap 8).
    if dice.chance(160) {
        let m = dice.below(calendar.months() as u32) as usize;
        let years = dice.pick(&[25, 50, 53, 55, 60, 65, 71, 75]);
        let birthday = plus_days(calendar.census(m), dice.between(0, 1));
        let day = if birthday.month() == 2 {
            birthday.day().min(28)
        } else {
            birthday.day()
        };
        return date(birthday.year() - years, birthday.month(), day);
    }
    let decade = dice.weighted(ages) as i64;
    let born = plus_days(last, -(decade * 3_652 + dice.between(0, 3_651)));
    // One in two hundred is born on 29 February (trap 9).
    if dice.chance(50) {
        date(born.year() - born.year().rem_euclid(4), 2, 29)
    } else {
        born
    }
}

fn home_in(dice: &mut Dice, geography: &Geography, district: usize) -> usize {
    let (from, to) = geography.homes_of[district];
    from + dice.below((to - from) as u32) as usize
}

fn practice_in(dice: &mut Dice, practices: &Practices, district: usize) -> PracticeCode {
    match dice.below(1_000) {
        0..3 => PracticeCode::Blank,
        3..12 => PracticeCode::Orphan(dice.below(3) as u16 + 1),
        12..60 => PracticeCode::Listed(dice.pick(&practices.of_district[(district + 1) % 13])),
        _ => PracticeCode::Listed(dice.pick(&practices.of_district[district])),
    }
}

fn registered_from(dice: &mut Dice, calendar: &Calendar, birth: NaiveDate) -> NaiveDate {
    let since = match dice.below(100) {
        // Registered since the first month, some on the day after a census.
        0..2 => plus_days(
            calendar.census(dice.below(calendar.months() as u32) as usize),
            dice.between(-3, 2),
        ),
        2..5 => dice.day(calendar.first(0), calendar.end()),
        5..60 => dice.day(date(2004, 4, 1), plus_days(calendar.first(0), -1)),
        _ => birth,
    };
    since.max(birth)
}

fn death(dice: &mut Dice, calendar: &Calendar, birth: NaiveDate) -> (Option<NaiveDate>, u8) {
    let start = add_months(calendar.first(0), -18);
    let age = calendar.end().year() - birth.year();
    // Deaths a year, per ten thousand, by age; the young die too seldom to matter here.
    let yearly = match age {
        ..40 => 6,
        40..60 => 35,
        60..70 => 110,
        70..80 => 270,
        80..90 => 800,
        _ => 2_000,
    };
    let months = calendar.months() as u32 + 18;
    if !dice.chance((yearly * months / 12).min(9_000)) {
        return (None, 0);
    }
    let on = dice.day(start, calendar.end());
    let month = calendar.month_of(on);
    match dice.below(20) {
        // On the census itself: not alive at it.
        0..2 if on >= calendar.first(0) => (Some(calendar.census(month)), 0),
        2..4 if on >= calendar.first(0) => (Some(on), 1),
        _ => (Some(on), 0),
    }
}

fn leaving(dice: &mut Dice, calendar: &Calendar) -> NaiveDate {
    if dice.chance(1_500) {
        // On a census, or on the day after.
        plus_days(
            calendar.census(dice.below(calendar.months() as u32) as usize),
            dice.between(0, 1),
        )
    } else {
        dice.day(add_months(calendar.first(0), -3), calendar.end())
    }
}

fn opting_out(dice: &mut Dice, calendar: &Calendar) -> NaiveDate {
    if dice.chance(8_000) {
        date(2018, 6, 1)
    } else {
        dice.day(calendar.first(0), calendar.end())
    }
}

fn fault(dice: &mut Dice, index: usize, calendar: &Calendar) -> Option<(PersonFault, u16)> {
    let fault = match index % 600 {
        17 => PersonFault::BadDate,
        117 => PersonFault::BadCode,
        217 => PersonFault::Duplicate,
        317 => PersonFault::Conflict,
        n if n % 200 == 50 => PersonFault::Ghost,
        _ => return None,
    };
    Some((fault, dice.below(calendar.months() as u32) as u16))
}
