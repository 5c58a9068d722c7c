//! Writes that are whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::diag::{Diagnostic, Diagnostics, Result};

/// How temporary files start; readers and sweeps know them by it.
pub const TEMPORARY_PREFIX: &str = ".martlet-";

/// A file being written beside its place. Dropped unfinished, it leaves nothing.
#[derive(Debug)]
pub struct AtomicFile {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl AtomicFile {
    /// Starts a file that will be `target`, making its folder.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn create(target: &Path) -> Result<Self> {
        Self::with_mode(target, READABLE)
    }

    /// The same for a file that nobody but us may read.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn create_private(target: &Path) -> Result<Self> {
        Self::with_mode(target, PRIVATE)
    }

    fn with_mode(target: &Path, mode: u32) -> Result<Self> {
        let make = || -> io::Result<NamedTempFile> {
            let folder = parent(target);
            make_folder(folder)?;
            tempfile::Builder::new()
                .prefix(TEMPORARY_PREFIX)
                .permissions(permissions(mode))
                .tempfile_in(folder)
        };
        make()
            .map(|temporary| Self {
                target: target.to_owned(),
                temporary,
            })
            .map_err(|e| failed(target, "create the file", &e))
    }

    /// Puts the file in its place, replacing what stood there in one step.
    ///
    /// # Errors
    /// When the disk fails; what stood there then still stands.
    pub fn commit(self) -> Result<()> {
        let Self { target, temporary } = self;
        let finish = || -> io::Result<()> {
            temporary.as_file().sync_all()?;
            temporary.persist(&target).map_err(|e| e.error)?;
            sync_folder(parent(&target))
        };
        finish().map_err(|e| failed(&target, "write the file", &e))
    }

    /// Puts the file in its place before it is durable: until [`Placed::keep`], nothing may rely on it.
    ///
    /// # Errors
    /// When the disk fails; what stood there then still stands.
    pub fn place(self, target: PathBuf) -> Result<Placed> {
        let persisted = self.temporary.persist(&target);
        let file = persisted.map_err(|e| failed(&target, "write the file", &e.error))?;
        Ok(Placed { target, file })
    }

    /// Gives the file the time that it was last changed at where it came from.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn set_modified(&self, modified: std::time::SystemTime) -> Result<()> {
        let file = self.temporary.as_file();
        file.set_modified(modified)
            .map_err(|e| failed(&self.target, "set the file's time", &e))
    }

    /// The place it will have.
    pub fn target(&self) -> &Path {
        &self.target
    }
}

/// A file in its place that a loss of power may still undo.
#[derive(Debug)]
#[must_use]
pub struct Placed {
    target: PathBuf,
    file: File,
}

impl Placed {
    /// Makes it durable.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn keep(self) -> Result<()> {
        let keep = || -> io::Result<()> {
            self.file.sync_all()?;
            sync_folder(parent(&self.target))
        };
        keep().map_err(|e| failed(&self.target, "write the file", &e))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.temporary.write(buf)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temporary.flush()
    }
}

/// Writes `bytes` to `target`, whole or not at all.
///
/// # Errors
/// When the disk fails; what stood there then still stands.
pub fn write(target: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = AtomicFile::create(target)?;
    file.write_all(bytes)
        .map_err(|e| failed(target, "write the file", &e))?;
    file.commit()
}

/// A copy of `from`, complete, that will be `target` once it is committed.
///
/// # Errors
/// When either disk fails.
pub fn copied(from: &Path, target: &Path) -> Result<AtomicFile> {
    let mut source = File::open(from).map_err(|e| failed(from, "open", &e))?;
    let mut file = AtomicFile::create(target)?;
    io::copy(&mut source, &mut file).map_err(|e| failed(target, "write the file", &e))?;
    Ok(file)
}

/// Removes a file, durably. Gone already is as good.
///
/// # Errors
/// When the disk fails.
pub fn remove(target: &Path) -> Result<()> {
    let gone = match fs::remove_file(target) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        Err(_) => return Ok(()),
        Ok(()) => sync_folder(parent(target)),
    };
    gone.map_err(|e| failed(target, "remove the file", &e))
}

/// Removes what killed writes left in a folder. Only for folders that nobody else writes to now.
///
/// # Errors
/// When the disk fails. A folder that is not there has nothing in it.
pub fn sweep(folder: &Path) -> Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|e| failed(folder, "list the folder", &e))?,
    };
    for entry in entries {
        let entry = entry.map_err(|e| failed(folder, "list the folder", &e))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with(TEMPORARY_PREFIX) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Makes a folder and those above it. A file is only as durable as the names that lead to it, so
/// each folder that is new is written down in the one above.
fn make_folder(folder: &Path) -> io::Result<()> {
    let missing: Vec<&Path> = folder
        .ancestors()
        .take_while(|f| !f.as_os_str().is_empty() && !f.exists())
        .collect();
    fs::create_dir_all(folder)?;
    for new in missing.into_iter().rev() {
        sync_folder(parent(new))?;
    }
    Ok(())
}

/// Makes a folder's entries durable.
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Readers are other users: a temporary file's 0600 must not be what they meet.
const READABLE: u32 = 0o644;
/// For our user alone.
const PRIVATE: u32 = 0o600;

fn permissions(mode: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt;
    fs::Permissions::from_mode(mode)
}

fn failed(path: &Path, doing: &str, error: &io::Error) -> Diagnostics {
    Diagnostic::io(path, doing, error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_file_leaves_nothing_and_the_old_one_stands() {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("sub/file.txt");
        write(&target, b"old").expect("writes");
        {
            let mut file = AtomicFile::create(&target).expect("creates");
            file.write_all(b"half").expect("writes");
        }
        assert_eq!(fs::read(&target).expect("reads"), b"old");
        let left = fs::read_dir(folder.path().join("sub"))
            .expect("lists")
            .count();
        assert_eq!(left, 1);
    }
}
