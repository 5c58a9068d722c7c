//! Tables that fit, found by moving people about: one count is changed, and others make up for it until
//! every sum holds again.

use super::attack::{Seen, System};
use super::rules::Tenths;

impl System {
    /// Looks for tables between which each of these counts differs by so much.
    pub(super) fn move_about(&self, cells: &[usize], width: Tenths, seen: &mut Seen) {
        let mut shift = Shift::new(self);
        for &cell in cells {
            let step = self.unknowns[cell].step;
            for direction in [1, -1] {
                let mut far = (width - seen.width(cell) + step - 1).div_euclid(step) * step;
                while far > 0 && seen.width(cell) < width {
                    for way in [Way::Alone, Way::Together] {
                        shift.begin(way, direction);
                        if shift.succeeds(seen.truth(), cell, far * direction) {
                            shift.show(seen);
                            break;
                        }
                    }
                    far -= step;
                }
            }
        }
    }
}

/// Who makes up for a count that is moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// As few others as can be: what a relation leaves over first.
    Alone,
    /// As when somebody comes or goes who is in all of these counts: those of the same row, in the same
    /// direction, and of one row in each other way of counting the same people.
    Together,
}

/// A table on the way from one that fits to another.
struct Shift<'a> {
    system: &'a System,
    way: Way,
    direction: i64,
    /// Whether a count was moved.
    is_moved: Vec<bool>,
    /// Counts that were moved, and by how much.
    moved: Vec<(usize, Tenths)>,
    /// By how much each sum is off.
    off: Vec<Tenths>,
    waiting: Vec<usize>,
}

impl<'a> Shift<'a> {
    fn new(system: &'a System) -> Self {
        Self {
            system,
            way: Way::Alone,
            direction: 1,
            is_moved: vec![false; system.unknowns.len()],
            moved: Vec::new(),
            off: vec![0; system.equations.len()],
            waiting: Vec::new(),
        }
    }

    /// Goes back to where everything began.
    fn begin(&mut self, way: Way, direction: i64) {
        (self.way, self.direction) = (way, direction);
        self.waiting.clear();
        for (cell, _) in self.moved.drain(..) {
            self.is_moved[cell] = false;
            for (equation, _) in &self.system.member_of[cell] {
                self.off[*equation] = 0;
            }
        }
    }

    /// Whether others make up for a count that is moved by so much, each being moved at most once.
    fn succeeds(&mut self, truth: &[Tenths], cell: usize, by: Tenths) -> bool {
        if self.room(truth, cell, by.signum()) < by.abs() {
            return false;
        }
        self.shift(cell, by);
        while let Some(equation) = self.next() {
            if self.off[equation] != 0 && !self.settle(truth, equation) {
                return false;
            }
        }
        true
    }

    /// What was moved has been seen.
    fn show(&self, seen: &mut Seen) {
        for (cell, by) in &self.moved {
            seen.take(*cell, seen.truth()[*cell] + by);
        }
    }

    /// The next sum to look at: those of one row before those that ask for other rows.
    fn next(&mut self) -> Option<usize> {
        let of_row = |equation: &usize| self.system.of_one_row[*equation];
        match self.waiting.iter().rposition(of_row) {
            Some(last) if self.way == Way::Together => Some(self.waiting.swap_remove(last)),
            _ => self.waiting.pop(),
        }
    }

    /// How far a count can go by itself.
    fn room(&self, truth: &[Tenths], cell: usize, direction: i64) -> Tenths {
        let unknown = self.system.unknowns[cell];
        let value = truth[cell];
        if direction > 0 {
            unknown.high.map_or(Tenths::MAX, |high| high - value)
        } else {
            value - unknown.low
        }
    }

    fn shift(&mut self, cell: usize, by: Tenths) {
        self.is_moved[cell] = true;
        self.moved.push((cell, by));
        for (equation, times) in &self.system.member_of[cell] {
            self.off[*equation] += times * by;
            self.waiting.push(*equation);
        }
    }

    /// Moves other counts of a sum until it holds again.
    fn settle(&mut self, truth: &[Tenths], equation: usize) -> bool {
        let system = self.system;
        let mut able: Vec<(Order, usize, Tenths, i64)> = Vec::new();
        for (cell, times) in &system.equations[equation] {
            if self.is_moved[*cell] || times.abs() != 1 {
                continue;
            }
            let direction = -(self.off[equation].signum() * times.signum());
            let step = system.unknowns[*cell].step;
            let room = self.room(truth, *cell, direction);
            let room = if room == Tenths::MAX {
                room
            } else {
                room.div_euclid(step) * step
            };
            if room > 0 {
                let order = self.order(*cell, room, direction);
                able.push((order, *cell, room, direction));
            }
        }
        able.sort_by_key(|(order, cell, ..)| (*order, *cell));
        for (_, cell, room, direction) in able {
            let step = system.unknowns[cell].step;
            let need = self.off[equation].abs();
            let by = room.min(need.div_euclid(step) * step);
            if by > 0 {
                self.shift(cell, by * direction);
            }
            if self.off[equation] == 0 {
                return true;
            }
        }
        false
    }

    /// Who is asked first: the least. Whoever sets other sums right too comes before all.
    fn order(&self, cell: usize, room: Tenths, direction: i64) -> Order {
        let unknown = &self.system.unknowns[cell];
        let member_of = &self.system.member_of[cell];
        let helps = |(equation, times): &&(usize, i64)| {
            self.off[*equation] != 0 && self.off[*equation].signum() == -(times * direction)
        };
        let helped = std::cmp::Reverse(member_of.iter().filter(helps).count());
        let room = std::cmp::Reverse(room);
        match self.way {
            Way::Alone => (helped, member_of.len(), false, false, room),
            Way::Together => (
                helped,
                usize::from(
                    !self
                        .moved
                        .iter()
                        .any(|(other, _)| self.system.unknowns[*other].row == unknown.row),
                ),
                unknown.is_rest,
                direction != self.direction,
                room,
            ),
        }
    }
}

type Order = (
    std::cmp::Reverse<usize>,
    usize,
    bool,
    bool,
    std::cmp::Reverse<Tenths>,
);
