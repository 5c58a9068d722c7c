//! Tables that fit, and the ends of ranges, by linear and integer programming.

use microlp::{ComparisonOp, OptimizationDirection, Problem, Solution, SolveOptions, Variable};

use super::attack::{Range, Seen, System};
use super::rules::Tenths;

/// Branches of an integer programme before the best table so far is taken. It fits; only its range may be
/// less than the widest.
const BRANCHES: u64 = 500;

/// How far a count is moved to find another table, in widths.
const FAR: Tenths = 8;

/// A problem on the way to the solver.
struct Model {
    problem: Problem,
    /// Of each unknown count, with what it goes by.
    variables: Vec<Option<(Variable, f64)>>,
}

impl System {
    /// The range of a count, parts of people allowed. `None` when no table fits, or the solver gives up.
    pub fn range(&self, cell: usize) -> Option<Range> {
        let unknown = self.unknowns[cell];
        if unknown.is_known() {
            return Some((unknown.low, unknown.high));
        }
        let low = self.end(cell, OptimizationDirection::Minimize)?;
        let high = self.end(cell, OptimizationDirection::Maximize)?;
        // Solvers answer within a millionth: that may widen a range, never narrow it.
        let near = 1e-4;
        let low = low.map_or(unknown.low, |v| (v - near).ceil() as Tenths);
        Some((low, high.map(|v| (v + near).floor() as Tenths)))
    }

    /// One end of a range; `Some(None)` when there is none.
    fn end(&self, cell: usize, direction: OptimizationDirection) -> Option<Option<f64>> {
        let tied = self.tied_to(cell);
        let mut problem = Problem::new(direction);
        let variables = self.variables(&tied, |i| {
            let unknown = self.unknowns[i];
            let objective = if i == cell { 1.0 } else { 0.0 };
            let high = unknown.high.map_or(f64::INFINITY, |high| high as f64);
            (problem.add_var(objective, (unknown.low as f64, high)), 1.0)
        });
        let mut model = Model { problem, variables };
        self.constrain(&mut model, &tied);
        match model.problem.solve() {
            Ok(outcome) => outcome.into_solution().ok().map(|s| Some(s.objective())),
            Err(microlp::Error::Unbounded) => Some(None),
            Err(_) => None,
        }
    }

    /// Looks for a table of whole people in which these counts are as great, or as small, as can be,
    /// near to the true one.
    pub(super) fn solve_for(
        &self,
        cells: &[usize],
        direction: OptimizationDirection,
        width: Tenths,
        seen: &mut Seen,
    ) {
        let mut tied: Vec<usize> = cells.iter().flat_map(|c| self.tied_to(*c)).collect();
        tied.sort_unstable();
        tied.dedup();
        let mut wanted = vec![false; self.unknowns.len()];
        for cell in cells {
            wanted[*cell] = true;
        }
        let mut problem = Problem::new(direction);
        let variables = self.variables(&tied, |i| {
            let unknown = self.unknowns[i];
            let (truth, far) = (seen.truth()[i], FAR * width);
            let high = unknown
                .high
                .map_or(truth + far, |high| high.min(truth + far));
            let low = unknown.low.max(truth - far);
            let steps = |v: Tenths| i32::try_from(v / unknown.step).unwrap_or(i32::MAX);
            let bounds = (steps(low + unknown.step - 1), steps(high));
            let objective = if wanted[i] { 1.0 } else { 0.0 };
            (
                problem.add_integer_var(objective, bounds),
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

    fn variables(
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
    fn constrain(&self, model: &mut Model, tied: &[usize]) {
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
