//! A throw-away project, and `martlet` run in it as a process with a clean environment.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A line for whoever reads the log. What a test prints is kept back while it passes; what is written to
/// the stream is not, and the runner's own lines come last all the same.
pub fn tell(line: &str) {
    writeln!(std::io::stdout(), "{line}").expect("a log");
}

/// A project in a folder that is swept up.
pub struct World {
    root: PathBuf,
    /// Sweeps the folder up when the world ends.
    _folder: Option<TempDir>,
}

/// How a process ended and what it said.
#[derive(Debug)]
pub struct Ran {
    /// Its exit code; a signal's death is minus the signal.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// What was said about them.
    pub stderr: String,
}

impl World {
    /// An empty folder.
    pub fn empty() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("martlet-test-")
            .tempdir()
            .expect("a folder");
        Self {
            root: folder.path().to_owned(),
            _folder: Some(folder),
        }
    }

    /// The same world at a place that outlives its tests, because a static never ends; the next
    /// run of the tests sweeps it up.
    pub fn kept_until_the_next_run(self, name: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        for old in fs::read_dir(&place).into_iter().flatten().flatten() {
            let owner = Path::new("/proc").join(old.file_name());
            if !owner.exists() {
                fs::remove_dir_all(old.path()).expect("sweeps up");
            }
        }
        let root = place.join(std::process::id().to_string());
        copy_folder(self.root(), &root);
        Self {
            root,
            _folder: None,
        }
    }

    /// The repository's own project: pipelines, SQL, configuration and unit tests, without files.
    pub fn repository() -> Self {
        let world = Self::empty();
        for folder in ["pipelines", "sql", "config", "tests/pipelines"] {
            copy_folder(&repository().join(folder), &world.path(folder));
        }
        world
    }

    /// The repository's own project with the sample files that belong to it.
    pub fn repository_with_sample() -> Self {
        let world = Self::repository();
        copy_folder(
            &repository().join("data-samples"),
            &world.path("data-samples"),
        );
        world
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// A path below it.
    pub fn path(&self, below: impl AsRef<Path>) -> PathBuf {
        self.root().join(below)
    }

    /// Writes a file, making its folders.
    pub fn write(&self, below: &str, bytes: impl AsRef<[u8]>) -> &Self {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("writes");
        self
    }

    /// The text of a file.
    pub fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_else(|e| panic!("{below}: {e}"))
    }

    /// Replaces a text that must stand in a file.
    pub fn edit(&self, below: &str, from: &str, to: &str) -> &Self {
        let text = self.read(below);
        assert!(text.contains(from), "{below} does not hold `{from}`");
        self.write(below, text.replacen(from, to, 1))
    }

    /// Removes a file or a folder.
    pub fn remove(&self, below: &str) -> &Self {
        let path = self.path(below);
        if path.is_dir() {
            fs::remove_dir_all(path).expect("removes");
        } else {
            fs::remove_file(path).expect("removes");
        }
        self
    }

    /// `martlet` in this project, not yet started.
    pub fn command<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(martlet());
        self.settle(&mut command);
        command.args(arguments.into_iter().map(|a| a.as_ref().to_owned()));
        command
    }

    /// Gives a command this project's folder and an environment with nothing in it that could
    /// change what martlet does.
    pub fn settle(&self, command: &mut Command) {
        command
            .current_dir(self.root())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.root())
            .env("TZ", "UTC")
            .env("COLUMNS", "100")
            .stdin(Stdio::null());
    }

    /// Runs `martlet` with the words of a line; they may hold no spaces of their own.
    pub fn martlet(&self, line: &str) -> Ran {
        self.martlet_with(line.split_whitespace())
    }

    /// Runs `martlet` with these arguments.
    pub fn martlet_with<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> Ran {
        Ran::from(self.command(arguments).output().expect("martlet starts"))
    }

    /// Runs `martlet` with more in its environment.
    pub fn martlet_in(&self, environment: &[(&str, &str)], line: &str) -> Ran {
        let mut command = self.command(line.split_whitespace());
        command.envs(environment.iter().copied());
        Ran::from(command.output().expect("martlet starts"))
    }

    /// The document that `martlet … --json` prints.
    pub fn json(&self, line: &str) -> Value {
        self.martlet(&format!("{line} --json")).json()
    }

    /// Every file below a folder, with a hash of its bytes.
    pub fn hashes(&self, below: &str) -> BTreeMap<String, String> {
        files(&self.path(below))
            .into_iter()
            .map(|path| {
                let bytes = fs::read(&path).expect("reads");
                let name = path.strip_prefix(self.root()).expect("below");
                let hash = blake3::hash(&bytes).to_hex().to_string();
                (name.display().to_string(), hash)
            })
            .collect()
    }

    /// Every file below a folder, with what the file system would tell of a write.
    pub fn stamps(&self, below: &str) -> BTreeMap<PathBuf, (i64, i64, u64)> {
        use std::os::unix::fs::MetadataExt;
        files(&self.path(below))
            .into_iter()
            .map(|path| {
                let meta = fs::metadata(&path).expect("metadata");
                (path, (meta.mtime(), meta.mtime_nsec(), meta.ino()))
            })
            .collect()
    }

    /// What was said, with this world's folder, times, hashes and counts of seconds made plain.
    pub fn filtered(&self, text: &str) -> String {
        let mut text = text.replace(&self.root().display().to_string(), "[PROJECT]");
        for (pattern, plain) in [
            (r"\b[0-9a-f]{64}\b", "[HASH]"),
            (r"\b[0-9a-f]{32}\b", "[RELEASE]"),
            (r"\b[0-9a-f]{20}\b", "[KEY]"),
            (r"\bin [0-9.]+ s\b", "in [TIME]"),
            (r"\[ *[0-9.]+s\]", "[TIME]"),
            (r"time=\u{22}[0-9.]+\u{22}", "time=\"[TIME]\""),
        ] {
            let pattern = regex::Regex::new(pattern).expect("a pattern");
            text = pattern.replace_all(&text, plain).into_owned();
        }
        text
    }
}

impl Ran {
    /// Fails the test unless it ended with this code; what it said is shown then.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    /// The one JSON document on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| {
            panic!(
                "not one JSON document: {e}\n{}\n{}",
                self.stdout, self.stderr
            )
        })
    }

    /// Fails the test unless stderr holds all of these.
    #[track_caller]
    pub fn says(&self, words: &[&str]) -> &Self {
        for word in words {
            assert!(
                self.stderr.contains(word),
                "no `{word}` in\n{}",
                self.stderr
            );
        }
        self
    }

    /// Everything it said.
    pub fn everything(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let signal = output.status.signal().map_or(-1, |s| -s);
        Self {
            code: output.status.code().unwrap_or(signal),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        }
    }
}

/// The binary under test.
pub fn martlet() -> PathBuf {
    assert_cmd::cargo::cargo_bin!("martlet").to_owned()
}

/// Every file below a folder, in order; none if the folder is not there.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    all.sort();
    all.into_iter()
        .flat_map(|p| if p.is_dir() { files(&p) } else { vec![p] })
        .collect()
}

/// Copies a folder and all that is in it.
pub fn copy_folder(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).expect("below"));
        fs::create_dir_all(target.parent().expect("a parent")).expect("folders");
        fs::copy(&file, &target).expect("copies");
    }
}
