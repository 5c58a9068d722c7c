//! `martlet ls`: what there is.

use serde_json::json;

use crate::compile::select;
use crate::diag::{Exit, Result};

use super::args::{Global, SelectArgs};
use super::printer::Printer;

pub async fn ls(global: &Global, args: &SelectArgs, printer: &Printer) -> Result<Exit> {
    let (plan, _) = super::load(global).await?;
    let chosen = select::select(&plan, &args.select, &args.exclude)?;
    let nodes = plan.nodes.iter().filter(|n| chosen.contains(&n.name));
    if printer.json {
        let tables: Vec<_> = nodes
            .map(|n| {
                json!({
                    "table": n.name.to_string(),
                    "pipeline": n.pipeline,
                    "tags": n.tags,
                    "description": n.description,
                    "reads": n.inputs.iter().map(ToString::to_string).collect::<Vec<_>>(),
                    "columns": n.schema.fields().iter().map(|f| json!({ "name": f.name(), "type": f.data_type().to_string() })).collect::<Vec<_>>(),
                })
            })
            .collect();
        printer.document(&json!({ "ok": true, "tables": tables }));
        return Ok(Exit::Done);
    }
    for node in nodes {
        let description = node.description.as_deref().unwrap_or_default();
        let first = description.lines().next().unwrap_or_default();
        let line = format!(
            "{:<40} {:<20} {first}",
            node.name.to_string(),
            node.pipeline
        );
        printer.out(&format!("{}\n", line.trim_end()));
    }
    Ok(Exit::Done)
}
