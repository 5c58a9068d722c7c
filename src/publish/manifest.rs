//! What made a version: in `manifest.json` beside its rows, and in the Parquet file itself.
//!
//! No clock and no absolute path: the same version has the same manifest, byte for byte.

use std::collections::BTreeMap;
use std::path::Path;

use datafusion::arrow::datatypes::SchemaRef;
use serde::{Deserialize, Serialize};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::disclosure::Rules;
use crate::spec::{Rate, Unit};
use crate::store::paths::Shelf;

use super::schema::{DESCRIPTION, type_name};

/// Where a mart's numbers came from. The caller knows; we only write it down.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// The mart.
    pub mart: String,
    /// The version: a key of everything it was made from.
    pub version: String,
    /// The run that made it, named by its content.
    pub run: String,
    /// The pipeline that declares it.
    pub pipeline: String,
    /// What one row is.
    pub description: String,
    /// The columns that tell one row from another, in the order of the rows.
    pub grain: Vec<String>,
    /// What it was made from.
    pub inputs: Vec<Input>,
    /// BLAKE3 of its SQL.
    pub sql_hash: String,
    /// BLAKE3 of its contract.
    pub contract_hash: String,
    /// Its parameters, as text.
    pub parameters: BTreeMap<String, String>,
    /// The day it was made as of, if its SQL reads that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The rules by which small numbers are kept from this copy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Rules>,
    /// The checks it passed.
    pub checks: Vec<CheckSummary>,
}

impl Provenance {
    /// As readers under a policy may have it: files, not tables that were made of them, whose hashes could
    /// be tried out; and no numbers, since how many rows a trust sent, or broke a rule, counts people too.
    #[must_use]
    pub fn under(mut self, policy: &Rules) -> Self {
        self.policy = Some(policy.clone());
        self.inputs.retain(|input| input.file.is_some());
        for input in &mut self.inputs {
            input.rows = None;
        }
        for check in &mut self.checks {
            (check.broken, check.total) = (None, None);
        }
        self
    }
}

/// One thing a mart was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The table: `source.x`, `reference.x`, `model.x`, `mart.x`.
    pub table: String,
    /// The file below the inbox, for sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// BLAKE3 of the bytes, or the key of the model.
    pub hash: String,
    /// How many rows it gave; not said of a copy under a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
}

/// What one check said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckSummary {
    /// Its name.
    pub name: String,
    /// Its kind: `not_null`, `unique`, `expression` and so on.
    pub kind: String,
    /// `passed` or `warned`; a mart with a `failed` one is not published.
    pub outcome: String,
    /// Rows (or groups) that broke it; not said of a copy under a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<u64>,
    /// Rows (or groups) it looked at; not said of a copy under a policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

/// A column as readers see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestColumn {
    /// Its name.
    pub name: String,
    /// `string`, `int32`, `int64`, `float64`, `boolean`, `date32`, `decimal(p,s)`,
    /// `timestamp(us, UTC)`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it means.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Whether it may be null.
    pub nullable: bool,
}

/// How a rate was worked out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestRate {
    /// Its column.
    pub name: String,
    /// The count above the line.
    pub numerator: String,
    /// The count below the line.
    pub denominator: String,
    /// What the value is, other than a proportion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The column that names the unit of each row's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit_column: Option<String>,
    /// How its limits were worked out, at 95%: `wilson` or `byar`; `by_unit` where each row has its
    /// own unit.
    pub interval: String,
    /// The measure of its target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The column that names the measure of each row's target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target_column: Option<String>,
}

impl From<&Rate> for ManifestRate {
    fn from(rate: &Rate) -> Self {
        Self {
            name: rate.name.to_string(),
            numerator: rate.numerator.to_string(),
            denominator: rate.denominator.to_string(),
            unit: (rate.unit != Unit::default()).then(|| rate.unit.word().to_owned()),
            unit_column: rate.unit_column.as_ref().map(|c| c.to_string()),
            interval: match rate.unit_column {
                None => rate.unit.interval().word().to_owned(),
                Some(_) => "by_unit".to_owned(),
            },
            target: rate.target.as_ref().map(|t| t.to_string()),
            target_column: rate.target_column.as_ref().map(|c| c.to_string()),
        }
    }
}

/// The rows' file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its name in the version's folder.
    pub name: String,
    /// How many rows it has.
    pub rows: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub blake3: String,
}

/// The whole of `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Where the numbers came from.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// How the rates were worked out.
    pub rates: Vec<ManifestRate>,
    /// The columns, in order.
    pub schema: Vec<ManifestColumn>,
    /// The rows.
    pub part: Part,
}

impl Manifest {
    /// The manifest of a version, if there is one. A folder without is unfinished.
    ///
    /// # Errors
    /// When it cannot be read, or is not what we write ([`Code::State`]).
    pub fn read(shelf: &Shelf, mart: &str, version: &str) -> Result<Option<Self>> {
        read_json(&shelf.manifest(mart, version))
    }
}

/// The columns as a manifest lists them.
///
/// # Errors
/// A type that BI tools do not read. Contracts cannot say one: this is a fault of ours.
pub fn columns(schema: &SchemaRef) -> Result<Vec<ManifestColumn>> {
    schema
        .fields()
        .iter()
        .map(|field| {
            let kind = type_name(field.data_type()).ok_or_else(|| {
                Diagnostics::from(Diagnostic::bug(format!(
                    "column `{}` has the type {}, which not every BI tool reads",
                    field.name(),
                    field.data_type()
                )))
            })?;
            Ok(ManifestColumn {
                name: field.name().clone(),
                kind,
                description: field.metadata().get(DESCRIPTION).cloned(),
                nullable: field.is_nullable(),
            })
        })
        .collect()
}

/// The key-value metadata of the Parquet file, in a fixed order.
///
/// # Errors
/// When a value is no JSON: a fault of ours.
pub fn key_values(provenance: &Provenance, rows: u64) -> Result<Vec<(String, String)>> {
    let p = provenance;
    let mut pairs = vec![
        ("mart", p.mart.clone()),
        ("run", p.run.clone()),
        ("version", p.version.clone()),
        ("pipeline", p.pipeline.clone()),
        ("description", p.description.clone()),
        ("inputs", json(&p.inputs)?),
        ("sql_hash", p.sql_hash.clone()),
        ("contract_hash", p.contract_hash.clone()),
        ("parameters", json(&p.parameters)?),
    ];
    pairs.extend(p.as_of.clone().map(|day| ("as_of", day)));
    if let Some(policy) = &p.policy {
        pairs.push(("policy", json(policy)?));
    }
    pairs.push(("checks", json(&p.checks)?));
    pairs.push(("rows", rows.to_string()));
    Ok(pairs
        .into_iter()
        .map(|(key, value)| (format!("martlet.{key}"), value))
        .collect())
}

fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Diagnostic::bug(e.to_string()).into())
}

/// A document as we write it: indented, keys in a fixed order, a newline at the end.
pub(super) fn document(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value)
        .map(|text| text + "\n")
        .map_err(|e| Diagnostic::bug(e.to_string()).into())
}

/// A document of ours, if it is there.
pub(super) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match std::fs::read(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text.map_err(|e| Diagnostics::from(Diagnostic::io(path, "read the file", &e)))?,
    };
    serde_json::from_slice(&text).map(Some).map_err(|e| {
        Diagnostic::error(
            Code::State,
            format!("this is not a file that martlet wrote: {e}"),
        )
        .at(DataPlace::file(path.display().to_string()))
        .hint("take the file back from a backup; readers still have what is below latest/")
        .into()
    })
}
