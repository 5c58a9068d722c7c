//! From our shelf to a remote place of readers, in the order that keeps every reader right.
//!
//! Versions first, each only where nothing stands; then `release.json`, only over the release that
//! was there when we last looked and that we know for ours; then the stable paths. Whoever opens
//! `release.json` finds every object it names. Stopped anywhere and begun again, it goes on where
//! it was; when all is there, nothing is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, StreamExt};
use serde::{Deserialize, Serialize};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::atomic;
use crate::store::paths::Shelf;
use crate::store::remote::{Client, Created, Object, Swapped};

use super::Release;

/// Marts under way at once.
const AT_ONCE: usize = 4;

/// What we know to be there, from when we wrote it or last read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipped {
    /// BLAKE3 of the `release.json` that is ours.
    pub release: Option<String>,
    /// Objects whose bytes we know: path, tag and BLAKE3.
    pub objects: BTreeMap<String, Known>,
}

/// An object whose bytes we know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    tag: String,
    blake3: String,
}

/// The way to one audience's part of a remote place.
pub struct Shipment<'a> {
    /// The place.
    pub client: &'a Client,
    /// The audience: its folder there.
    pub audience: &'a str,
    /// Our shelf of the audience.
    pub shelf: &'a Shelf,
}

impl Shipment<'_> {
    fn at(&self, local: &Path) -> String {
        let below = local.strip_prefix(self.shelf.root()).unwrap_or(local);
        format!("{}/{}", self.audience, below.display())
    }

    /// Brings the remote place in line with the shelf. Returns how many objects were written or
    /// removed; a shelf without a release ships nothing.
    ///
    /// # Errors
    /// [`Code::Locked`] when the release there is not ours: nothing is overwritten. A version that
    /// stands there with other bytes; a request that fails.
    pub async fn ship(&self, known: &mut Shipped) -> Result<usize> {
        let Some(release) = Release::current(self.shelf)? else {
            return Ok(0);
        };
        let ours = read(&self.shelf.release())?;
        let path = self.at(&self.shelf.release());
        let there = self.client.read(&path).await?;
        let placed = there.as_ref().is_some_and(|(bytes, _)| *bytes == ours);
        if let Some((bytes, _)) = &there
            && !placed
            && known.release.as_ref() != Some(&hash(bytes))
        {
            return Err(self.moved(&path).into());
        }
        let mut done = self.versions(&release, known).await?;
        if !placed {
            let old = there.as_ref().map(|(_, object)| object);
            match self.client.swap(&path, ours.clone(), old).await? {
                Swapped::Done => {}
                // Our own request may have gone through and its answer been lost.
                Swapped::Moved => match self.client.read(&path).await? {
                    Some((bytes, _)) if bytes == ours => {}
                    _ => return Err(self.moved(&path).into()),
                },
            }
            done += 1;
        }
        known.release = Some(hash(&ours));
        done += self.latest(&release, known).await?;
        let named: BTreeSet<String> = release
            .marts
            .iter()
            .flat_map(|(mart, released)| {
                [
                    self.at(&self.shelf.part(mart, &released.version)),
                    self.at(&self.shelf.manifest(mart, &released.version)),
                    self.at(&self.shelf.latest(mart)),
                ]
            })
            .collect();
        known.objects.retain(|path, _| named.contains(path));
        Ok(done)
    }

    /// Every version that the release names, rows before manifest.
    async fn versions(&self, release: &Release, known: &mut Shipped) -> Result<usize> {
        let before = &*known;
        let mut work = stream::iter(&release.marts)
            .map(|(mart, released)| async move {
                let part = self.shelf.part(mart, &released.version);
                let manifest = self.shelf.manifest(mart, &released.version);
                let first = self.place(&part, Some(&released.blake3), before).await?;
                let second = self.place(&manifest, None, before).await?;
                Ok::<_, Diagnostics>([first, second])
            })
            .buffer_unordered(AT_ONCE);
        let mut found = Diagnostics::default();
        let mut placed = Vec::new();
        while let Some(done) = work.next().await {
            placed.extend(found.take(done).into_iter().flatten());
        }
        drop(work);
        let mut written = 0;
        for (path, is_new, object) in placed {
            written += usize::from(is_new);
            known.objects.extend(object.map(|k| (path, k)));
        }
        if found.has_errors() {
            Err(found)
        } else {
            Ok(written)
        }
    }

    /// Puts an immutable file where nothing stands, or sees that what stands there is the same.
    async fn place(
        &self,
        local: &Path,
        released: Option<&String>,
        known: &Shipped,
    ) -> Result<(String, bool, Option<Known>)> {
        let path = self.at(local);
        let head = self.client.head(&path).await?;
        if let Some(head) = &head
            && let (Some(seen), Some(tag)) = (known.objects.get(&path), tag(head))
            && seen.tag == tag
        {
            return Ok((path, false, None));
        }
        let bytes = read(local)?;
        let blake3 = hash(&bytes);
        if released.is_some_and(|r| *r != blake3) {
            return Err(damaged(local).into());
        }
        if head.is_none()
            && let Created::Written(tag) = self.client.create(&path, bytes.clone()).await?
        {
            let known = tag.map(|tag| Known {
                tag: bare(&tag),
                blake3,
            });
            return Ok((path, true, known));
        }
        match self.client.read(&path).await? {
            Some((there, object)) if there == bytes => {
                let known = tag(&object).map(|tag| Known { tag, blake3 });
                Ok((path, false, known))
            }
            _ => Err(Diagnostic::error(
                Code::State,
                "an object with other bytes stands where a version should, and versions never change",
            )
            .at(DataPlace::file(self.client.url().below(&path)))
            .hint("nothing was published; move the object away and run again")
            .into()),
        }
    }

    /// The stable paths, as the release has them.
    async fn latest(&self, release: &Release, known: &mut Shipped) -> Result<usize> {
        let folder = self.at(&self.shelf.latest_folder());
        let there: BTreeMap<String, Object> =
            self.client.list(&folder).await?.into_iter().collect();
        let mut done = 0;
        for (mart, released) in &release.marts {
            let local = self.shelf.latest(mart);
            let path = self.at(&local);
            let object = there.get(&format!("{mart}.parquet"));
            let seen = known.objects.get(&path);
            if let (Some(tag), Some(seen)) = (object.and_then(tag), seen)
                && seen.tag == tag
                && seen.blake3 == released.blake3
            {
                continue;
            }
            let part = self.shelf.part(mart, &released.version);
            let bytes = read(&part)?;
            if hash(&bytes) != released.blake3 {
                return Err(damaged(&part).into());
            }
            let same = match object {
                Some(object) if object.size == bytes.len() as u64 => {
                    self.client.read(&path).await?
                }
                _ => None,
            };
            let tag = match same {
                Some((there, object)) if there == bytes => tag(&object),
                _ => {
                    done += 1;
                    self.client.put(&path, bytes).await?.map(|t| bare(&t))
                }
            };
            let blake3 = released.blake3.clone();
            known
                .objects
                .extend(tag.map(|tag| (path, Known { tag, blake3 })));
        }
        for name in there.keys() {
            let retired = name
                .strip_suffix(".parquet")
                .is_some_and(|mart| !release.marts.contains_key(mart));
            if retired {
                self.client.delete(&format!("{folder}/{name}")).await?;
                done += 1;
            }
        }
        Ok(done)
    }

    /// Takes back what readers have, onto a shelf that has no release: of a lake that was lost.
    /// Returns whether anything was taken.
    ///
    /// # Errors
    /// When a request fails, or an object is not what the release says.
    pub async fn adopt(&self, known: &mut Shipped) -> Result<bool> {
        if Release::current(self.shelf)?.is_some() {
            return Ok(false);
        }
        let path = self.at(&self.shelf.release());
        let Some((bytes, _)) = self.client.read(&path).await? else {
            return Ok(false);
        };
        let release: Release = serde_json::from_slice(&bytes).map_err(|_| {
            Diagnostics::from(
                Diagnostic::error(Code::State, "this is not a release that martlet wrote")
                    .at(DataPlace::file(self.client.url().below(&path)))
                    .hint("give this target a place of its own, or take the object back from a backup"),
            )
        })?;
        for (mart, released) in &release.marts {
            let part = self.shelf.part(mart, &released.version);
            let manifest = self.shelf.manifest(mart, &released.version);
            for (local, blake3) in [(&part, Some(&released.blake3)), (&manifest, None)] {
                let path = self.at(local);
                match self.client.read(&path).await? {
                    Some((bytes, _)) if blake3.is_none_or(|b| *b == hash(&bytes)) => {
                        atomic::write(local, &bytes)?;
                    }
                    _ => {
                        return Err(Diagnostic::error(
                            Code::State,
                            format!("the release names mart.{mart}, and its version is not there or not whole"),
                        )
                        .at(DataPlace::file(self.client.url().below(&path)))
                        .hint("take it back from a backup; or delete release.json there, and run again")
                        .into());
                    }
                }
            }
        }
        atomic::write(&self.shelf.release(), &bytes)?;
        known.release = Some(hash(&bytes));
        Ok(true)
    }

    fn moved(&self, path: &str) -> Diagnostic {
        Diagnostic::error(
            Code::Locked,
            "somebody else has published there: the release is not the one this lake shipped last",
        )
        .at(DataPlace::file(self.client.url().below(path)))
        .hint("nothing was overwritten; let one lake alone publish to a place")
        .hint(format!(
            "to go on from what is there, move {} away and run again",
            self.shelf.root().display()
        ))
    }
}

