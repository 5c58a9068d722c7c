//! Tables that fit, by integer programming.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Solution, SolveOptions, Variable};

use super::attack::{Seen, System, Towards};
use super::rules::Tenths;

/// Branches of an integer programme before the best table so far is taken. It fits; only its range may be
/// less than the widest.
const BRANCHES: u64 = 500;

/// How far a count is moved to find another table, in widths.
const FAR: Tenths = 8;

/// A problem on the way to the solver.
pub(super) struct Model {
    pub problem: Problem,
    /// Of each unknown count, with what it goes by.
    pub variables: Vec<Option<(Variable, f64)>>,
}

impl System {
    /// Looks for a table of whole people, near to the true one, in which these counts are as far from it
    /// as can be.
    pub fn solve_for(&self, cells: &[usize], towards: Towards, width: Tenths, seen: &mut Seen) {
        let mut tied: Vec<usize> = cells.iter().flat_map(|c| self.tied_to(*c)).collect();
        tied.sort_unstable();
        tied.dedup();
        let mut wanted = vec![0.0; self.unknowns.len()];
        for &cell in cells {
            let (unknown, truth) = (self.unknowns[cell], seen.truth()[cell]);
            let room_above = unknown
                .high
                .is_none_or(|high| high - truth >= truth - unknown.low);
            let up = room_above == (towards == Towards::Room);
            wanted[cell] = if up { 1.0 } else { -1.0 };
        }
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let variables = self.variables(&tied, |i| {
            let unknown = self.unknowns[i];
            let (truth, far) = (seen.truth()[i], FAR * width);
            let high = unknown
                .high
                .map_or(truth + far, |high| high.min(truth + far));
            let low = unknown.low.max(truth - far);
            let steps = |v: Tenths| i32::try_from(v / unknown.step).unwrap_or(i32::MAX);
            let bounds = (steps(low + unknown.step - 1), steps(high));
            (
                problem.add_integer_var(wanted[i], bounds),
                unknown.step as f64,
            )
        });
        let mut model = Model { problem, variables };
        self.constrain(&mut model, &tied);
        let mut options = SolveOptions::default();
        options.node_limit = Some(BRANCHES);
        let solved = model.problem.solve_with(options);
        if let Some(solution) = solved.ok().and_then(|s| s.into_solution().ok()) {
            self.take(&model, &tied, &solution, seen);
        }
    }

    /// Takes a table that was solved for, if it fits to the last half of a person.
    fn take(&self, model: &Model, tied: &[usize], solution: &Solution, seen: &mut Seen) {
        let mut table: Vec<Tenths> = seen.truth().to_vec();
        for &i in tied {
            if let Some((variable, step)) = model.variables[i] {
                table[i] = (solution.var_value(variable).round() * step) as Tenths;
            }
        }
        let within = |i: usize| {
            let unknown = self.unknowns[i];
            table[i] >= unknown.low && unknown.high.is_none_or(|high| table[i] <= high)
        };
        let holds = |equation: usize| {
            let terms = self.equations[equation].iter();
            terms.map(|(i, times)| times * table[*i]).sum::<Tenths>() == 0
        };
        if tied.iter().all(|i| within(*i)) && self.touched(tied).into_iter().all(holds) {
            for &i in tied {
                seen.take(i, table[i]);
            }
        }
    }

    pub(super) fn variables(
        &self,
        tied: &[usize],
        mut variable: impl FnMut(usize) -> (Variable, f64),
    ) -> Vec<Option<(Variable, f64)>> {
        let mut variables = vec![None; self.unknowns.len()];
        for &i in tied {
            variables[i] = Some(variable(i));
        }
        variables
    }

    /// Adds every sum that any of these counts is part of.
    pub(super) fn constrain(&self, model: &mut Model, tied: &[usize]) {
        for equation in self.touched(tied) {
            let mut known = 0.0;
            let mut terms: Vec<(Variable, f64)> = Vec::new();
            for (i, times) in &self.equations[equation] {
                match model.variables[*i] {
                    Some((variable, step)) => terms.push((variable, *times as f64 * step)),
                    None => known += (*times * self.unknowns[*i].low) as f64,
                }
            }
            model
                .problem
                .add_constraint(&terms[..], ComparisonOp::Eq, -known);
        }
    }
}
