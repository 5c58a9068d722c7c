//! Lists and reads: whole, or an error.

use std::io::Write;
use std::path::Path as LocalPath;
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{Error, GetOptions, GetResult, ObjectMeta, ObjectStoreExt, UpdateVersion};
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
        let options = GetOptions {
            if_none_match: known.and_then(|k| k.e_tag.clone()),
            if_modified_since: known.filter(|k| k.e_tag.is_none()).map(|k| k.modified),
            ..GetOptions::default()
        };
        let mut disk = Diagnostics::default();
        let mut attempts = 0;
        loop {
            attempts += 1;
            let begun = self
                .again(|| self.store.get_opts(&full, options.clone()))
                .await;
            let result = match begun {
                Ok(result) => result,
                Err(Error::NotModified { .. }) => return Ok(Fetched::Unchanged),
                Err(Error::NotFound { .. }) => return Ok(Fetched::Gone),
                Err(e) => return Err(self.fault("read it", path, &e)),
            };
            let object = Object::of(&result.meta);
            match self.save(result, &object, target, &mut disk).await {
                Ok(()) => return Ok(Fetched::Written(object)),
                Err(_) if disk.has_errors() => return Err(disk),
                Err(e) if attempts == 4 => return Err(self.fault("read it", path, &e)),
                Err(_) => {}
            }
        }
    }

    async fn save(
        &self,
        result: GetResult,
        object: &Object,
        target: &LocalPath,
        disk: &mut Diagnostics,
    ) -> std::result::Result<(), Error> {
        let mut failed = |found: Diagnostics| {
            disk.extend(found);
            interrupted("the disk failed")
        };
        let mut file = AtomicFile::create(target).map_err(&mut failed)?;
        let mut body = result.into_stream();
        let mut size = 0;
        while let Some(bytes) = body.try_next().await? {
            size += bytes.len() as u64;
            file.write_all(&bytes)
                .map_err(|e| failed(Diagnostic::io(target, "write the file", &e).into()))?;
        }
        whole(size, object.size)?;
        file.set_modified(SystemTime::from(object.modified))
            .map_err(&mut failed)?;
        file.commit().map_err(&mut failed)
    }

    /// An object that must be there.
    pub fn absent(&self, path: &str) -> Diagnostic {
        Diagnostic::error(Code::FileName, "the store does not have this file")
            .at(DataPlace::file(self.url.below(path)))
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
