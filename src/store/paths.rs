//! Every path of the warehouse, in one place.

use std::path::{Path, PathBuf};

/// Our own folder: staged rows, models, quarantine, state.
#[derive(Debug, Clone)]
pub struct Lake {
    root: PathBuf,
}

impl Lake {
    /// The lake at a folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The copy of a file that was taken, named by its bytes; it keeps the endings of its name,
    /// which say how it is packed.
    pub fn landing(&self, source: &str, hash: &str, file: &str) -> PathBuf {
        let name = file.rsplit('/').next().unwrap_or(file).to_ascii_lowercase();
        let ending = match name.strip_suffix(".gz") {
            Some(packed) => format!("{}.gz", ending(packed)),
            None => ending(&name).to_owned(),
        };
        self.root
            .join("landing")
            .join(source)
            .join(format!("{hash}{ending}"))
    }

    /// The ledger of a source: every file ever taken.
    pub fn ledger(&self, table: &str) -> PathBuf {
        self.root
            .join("state/submissions")
            .join(format!("{table}.json"))
    }

    /// The rows of a source whose later files replace rows of earlier ones, keyed by its files.
    pub fn merged(&self, source: &str, key: &str) -> PathBuf {
        self.root
            .join("merged")
            .join(source)
            .join(format!("{key}.parquet"))
    }

    /// Good rows of one file of a source, keyed by what made them.
    pub fn staged(&self, source: &str, key: &str) -> PathBuf {
        self.root
            .join("staged")
            .join(source)
            .join(format!("{key}.parquet"))
    }

    /// The record of one file of a source: what it was, what became of its rows.
    pub fn intake(&self, source: &str, key: &str) -> PathBuf {
        self.root
            .join("staged")
            .join(source)
            .join(format!("{key}.json"))
    }

    /// Refused rows of one file of a source, keyed like its good rows.
    pub fn quarantine(&self, source: &str, key: &str) -> PathBuf {
        self.root
            .join("quarantine")
            .join(source)
            .join(format!("{key}.parquet"))
    }

    /// The record of a file that was refused whole, beside its quarantine.
    pub fn refusal(&self, source: &str, key: &str) -> PathBuf {
        self.root
            .join("quarantine")
            .join(source)
            .join(format!("{key}.json"))
    }

    /// What became of each file when a source was last tried and failed.
    pub fn attempt(&self, table: &str) -> PathBuf {
        self.root
            .join("state/attempts")
            .join(format!("{table}.json"))
    }

    /// A model's rows, keyed by what made them.
    pub fn model(&self, model: &str, key: &str) -> PathBuf {
        self.root
            .join("models")
            .join(model)
            .join(format!("{key}.parquet"))
    }

    /// A mart's counts before they are published, keyed by what made them.
    pub fn candidate(&self, mart: &str, key: &str) -> PathBuf {
        self.root
            .join("candidates")
            .join(mart)
            .join(format!("{key}.parquet"))
    }

    /// What a node was last made from and what came out.
    pub fn node_record(&self, table: &str) -> PathBuf {
        self.root.join("state/nodes").join(format!("{table}.json"))
    }

    /// The record of a run.
    pub fn run_record(&self, run: &str) -> PathBuf {
        self.root.join("state/runs").join(format!("{run}.json"))
    }

    /// What our copy of a remote folder holds; `name` is the folder's below `inbox/`.
    pub fn mirror_index(&self, name: &str) -> PathBuf {
        self.root.join("state/inbox").join(format!("{name}.json"))
    }

    /// What was last shipped to a remote place of readers.
    pub fn shipped(&self, name: &str) -> PathBuf {
        self.root.join("state/shipped").join(format!("{name}.json"))
    }

    /// Which target the lake belongs to.
    pub fn target_record(&self) -> PathBuf {
        self.root.join("state/target.json")
    }

    /// Held by the run that works here.
    pub fn lock(&self) -> PathBuf {
        self.root.join("state/lock")
    }

    /// Where a run's queries spill.
    pub fn spill(&self) -> PathBuf {
        self.root.join("spill/run")
    }

    /// Where a question's queries spill: a run beside it must not sweep it away.
    pub fn question_spill(&self) -> PathBuf {
        self.root.join("spill").join(std::process::id().to_string())
    }
}

/// The ending of a file's name with its dot, or nothing.
fn ending(name: &str) -> &str {
    name.rfind('.').map_or("", |i| &name[i..])
}

/// The readers' folder of one audience.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: PathBuf,
}

impl Shelf {
    /// The folder of an audience below the published folder.
    pub fn new(published: &Path, audience: &str) -> Self {
        Self {
            root: published.join(audience),
        }
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// An immutable version of a mart: its folder.
    pub fn version(&self, mart: &str, version: &str) -> PathBuf {
        self.root.join("versions").join(mart).join(version)
    }

    /// The rows of a version.
    pub fn part(&self, mart: &str, version: &str) -> PathBuf {
        self.version(mart, version).join("part-00000.parquet")
    }

    /// What made a version.
    pub fn manifest(&self, mart: &str, version: &str) -> PathBuf {
        self.version(mart, version).join("manifest.json")
    }

    /// The commit point of all marts of the audience.
    pub fn release(&self) -> PathBuf {
        self.root.join("release.json")
    }

    /// The folder of the stable paths.
    pub fn latest_folder(&self) -> PathBuf {
        self.root.join("latest")
    }

    /// The stable path of a mart.
    pub fn latest(&self, mart: &str) -> PathBuf {
        self.latest_folder().join(format!("{mart}.parquet"))
    }
}
