//! Writes: one request an object, so that nobody sees half of one.

use bytes::Bytes;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, PutResult,
};

use crate::diag::Result;

use super::{Client, Object};

/// What came of writing where nothing should stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// It was written; the tag it has now.
    Written(Option<String>),
    /// Something stands there.
    Exists,
}

/// What came of replacing one object by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// It was replaced.
    Done,
    /// It is not the object any more that it was to replace.
    Moved,
}

impl Client {
    /// Writes an object unless something stands there.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn create(&self, path: &str, bytes: Bytes) -> Result<Created> {
        match self.put_in(path, bytes, PutMode::Create).await? {
            Ok(put) => Ok(Created::Written(put.e_tag)),
            Err(
                Error::AlreadyExists { .. }
                | Error::Precondition { .. }
                | Error::NotModified { .. },
            ) => Ok(Created::Exists),
            Err(e) => Err(self.fault("write it", path, &e)),
        }
    }

    /// Replaces an object by another, if it still is the one that was read; with nothing to
    /// replace, only if nothing stands there.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn swap(&self, path: &str, bytes: Bytes, old: Option<&Object>) -> Result<Swapped> {
        let mode = old.map_or(PutMode::Create, |o| PutMode::Update(o.update()));
        match self.put_in(path, bytes, mode).await? {
            Ok(_) => Ok(Swapped::Done),
            Err(
                Error::AlreadyExists { .. }
                | Error::Precondition { .. }
                | Error::NotModified { .. }
                | Error::NotFound { .. },
            ) => Ok(Swapped::Moved),
            Err(e) => Err(self.fault("write it", path, &e)),
        }
    }

    /// Writes an object over whatever stands there; returns the tag it has now.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn put(&self, path: &str, bytes: Bytes) -> Result<Option<String>> {
        match self.put_in(path, bytes, PutMode::Overwrite).await? {
            Ok(put) => Ok(put.e_tag),
            Err(e) => Err(self.fault("write it", path, &e)),
        }
    }

    /// Removes an object. Gone already is as good.
    ///
    /// # Errors
    /// When the request fails.
    pub async fn delete(&self, path: &str) -> Result<()> {
        let full = self.path(path)?;
        match self.store.delete(&full).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(e) => Err(self.fault("remove it", path, &e)),
        }
    }

    async fn put_in(
        &self,
        path: &str,
        bytes: Bytes,
        mode: PutMode,
    ) -> Result<std::result::Result<PutResult, Error>> {
        let full = self.path(path)?;
        let options = PutOptions::from(mode);
        // Begun again only where a second time does no harm: a conditional write that went
        // through and whose answer was lost is found out by whoever asked for it.
        let put = || {
            let payload = PutPayload::from(bytes.clone());
            self.store.put_opts(&full, payload, options.clone())
        };
        Ok(self.again(put).await)
    }
}
