//! One run at a time: a lock on a file of the lake and one of the readers' folder, let go by the
//! system when the process ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::Duration;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};

/// The lock, held while it lives.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock that stands at `path`, waiting for another run if `wait`.
    ///
    /// # Errors
    /// [`Code::Locked`] when another run holds it.
    pub async fn take(path: &Path, wait: bool) -> Result<Self> {
        let io = |doing: &'static str| {
            move |e: std::io::Error| Diagnostics::from(Diagnostic::io(path, doing, &e))
        };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(io("make the folder"))?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(io("open the lock"))?;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                // Asked again and again, never a blocking call: a run that waits can be stopped.
                Err(TryLockError::WouldBlock) if wait => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                Err(TryLockError::WouldBlock) => return Err(locked(path)),
                Err(TryLockError::Error(e)) => return Err(io("take the lock")(e)),
            }
        }
    }
}

fn locked(path: &Path) -> Diagnostics {
    Diagnostic::error(Code::Locked, "another run holds the lock")
        .at(DataPlace::file(path.display().to_string()))
        .hint("let it finish, or use --wait")
        .into()
}
