//! The landing: a copy of every file that was taken, named by its bytes and never changed. What is
//! read is read from there, so that nothing can change under the reader, and a file may leave the
//! inbox without leaving the warehouse.
//!
//! It holds what was sent as it was sent, people's numbers and all: only our own user may look.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::diag::{Diagnostic, Diagnostics, Result};

use super::atomic::AtomicFile;

/// Bytes copied at once.
const BLOCK: usize = 256 << 10;

/// Copies `from` to `target`, whole or not at all, if its bytes have this BLAKE3. Says whether they
/// had: a file that is replaced while it is copied has not, and nothing is kept of it.
///
/// # Errors
/// When either disk fails.
pub fn land(from: &Path, target: &Path, hash: &str) -> Result<bool> {
    let failed = |path: &Path, doing: &str, e: &std::io::Error| {
        Diagnostics::from(Diagnostic::io(path, doing, e))
    };
    let mut source = File::open(from).map_err(|e| failed(from, "open", &e))?;
    let mut copy = AtomicFile::create_private(target)?;
    if let Some(folder) = target.parent() {
        close(folder).map_err(|e| failed(folder, "close the folder to others", &e))?;
    }
    let mut hasher = blake3::Hasher::new();
    let mut block = vec![0; BLOCK];
    loop {
        let n = source
            .read(&mut block)
            .map_err(|e| failed(from, "read", &e))?;
        if n == 0 {
            break;
        }
        hasher.update(&block[..n]);
        copy.write_all(&block[..n])
            .map_err(|e| failed(target, "write the file", &e))?;
    }
    if hasher.finalize().to_hex().as_str() != hash {
        return Ok(false);
    }
    copy.commit()?;
    Ok(true)
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
    fn other_bytes_than_expected_are_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let (from, target) = (folder.path().join("a.csv"), folder.path().join("x/b.csv"));
        fs::write(&from, "a\n1\n").expect("writes");
        let hash = blake3::hash(b"a\n1\n").to_hex();
        assert!(!land(&from, &target, &"0".repeat(64)).expect("reads"));
        assert!(!target.exists());
        assert_eq!(
            fs::read_dir(folder.path().join("x"))
                .expect("lists")
                .count(),
            0
        );
        assert!(land(&from, &target, &hash).expect("lands"));
        assert_eq!(fs::read(&target).expect("reads"), b"a\n1\n");
        let mode = |path: &Path| path.metadata().expect("is there").permissions().mode() & 0o777;
        assert_eq!(mode(&target), 0o600);
        assert_eq!(mode(&folder.path().join("x")), 0o700);
    }
}