/// Where a remote place says to whom it belongs.
const OWNER: &str = ".owner.json";

/// Whether a remote place is ours, or nobody's yet.
///
/// # Errors
/// When it is somebody else's: two warehouses would retire each other's marts.
pub async fn check(client: &Client, owner: &str) -> Result<bool> {
    let Some((bytes, _)) = client.read(OWNER).await? else {
        return Ok(false);
    };
    let other: String = serde_json::from_slice(&bytes).unwrap_or_default();
    if other == owner {
        return Ok(true);
    }
    Err(Diagnostic::error(
        Code::State,
        format!("the place belongs to `{other}`, not to `{owner}`"),
    )
    .at(DataPlace::file(client.url().below(OWNER)))
    .hint("give this target a `published` of its own")
    .into())
}

/// Says that a remote place is ours, if it is nobody's yet.
///
/// # Errors
/// When it is somebody else's.
pub async fn claim(client: &Client, owner: &str) -> Result<()> {
    if check(client, owner).await? {
        return Ok(());
    }
    let document = Bytes::from(format!("\"{owner}\"\n"));
    match client.create(OWNER, document).await? {
        Created::Written(_) => Ok(()),
        Created::Exists => check(client, owner).await.map(|_| ()),
    }
}

fn damaged(path: &Path) -> Diagnostic {
    Diagnostic::error(Code::State, "the version is not what was released")
        .at(DataPlace::file(path.display().to_string()))
        .hint("delete the version's folder and run again; readers keep what they have")
}

fn read(path: &Path) -> Result<Bytes> {
    std::fs::read(path)
        .map(Bytes::from)
        .map_err(|e| Diagnostic::io(path, "read the file", &e).into())
}

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// A tag without the quotes that some answers put around it.
fn bare(tag: &str) -> String {
    tag.trim_matches('"').to_owned()
}

fn tag(object: &Object) -> Option<String> {
    object.e_tag.as_deref().map(bare)
}
