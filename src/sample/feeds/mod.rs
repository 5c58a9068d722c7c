//! The feeds: how what happened is written down, faults and all. A feed decides nothing that counts;
//! it only spells.

pub mod csv;
pub mod liver;
pub mod lung;
pub mod people;
pub mod personalised_care;
pub mod reference;
pub mod screening;

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use super::Written;

/// Creates a file below `root`, with the folders it needs.
pub(super) fn create(root: &Path, path: &str) -> io::Result<File> {
    let full = root.join(path);
    if let Some(folder) = full.parent() {
        fs::create_dir_all(folder)?;
    }
    File::create(full)
}

/// Writes a file whole.
pub(super) fn write_whole(
    root: &Path,
    path: String,
    rows: u64,
    bytes: &[u8],
) -> io::Result<Written> {
    create(root, &path)?.write_all(bytes)?;
    Ok(Written {
        path,
        rows,
        bytes: bytes.len() as u64,
    })
}
