//! Copies of marts under a policy: controlled, written, and attacked before their manifest is there.

use std::path::Path;

use datafusion::arrow::array::RecordBatch;

use crate::compile::{MartNode, Node, Plan};
use crate::diag::{Code, Diagnostic, Result};
use crate::disclosure::{self, Rules, Source};
use crate::engine;
use crate::publish::{RateColumns, Released, Targets, version};
use crate::store::paths::Shelf;

use super::Night;
use super::events::Event;
use super::release::{candidate, provenance, record};

/// Writes the version of a copy under a policy, unless it is there already. Its rates are worked out from what it shows, and it
/// counts for nothing until the written rows have been attacked in vain.
pub(super) fn write_copy(
    night: &Night<'_>,
    shelf: &Shelf,
    node: &Node,
    mart: &MartNode,
    source: &Source<'_>,
    targets: &Targets,
) -> Result<Released> {
    let record = record(night, &node.name)?;
    let provenance = provenance(night, node, mart, record, Some(source.rules));
    if let Some(manifest) = version::existing(shelf, &provenance.mart, &provenance.version)? {
        return Ok(Released::from(&manifest));
    }
    let all = |file: &Path| engine::read(file)?.collect::<Result<Vec<RecordBatch>>>();
    let exact = all(&candidate(night, record)?)?;
    let copied = disclosure::copy(source, &exact)?;
    let rates = RateColumns::new(source.name, &mart.spec, &copied.contract, targets)?;
    let rows = rates.add(&copied.rows)?;
    let written = version::write(
        shelf,
        provenance,
        rates.schema(),
        &mart.spec.rates,
        [Ok(rows)],
        |file| {
            let written = all(file)?;
            disclosure::audit(source, &exact, &written)?;
            follow_from_what_is_shown(source, &rates, &written)
        },
    )?;
    night.listener.event(&Event::Suppressed {
        audience: source.audience.to_owned(),
        mart: source.name.to_owned(),
        policy: source.rules.policy.clone(),
        tally: copied.tally,
    });
    Ok(Released::from(&written.manifest))
}

/// That all the rates of a copy are those of the counts beside them.
fn follow_from_what_is_shown(
    source: &Source<'_>,
    rates: &RateColumns<'_>,
    written: &[RecordBatch],
) -> Result<()> {
    for batch in written {
        let again = rates.add(batch)?;
        let same = again.schema().fields().iter().all(|field| {
            let name = field.name();
            batch.column_by_name(name).map(AsRef::as_ref)
                == again.column_by_name(name).map(AsRef::as_ref)
        });
        if !same {
            return Err(Diagnostic::error(
                Code::Disclosure,
                format!(
                    "the copy of mart.{} for `{}` has rates that are not those of its counts",
                    source.name, source.audience
                ),
            )
            .hint("nothing was published")
            .into());
        }
    }
    Ok(())
}

/// The rules of an audience's copy, if it has any.
pub(super) fn rules(plan: &Plan, mart: &MartNode, audience: &str) -> Option<Rules> {
    let publish = mart
        .spec
        .publish
        .iter()
        .find(|p| *p.audience == *audience)?;
    let name = publish.policy.as_ref()?;
    let policy = plan.settings.policies.get(name)?;
    Some(Rules::of(name, policy))
}
