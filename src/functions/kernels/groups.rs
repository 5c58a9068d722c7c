//! Rows on their way into groups, each with the number of its group.

/// Takes out the rows of the first so many groups; the groups after them move up. `group` is where a row
/// has the number of its group.
pub fn first_groups<Row>(
    rows: &mut Vec<Row>,
    groups: usize,
    group: impl Fn(&mut Row) -> &mut usize,
) -> Vec<Row> {
    if rows.iter_mut().all(|row| *group(row) < groups) {
        return std::mem::take(rows);
    }
    let first = rows.extract_if(.., |row| *group(row) < groups);
    let first = first.collect();
    rows.iter_mut().for_each(|row| *group(row) -= groups);
    first
}
