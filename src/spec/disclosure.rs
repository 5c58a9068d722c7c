//! Disclosure control: the rules of a policy, and what a mart says of its own numbers.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Entries, Sp};

/// Rules by which small numbers are kept from the readers of a copy.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// Who agreed to it, and why these numbers.
    pub description: Option<String>,
    /// Counts of 1 to this many people are withheld. Default: 7.
    #[schemars(range(min = 1, max = 100))]
    pub suppress_up_to: Option<Sp<u32>>,
    /// All other counts are rounded to the nearest multiple of this, halves up. Default: 5.
    #[schemars(range(min = 3, max = 100))]
    pub round_to: Option<Sp<u32>>,
    /// That none, or all, of fewer people than this have something is withheld too. Default: 10.
    #[schemars(range(min = 1, max = 1000))]
    pub all_or_none_from: Option<Sp<u32>>,
    /// How wide the range must stay to which readers can narrow a withheld count, by all the sums
    /// that they know. Default: 3.
    #[schemars(range(min = 1, max = 100))]
    pub least_width: Option<Sp<u32>>,
}

/// What disclosure control must know of a mart beyond its contract.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disclosure {
    /// Rows that everybody has already, to the last person: those in which this column has this
    /// value. They are shown as they are, and readers are taken to know them.
    pub exempt: Entries<Sp<String>>,
    /// Columns that are no counts of people, each with the counts beside which it may be shown.
    pub shown_with: Entries<Vec<Sp<String>>>,
    /// Columns that say nothing about the people counted, such as a label.
    pub always_shown: Vec<Sp<String>>,
    /// Columns that no copy under a policy shows.
    pub never_shown: Vec<Sp<String>>,
    /// Rows that count the same people in different ways, and so have the same sums.
    pub same_people: Vec<SamePeople>,
    /// Rows that are the sum of others.
    pub totals: Vec<Total>,
}

/// The counts, added up over some columns, are the same for each value of another.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SamePeople {
    /// The column whose values each count all of the people.
    pub across: Sp<String>,
    /// The columns over which they are added up.
    pub over: Vec<Sp<String>>,
}

/// A row is the sum of those that differ from it in one column.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Total {
    /// The column.
    pub column: Sp<String>,
    /// Its value in the row that is the sum.
    pub value: Sp<String>,
}

impl Disclosure {
    /// All that it says, without where it says it.
    pub fn said(&self) -> Vec<(&'static str, Vec<&str>)> {
        fn words(said: &[Sp<String>]) -> Vec<&str> {
            said.iter().map(|s| s.as_str()).collect()
        }
        let exempt = self
            .exempt
            .iter()
            .map(|(c, v)| ("exempt", vec![c.as_str(), v]));
        let shown_with = self.shown_with.iter().map(|(column, counts)| {
            let column = std::iter::once(column.as_str());
            ("shown_with", column.chain(words(counts)).collect())
        });
        let same_people = self.same_people.iter().map(|same| {
            let across = std::iter::once(same.across.as_str());
            ("same_people", across.chain(words(&same.over)).collect())
        });
        let totals = self.totals.iter();
        let totals = totals.map(|t| ("totals", vec![t.column.as_str(), t.value.as_str()]));
        let mut said: Vec<(&'static str, Vec<&str>)> = vec![
            ("always_shown", words(&self.always_shown)),
            ("never_shown", words(&self.never_shown)),
        ];
        said.extend(exempt.chain(shown_with).chain(same_people).chain(totals));
        said
    }

    /// The columns that it names as no counts, in the order of the keys.
    pub fn no_counts(&self) -> impl Iterator<Item = &Sp<String>> {
        let shown_with = self.shown_with.iter().map(|(column, _)| column);
        shown_with
            .chain(&self.always_shown)
            .chain(&self.never_shown)
    }
}

impl Policy {
    /// Counts of 1 to this many people are withheld.
    pub fn suppress_up_to(&self) -> u32 {
        self.suppress_up_to.as_deref().copied().unwrap_or(7)
    }

    /// What counts are rounded to.
    pub fn round_to(&self) -> u32 {
        self.round_to.as_deref().copied().unwrap_or(5)
    }

    /// None or all is shown from so many people on.
    pub fn all_or_none_from(&self) -> u32 {
        self.all_or_none_from.as_deref().copied().unwrap_or(10)
    }

    /// How wide the range of a withheld count must stay.
    pub fn least_width(&self) -> u32 {
        self.least_width.as_deref().copied().unwrap_or(3)
    }
}
