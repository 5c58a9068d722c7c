//! The landing: a copy of every file that was taken, named by its bytes and never changed. What is
//! read is read from there, so that nothing can change under the reader, and a file may leave the
//! inbox without leaving the warehouse.
//!
//! It holds what was sent as it was sent, people's numbers and all: only our own user may look.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use crate::diag::{Diagnostic, Diagnostics, Result};

use super::atomic::{AtomicFile, Placed};

/// Bytes copied at once.
const BLOCK: usize = 1 << 20;
/// Blocks that may wait to be hashed.
const WAITING: usize = 4;

/// A file that was copied.
#[derive(Debug)]
pub struct Landed {
    /// Where its copy is.
    pub path: PathBuf,
    /// BLAKE3 of its bytes, in hexadecimal.
    pub hash: String,
    /// The copy, to be made durable.
    pub copy: Placed,
}

/// Copies `from` into a folder, under the name that `name` gives for its hash, whole or not at all.
/// It is read once: hashed while it is written.
///
/// # Errors
/// When either disk fails.
pub fn land(from: &Path, folder: &Path, name: impl Fn(&str) -> PathBuf) -> Result<Landed> {
    let failed = |path: &Path, doing: &str, e: &std::io::Error| {
        Diagnostics::from(Diagnostic::io(path, doing, e))
    };
    let mut source = File::open(from).map_err(|e| failed(from, "open", &e))?;
    let mut copy = AtomicFile::create_private(&folder.join("copy"))?;
    close(folder).map_err(|e| failed(folder, "close the folder to others", &e))?;
    let hash = thread::scope(|scope| -> Result<String> {
        // Hashing takes as long as copying: one beside the other.
        let (sender, blocks) = sync_channel::<Vec<u8>>(WAITING);
        let hasher = scope.spawn(move || {
            let mut hasher = blake3::Hasher::new();
            for block in blocks {
                hasher.update(&block);
            }
            hasher.finalize().to_hex().to_string()
        });
        loop {
            let mut block = Vec::with_capacity(BLOCK);
            let read = (&mut source).take(BLOCK as u64).read_to_end(&mut block);
            if read.map_err(|e| failed(from, "read", &e))? == 0 {
                break;
            }
            copy.write_all(&block)
                .map_err(|e| failed(folder, "write the file", &e))?;
            if sender.send(block).is_err() {
                break;
            }
        }
        drop(sender);
        let stopped = |_| Diagnostics::from(Diagnostic::bug("what hashes a copy panicked"));
        hasher.join().map_err(stopped)
    })?;
    let path = name(&hash);
    let copy = copy.place(path.clone())?;
    Ok(Landed { path, hash, copy })
}

/// Copies `from` to `target` again if its bytes have this hash still. Says whether they had.
///
/// # Errors
/// When either disk fails.
pub fn land_again(from: &Path, target: &Path, hash: &str) -> Result<bool> {
    let mut source = File::open(from).map_err(|e| Diagnostic::io(from, "open", &e))?;
    let mut hasher = blake3::Hasher::new();
    hasher
        .update_reader(&mut source)
        .map_err(|e| Diagnostic::io(from, "read", &e))?;
    if hasher.finalize().to_hex().as_str() != hash {
        return Ok(false);
    }
    let folder = target.parent().unwrap_or(target);
    let landed = land(from, folder, |_| target.to_owned())?;
    landed.copy.keep()?;
    Ok(landed.hash == hash)
}

/// Closes a folder to everybody but our user.
fn close(folder: &Path) -> std::io::Result<()> {
    let mut permissions = folder.metadata()?.permissions();
    if permissions.mode() & 0o777 != 0o700 {
        permissions.set_mode(0o700);
        std::fs::set_permissions(folder, permissions)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_copy_is_named_by_its_bytes_and_ours_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, landing) = (folder.path().join("a.csv"), folder.path().join("x"));
        fs::write(&from, "a\n1\n").expect("writes");
        let landed = land(&from, &landing, |hash| landing.join(hash)).expect("lands");
        landed.copy.keep().expect("keeps");
        let hash = blake3::hash(b"a\n1\n").to_hex().to_string();
        assert_eq!(landed.path, landing.join(&hash));
        assert_eq!(landed.hash, hash);
        assert_eq!(fs::read(&landed.path).expect("reads"), b"a\n1\n");
        assert_eq!(fs::read_dir(&landing).expect("lists").count(), 1);
        let mode = |path: &Path| path.metadata().expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode(&landed.path), 0o600);
        assert_eq!(mode(&landing), 0o700);
    }

    #[test]
    fn other_bytes_than_expected_are_not_landed_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, target) = (folder.path().join("a.csv"), folder.path().join("x/b.csv"));
        fs::write(&from, "a\n1\n").expect("writes");
        assert!(!land_again(&from, &target, &"0".repeat(64)).expect("reads"));
        assert!(!target.exists());
        let hash = blake3::hash(b"a\n1\n").to_hex();
        assert!(land_again(&from, &target, &hash).expect("lands"));
        assert_eq!(fs::read(&target).expect("reads"), b"a\n1\n");
    }
}
