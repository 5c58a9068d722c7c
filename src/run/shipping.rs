//! Readers elsewhere: the way to them, and the record of what was brought there.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::compile::Plan;
use crate::diag::{Diagnostics, Result};
use crate::publish::ship::{self, Shipment, Shipped};
use crate::store::Lake;
use crate::store::paths::Shelf;
use crate::store::remote::Client;

use super::events::{Event, Listener};
use super::night::Options;
use super::record::{read_json, write_json};

/// The way to readers who are not on this machine.
pub(super) struct Shipping {
    client: Client,
    record: PathBuf,
    owner: String,
}

impl Shipping {
    /// The way there, if readers are elsewhere. Asks whose the place is; writes nothing.
    ///
    /// # Errors
    /// When it belongs to another warehouse or target, or cannot be reached.
    pub(super) async fn open(plan: &Plan, lake: &Lake, options: &Options) -> Result<Option<Self>> {
        let settings = &plan.settings;
        let Some(url) = &settings.remote_published else {
            return Ok(None);
        };
        let shipping = Self {
            client: Client::open(url, settings, &options.secrets)?,
            record: lake.shipped(&url.folder_name()),
            owner: format!("{} {}", settings.name, settings.target),
        };
        ship::check(&shipping.client, &shipping.owner).await?;
        Ok(Some(shipping))
    }

    /// Takes back what readers have, where our shelf has nothing: of a lake that was lost.
    ///
    /// # Errors
    /// When a request fails, or what is there is not whole.
    pub(super) async fn adopt(&self, plan: &Plan, listener: &dyn Listener) -> Result<()> {
        for audience in &plan.settings.audiences {
            let shelf = Shelf::new(&plan.settings.published, audience);
            let mut known = self.known()?;
            let entry = known.entry(audience.clone()).or_default();
            if self.shipment(audience, &shelf).adopt(entry).await? {
                write_json(&self.record, &known)?;
                listener.event(&Event::Repaired {
                    what: format!("took back what {audience} has at {}", self.client.url()),
                });
            }
        }
        Ok(())
    }

    /// Finishes what a killed run did not bring there. Returns whether anything was done.
    ///
    /// # Errors
    /// As [`Shipment::ship`].
    pub(super) async fn finish(&self, plan: &Plan, listener: &dyn Listener) -> Result<bool> {
        let mut done = false;
        for audience in &plan.settings.audiences {
            if self.ship(plan, audience).await? > 0 {
                done = true;
                listener.event(&Event::Repaired {
                    what: format!(
                        "brought the last release of {audience} to {}",
                        self.client.url()
                    ),
                });
            }
        }
        Ok(done)
    }

    /// Brings the release of an audience there. Returns how many objects were written.
    ///
    /// # Errors
    /// As [`Shipment::ship`].
    pub(super) async fn ship(&self, plan: &Plan, audience: &str) -> Result<usize> {
        let shelf = Shelf::new(&plan.settings.published, audience);
        if !shelf.release().is_file() {
            return Ok(0);
        }
        let mut known = self.known()?;
        let before = known.clone();
        if known.is_empty() {
            ship::claim(&self.client, &self.owner).await?;
        }
        let entry = known.entry(audience.to_owned()).or_default();
        let shipped = self.shipment(audience, &shelf).ship(entry).await;
        let mut found = Diagnostics::default();
        // What was done is remembered, also when not all of it could be.
        if known != before {
            found.take(write_json(&self.record, &known));
        }
        let shipped = found.take(shipped);
        match shipped {
            Some(objects) if !found.has_errors() => Ok(objects),
            _ => Err(found),
        }
    }

    /// Where readers find a mart.
    pub(super) fn latest(&self, audience: &str, mart: &str) -> PathBuf {
        let below = format!("{audience}/latest/{mart}.parquet");
        PathBuf::from(self.client.url().below(&below))
    }

    fn shipment<'a>(&'a self, audience: &'a str, shelf: &'a Shelf) -> Shipment<'a> {
        Shipment {
            client: &self.client,
            audience,
            shelf,
        }
    }

    fn known(&self) -> Result<BTreeMap<String, Shipped>> {
        Ok(read_json(&self.record)?.unwrap_or_default())
    }
}
