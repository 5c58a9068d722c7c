//! Files whose later rows take the place of earlier ones with the same key.

use std::path::PathBuf;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Column;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::functions_window::expr_fn::row_number;
use datafusion::logical_expr::{Expr, ExprFunctionExt, LogicalPlan, lit};

use crate::compile::contract::LINE_COLUMN;
use crate::diag::{Diagnostic, Diagnostics, Result};

use super::tables;

/// The file's place in the order.
const PLACE: &str = "__place";
/// A row's place among those of its key, the last one first.
const FROM_LAST: &str = "__from_last";

/// The last row of each key over files in their order: the last file that has the key, and in it
/// the last line. No part of a key may be null.
///
/// # Errors
/// When a file is not there.
pub fn last_of_each_key(
    context: &SessionContext,
    schema: &SchemaRef,
    files: &[PathBuf],
    key: &[String],
) -> Result<LogicalPlan> {
    let bug =
        |e: datafusion::error::DataFusionError| Diagnostics::from(Diagnostic::bug(e.to_string()));
    let columns = || -> Vec<Expr> {
        let names = schema.fields().iter().map(|f| f.name());
        names.map(|n| named(n).alias(n)).collect()
    };
    let mut all: Option<DataFrame> = None;
    for (place, file) in files.iter().enumerate() {
        let table = tables::on_disk(schema, std::slice::from_ref(file))?;
        let mut rows = columns();
        rows.push(lit(place as i64).alias(PLACE));
        let one = context
            .read_table(table)
            .and_then(|t| t.select(rows))
            .map_err(bug)?;
        all = Some(match all {
            Some(all) => all.union(one).map_err(bug)?,
            None => one,
        });
    }
    let Some(all) = all else {
        return Err(Diagnostic::bug("no files to merge").into());
    };
    let newest_first = vec![
        named(PLACE).sort(false, true),
        named(LINE_COLUMN).sort(false, true),
    ];
    let from_last = row_number()
        .partition_by(key.iter().map(|k| named(k)).collect())
        .order_by(newest_first)
        .build()
        .map_err(bug)?
        .alias(FROM_LAST);
    let last = all
        .window(vec![from_last])
        .and_then(|f| f.filter(named(FROM_LAST).eq(lit(1_u64))))
        .and_then(|f| f.select(columns()))
        .map_err(bug)?;
    Ok(last.into_unoptimized_plan())
}

fn named(name: &str) -> Expr {
    Expr::Column(Column::new_unqualified(name))
}
