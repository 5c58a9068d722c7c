//! What tables that are made side by side tell, table after table: two runs that do the same say the
//! same.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;

use super::events::{Event, Listener};

/// Passes on what tables tell, table after table.
pub(super) struct InOrder<'a> {
    listener: &'a dyn Listener,
    told: Mutex<Told>,
}

#[derive(Default)]
struct Told {
    /// The table that is heard now.
    now: usize,
    /// Those that have ended.
    ended: BTreeSet<usize>,
    /// What later ones have told already.
    held: BTreeMap<usize, Vec<Event>>,
}

impl<'a> InOrder<'a> {
    pub(super) fn new(listener: &'a dyn Listener) -> Self {
        Self {
            listener,
            told: Mutex::default(),
        }
    }

    pub(super) fn voice(&'a self, place: usize) -> Voice<'a> {
        Voice { order: self, place }
    }

    /// A table has nothing more to tell.
    pub(super) fn ended(&self, place: usize) {
        let mut told = self.told.lock();
        told.ended.insert(place);
        loop {
            let now = told.now;
            for event in told.held.remove(&now).unwrap_or_default() {
                self.listener.event(&event);
            }
            if !told.ended.remove(&now) {
                break;
            }
            told.now += 1;
        }
    }
}

/// What one table tells.
pub(super) struct Voice<'a> {
    order: &'a InOrder<'a>,
    place: usize,
}

impl Listener for Voice<'_> {
    fn event(&self, event: &Event) {
        let mut told = self.order.told.lock();
        if told.now == self.place {
            self.order.listener.event(event);
        } else {
            told.held.entry(self.place).or_default().push(event.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps what it hears.
    #[derive(Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Listener for Heard {
        fn event(&self, event: &Event) {
            if let Event::Repaired { what } = event {
                self.0.lock().push(what.clone());
            }
        }
    }

    #[test]
    fn what_tables_tell_is_heard_in_their_order() {
        let heard = Heard::default();
        let order = InOrder::new(&heard);
        let say = |place: usize, what: &str| {
            let what = what.to_owned();
            order.voice(place).event(&Event::Repaired { what });
        };
        say(1, "second");
        say(0, "first");
        say(2, "third");
        order.ended(2);
        say(1, "second still");
        order.ended(0);
        say(1, "second at once");
        assert_eq!(
            *heard.0.lock(),
            ["first", "second", "second still", "second at once"]
        );
        order.ended(1);
        assert_eq!(heard.0.lock().last().map(String::as_str), Some("third"));
    }
}
