//! Lists and reads: whole, or an error.

use std::io::Write;
use std::path::Path as LocalPath;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{
    Error, GetOptions, GetRange, GetResult, ObjectMeta, ObjectStoreExt, UpdateVersion,
};
use serde::{Deserialize, Serialize};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::store::atomic::AtomicFile;

use super::Client;

/// An object as a store describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Object {
    /// Its size in bytes.
    pub size: u64,
    /// When it was last changed.
    pub modified: DateTime<Utc>,
    /// What changes whenever its bytes do, as the store sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub e_tag: Option<String>,
    /// Its version or generation, where a store counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

impl Object {
    fn of(meta: &ObjectMeta) -> Self {
        Self {
            size: meta.size,
            modified: meta.last_modified,
            e_tag: meta.e_tag.clone(),
            version: meta.version.clone(),
        }
    }

    /// Whether the store describes the same bytes. Listings and answers quote tags differently.
    pub fn is_same(&self, other: &Self) -> bool {
        let bare = |tag: &String| tag.trim_matches('"').to_owned();
        let tags = (
            self.e_tag.as_ref().map(bare),
            other.e_tag.as_ref().map(bare),
        );
        self.size == other.size
            && match tags {
                (Some(a), Some(b)) => a == b,
                _ => self.modified == other.modified,
            }
    }

    pub(super) fn update(&self) -> UpdateVersion {
        UpdateVersion {
            e_tag: self.e_tag.clone(),
            version: self.version.clone(),
        }
    }
}

/// What came of asking for a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fetched {
    /// It is as it was.
    Unchanged,
    /// It was written to its place.
    Written(Object),
    /// The store has no such file.
    Gone,
}

impl Client {
    /// The objects right below a folder, by name. A folder of which nothing is there is empty.
    ///
    /// # Errors
    /// When any part of the listing fails, after it was tried again.
    pub async fn list(&self, folder: &str) -> Result<Vec<(String, Object)>> {
        let path = self.path(folder)?;
        let listed = self
            .again(|| self.store.list_with_delimiter(Some(&path)))
            .await
            .map_err(|e| self.fault("list it", folder, &e))?;
        let mut objects: Vec<(String, Object)> = listed
            .objects
            .iter()
            .filter(|meta| meta.location != path)
            .filter_map(|meta| Some((meta.location.filename()?.to_owned(), Object::of(meta))))
            .collect();
        objects.sort_by(|a, b| a.0.cmp(&b.0));
        Ok(objects)
    }

    /// What the store says of an object, if it is there.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn head(&self, path: &str) -> Result<Option<Object>> {
        let full = self.path(path)?;
        match self.again(|| self.store.head(&full)).await {
            Ok(meta) => Ok(Some(Object::of(&meta))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.fault("look at it", path, &e)),
        }
    }

    /// An object's bytes, if it is there.
    ///
    /// # Errors
    /// When the request fails, or fewer bytes come than the store promised.
    pub async fn read(&self, path: &str) -> Result<Option<(Bytes, Object)>> {
        let full = self.path(path)?;
        let read = || async {
            let result = self.store.get(&full).await?;
            let object = Object::of(&result.meta);
            let bytes = result.bytes().await?;
            whole(bytes.len() as u64, object.size)?;
            Ok((bytes, object))
        };
        match self.again(read).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(e) => Err(self.fault("read it", path, &e)),
        }
    }

    /// Writes an object to a file, whole or not at all, with the time it was last changed at;
    /// not if the store says that it is still the one that is `known`.
    ///
    /// # Errors
    /// When the request or the disk fails, or fewer bytes come than the store promised.
    pub async fn fetch(
        &self,
        path: &str,
        target: &LocalPath,
        known: Option<&Object>,
    ) -> Result<Fetched> {
        let full = self.path(path)?;
        let fault = |e: &Error| self.fault("read it", path, e);
        let mut disk = Diagnostics::default();
        // How far it ever came, and how often it came no further: a long way is not a dead end.
        let (mut furthest, mut stalled) = (0, 0);
        let mut part: Option<Part> = None;
        loop {
            let options = match &part {
                Some(part) => part.rest(),
                None => GetOptions {
                    if_none_match: known.and_then(|k| k.e_tag.clone()),
                    if_modified_since: known.filter(|k| k.e_tag.is_none()).map(|k| k.modified),
                    ..GetOptions::default()
                },
            };
            let result = match self
                .again(|| self.store.get_opts(&full, options.clone()))
                .await
            {
                Ok(result) => result,
                Err(Error::NotModified { .. }) if part.is_none() => return Ok(Fetched::Unchanged),
                Err(Error::NotFound { .. }) => return Ok(Fetched::Gone),
                Err(e) if part.is_none() || stalled == STALLED => return Err(fault(&e)),
                // It changed, or the server sends no parts: from the beginning.
                Err(_) => {
                    stalled += 1;
                    part = None;
                    continue;
                }
            };
            let mut writing = match part.take() {
                Some(part) => part,
                None => Part::begin(target, Object::of(&result.meta))?,
            };
            let ended = writing.take(result, target, &mut disk).await;
            if disk.has_errors() {
                return Err(disk);
            }
            match ended {
                Ok(()) => return writing.finish().map(Fetched::Written),
                Err(e) if stalled == STALLED => return Err(fault(&e)),
                Err(_) => {
                    stalled = if writing.at > furthest {
                        0
                    } else {
                        stalled + 1
                    };
                    furthest = furthest.max(writing.at);
                    part = Some(writing).filter(Part::can_go_on);
                }
            }
        }
    }

    /// An object that must be there.
    pub fn absent(&self, path: &str) -> Diagnostic {
        Diagnostic::error(Code::FileName, "the store does not have this file")
            .at(DataPlace::file(self.url.below(path)))
    }
}

/// How often nothing may come before it is given up.
const STALLED: u32 = 4;

/// A file of which a part has come.
struct Part {
    file: AtomicFile,
    object: Object,
    at: u64,
}

impl Part {
    fn begin(target: &LocalPath, object: Object) -> Result<Self> {
        Ok(Self {
            file: AtomicFile::create(target)?,
            object,
            at: 0,
        })
    }

    /// Only of what has a tag is it known that the rest belongs to the part.
    fn can_go_on(&self) -> bool {
        self.object.e_tag.is_some() && self.at > 0 && self.at < self.object.size
    }

    /// What is still to be asked for.
    fn rest(&self) -> GetOptions {
        GetOptions {
            range: Some(GetRange::Offset(self.at)),
            if_match: self.object.e_tag.clone(),
            ..GetOptions::default()
        }
    }

    async fn take(
        &mut self,
        result: GetResult,
        target: &LocalPath,
        disk: &mut Diagnostics,
    ) -> std::result::Result<(), Error> {
        let mut body = result.into_stream();
        while let Some(bytes) = body.try_next().await? {
            if let Err(e) = self.file.write_all(&bytes) {
                disk.push(Diagnostic::io(target, "write the file", &e));
                return Err(interrupted("the disk failed"));
            }
            self.at += bytes.len() as u64;
        }
        whole(self.at, self.object.size)
    }

    fn finish(self) -> Result<Object> {
        self.file
            .set_modified(SystemTime::from(self.object.modified))?;
        self.file.commit()?;
        Ok(self.object)
    }
}

fn whole(came: u64, promised: u64) -> std::result::Result<(), Error> {
    if came == promised {
        return Ok(());
    }
    Err(interrupted(&format!(
        "{came} bytes came of {promised}: the answer was cut short"
    )))
}

fn interrupted(why: &str) -> Error {
    Error::Generic {
        store: "remote",
        source: why.into(),
    }
}
