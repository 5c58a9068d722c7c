//! What was taken or made, made durable in order beside what is done next: first files, then what names them.

use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use parking_lot::Mutex;

use crate::diag::{Diagnostic, Diagnostics, Result};
use crate::store::atomic::{self, Placed};

use super::attempt::forget;

/// What a [`Saver`] is given.
pub(super) enum Save {
    /// A file, to be made durable.
    File(Placed),
    /// What will be a file, whole or not at all. All that it speaks of was given before it.
    Whole(PathBuf, Vec<u8>),
    /// The files of a table: what else stands in their folder goes.
    Alone(Vec<PathBuf>),
    /// A file that is of no use any more.
    Forgotten(PathBuf),
}

impl Save {
    fn now(self) -> Result<()> {
        match self {
            Self::File(placed) => placed.keep(),
            Self::Whole(path, bytes) => atomic::write(&path, &bytes),
            Self::Alone(files) => {
                remove_others(&files);
                Ok(())
            }
            Self::Forgotten(path) => forget(&path),
        }
    }
}

/// Makes files durable, one after another in the order they come: the tables of a night and their records while
/// the next tables are made, the copies of a source and its ledger while their rows are read.
pub(super) struct Saver(Mutex<State>);

struct State {
    /// None when it is done.
    way: Option<Way>,
    /// Why not everything was saved: all who ask are told.
    failed: Option<Diagnostics>,
}

/// A thread that saves, and the way to it.
struct Way {
    sender: Sender<Save>,
    thread: JoinHandle<Result<()>>,
}

impl Saver {
    /// Begins to wait for something to save.
    pub(super) fn start() -> Self {
        let (sender, given) = channel::<Save>();
        let thread = std::thread::spawn(move || given.into_iter().try_for_each(Save::now));
        Self(Mutex::new(State {
            way: Some(Way { sender, thread }),
            failed: None,
        }))
    }

    /// Begins to save these.
    ///
    /// # Errors
    /// When the disk has failed for one of them already.
    pub(super) fn of(all: impl IntoIterator<Item = Save>) -> Result<Self> {
        let saver = Self::start();
        all.into_iter().try_for_each(|one| saver.save(one))?;
        Ok(saver)
    }

    /// Takes something to save.
    ///
    /// # Errors
    /// When the disk has failed for something taken before.
    pub(super) fn save(&self, something: Save) -> Result<()> {
        let taken = match &self.0.lock().way {
            Some(way) => way.sender.send(something).is_ok(),
            None => false,
        };
        match taken {
            true => Ok(()),
            false => self.done().and_then(|()| Err(ended_before())),
        }
    }

    /// Waits until everything is durable, and takes nothing more. Asked again, it answers the same.
    ///
    /// # Errors
    /// When the disk failed.
    pub(super) fn done(&self) -> Result<()> {
        let mut state = self.0.lock();
        if let Some(Way { sender, thread }) = state.way.take() {
            drop(sender);
            state.failed = ended(thread).err();
        }
        match &state.failed {
            Some(failed) => Err(failed.clone()),
            None => Ok(()),
        }
    }
}

/// What was made before something failed is kept as well.
impl Drop for Saver {
    fn drop(&mut self) {
        // Who wanted to know asked.
        let _ = self.done();
    }
}

fn ended(thread: JoinHandle<Result<()>>) -> Result<()> {
    let panicked = |_| Err(Diagnostic::bug("what saves files panicked").into());
    thread.join().unwrap_or_else(panicked)
}

fn ended_before() -> Diagnostics {
    Diagnostic::bug("what saves files had ended").into()
}

/// Removes what else stands in the folder of files.
fn remove_others(files: &[PathBuf]) {
    let folder = files.first().and_then(|file| file.parent());
    let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
    for entry in entries.into_iter().flatten().flatten() {
        if !files.contains(&entry.path()) {
            // Left behind, it costs room and nothing else.
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Code;

    #[test]
    fn what_is_given_is_there_in_the_end_and_a_failure_is_told() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        let saver = Saver::start();
        for name in ["one", "two"] {
            let whole = Save::Whole(path(name), name.as_bytes().to_vec());
            saver.save(whole).expect("takes it");
        }
        saver.done().expect("saves");
        assert_eq!(std::fs::read(path("two")).expect("a file"), b"two");

        // A file stands where the folder should be: what comes after it is not saved, and whoever asks is told.
        let saver = Saver::start();
        let below = Save::Whole(path("one").join("below"), Vec::new());
        saver.save(below).expect("takes it");
        let _ = saver.save(Save::Whole(path("three"), Vec::new()));
        let answers = [
            saver.done(),
            saver.save(Save::Whole(path("four"), Vec::new())),
        ];
        for failed in answers.map(|answer| answer.expect_err("fails")) {
            assert!(failed.iter().all(|e| e.code == Code::Io), "{failed:?}");
        }
        assert!(!path("three").exists() && !path("four").exists());

        // What a table was stays until its record is written.
        let saver = Saver::start();
        saver
            .save(Save::Whole(path("record"), Vec::new()))
            .expect("takes it");
        saver
            .save(Save::Alone(vec![path("two"), path("record")]))
            .expect("takes it");
        saver
            .save(Save::Forgotten(path("gone already")))
            .expect("takes it");
        saver.done().expect("saves");
        assert!(!path("one").exists() && path("two").exists() && path("record").exists());
    }
}
