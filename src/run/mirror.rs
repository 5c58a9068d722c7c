//! What others send to a store, brought here: a copy of the folders that sources look in.
//!
//! Everything is listed before anything is touched, and a listing that fails stops the run: part
//! of a list looks just like files that were taken away. What is new or changed is written whole,
//! with the time that the store has for it, so that from here on a file is a file. What is gone
//! from the store goes from the copy; what was taken of it before still counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures::stream::{self, StreamExt};

use crate::compile::{Body, Plan, SourceNode, TableName, select};
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::is_unfinished;
use crate::spec::location::Location;
use crate::spec::source::Root;
use crate::spec::{StoreKind, StoreName, StoreUrl};
use crate::store::remote::{Client, Fetched, Object};
use crate::store::{Lake, atomic};

use super::events::{Event, Listener};
use super::lock::Lock;
use super::night::{Options, choose};
use super::record::{read_json, write_json};

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// What a copy holds: path below it, and how the store describes it.
type Index = BTreeMap<String, Object>;

/// What sources want of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Want {
    /// All of it: names hold captures, and a name that fits nothing is worth a word.
    All,
    /// These files.
    Names(BTreeSet<String>),
}

impl Want {
    fn takes(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Names(names) => names.iter().any(|n| n.eq_ignore_ascii_case(name)),
        }
    }

    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Names(mut a), Self::Names(b)) => {
                a.extend(b);
                Self::Names(a)
            }
            _ => Self::All,
        }
    }
}

/// The stores that the project names: those whose credentials a run may need.
pub fn stores(plan: &Plan) -> BTreeSet<StoreName> {
    let roots = plan.nodes.iter().filter_map(|node| match &node.body {
        Body::Source(source) => place(plan, source),
        _ => None,
    });
    roots
        .chain(plan.settings.remote_inbox.clone())
        .chain(plan.settings.remote_published.clone())
        .map(|url| url.store)
        .collect()
}

/// Brings the copies up to date that the chosen tables read, for a look at what a run would do.
///
/// # Errors
/// As [`mirror`]; and when a run is under way.
pub async fn look(plan: &Plan, options: &Options, listener: &dyn Listener) -> Result<()> {
    let tables = select::with_inputs(plan, &choose(plan, options)?);
    if wanted(plan, &tables).is_empty() {
        return Ok(());
    }
    let lake = Lake::new(&plan.settings.lake);
    let _lock = Lock::take(&lake.lock(), options.wait).await?;
    mirror(plan, &lake, &tables, options, listener).await
}

/// Brings the copies up to date that these tables read. Unchanged, nothing is written.
///
/// # Errors
/// When a listing or a download fails; when nothing is where something was, or should be.
pub(super) async fn mirror(
    plan: &Plan,
    lake: &Lake,
    tables: &BTreeSet<TableName>,
    options: &Options,
    listener: &dyn Listener,
) -> Result<()> {
    let mut copies = Vec::new();
    let mut found = Diagnostics::default();
    for (url, folders) in wanted(plan, tables) {
        let opened = Copy::open(plan, lake, &url, options);
        let Some(mut copy) = found.take(opened) else {
            continue;
        };
        if found.take(copy.list(folders).await).is_some() {
            copies.push(copy);
        }
    }
    // Nothing is touched unless every list is whole.
    if found.has_errors() {
        return Err(found);
    }
    for copy in &mut copies {
        found.take(copy.update(listener).await);
    }
    if found.has_errors() {
        return Err(found);
    }
    Ok(())
}

/// The places that tables read, with the folders in each.
fn wanted(plan: &Plan, tables: &BTreeSet<TableName>) -> BTreeMap<StoreUrl, BTreeMap<String, Want>> {
    let mut wanted: BTreeMap<StoreUrl, BTreeMap<String, Want>> = BTreeMap::new();
    let sources = || {
        plan.nodes.iter().filter_map(|node| match &node.body {
            Body::Source(source) => Some((&node.name, source.as_ref())),
            _ => None,
        })
    };
    for (_, source) in sources().filter(|(name, _)| tables.contains(name)) {
        if let Some(url) = place(plan, source) {
            let (folder, _) = split(source);
            wanted
                .entry(url)
                .or_default()
                .insert(folder.to_owned(), Want::Names(BTreeSet::new()));
        }
    }
    // Of a folder that is looked at, what any source wants is kept.
    for (_, source) in sources() {
        let (folder, name) = split(source);
        let place = place(plan, source);
        let want = place.and_then(|url| wanted.get_mut(&url)?.get_mut(folder));
        if let Some(want) = want {
            let this = if name.contains(['{', '[']) {
                Want::All
            } else {
                Want::Names(BTreeSet::from([name.to_owned()]))
            };
            let so_far = std::mem::replace(want, Want::All);
            *want = so_far.and(this);
        }
    }
    wanted
}

/// Where a source's files are, if there are any and they are not on this machine.
fn place(plan: &Plan, source: &SourceNode) -> Option<StoreUrl> {
    match &source.files.root {
        _ if source.absent => None,
        Root::Project => None,
        Root::Inbox => plan.settings.remote_inbox.clone(),
        Root::Url(url) => match Location::parse(url) {
            Ok(Location::Store(url)) => Some(url),
            _ => None,
        },
    }
}

/// The folder and the file's name.
fn split(source: &SourceNode) -> (&str, &str) {
    let path = source.files.path.as_str();
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// A copy of a place, with what is to be done to it.
struct Copy {
    client: Client,
    root: PathBuf,
    index_path: PathBuf,
    index: Index,
    /// The folders that were listed: what is in them and not in `fetch` or `keep` is gone.
    folders: BTreeMap<String, Want>,
    /// What the store has, by path.
    there: BTreeMap<String, Option<Object>>,
}

impl Copy {
    fn open(plan: &Plan, lake: &Lake, url: &StoreUrl, options: &Options) -> Result<Self> {
        let index_path = lake.mirror_index(&url.folder_name());
        Ok(Self {
            client: Client::open(url, &plan.settings, &options.secrets)?,
            root: plan.settings.mirror(url),
            index: read_json(&index_path)?.unwrap_or_default(),
            index_path,
            folders: BTreeMap::new(),
            there: BTreeMap::new(),
        })
    }

    /// Asks the store what it has. Changes nothing.
    async fn list(&mut self, folders: BTreeMap<String, Want>) -> Result<()> {
        let mut found = Diagnostics::default();
        for (folder, want) in &folders {
            if let (StoreKind::Http, Want::Names(names)) = (self.client.url().store.kind, want) {
                // It cannot be listed: each file is asked for, see `update`.
                self.there
                    .extend(names.iter().map(|n| (join(folder, n), None)));
                continue;
            }
            let Some(objects) = found.take(self.client.list(folder).await) else {
                continue;
            };
            if objects.is_empty() {
                found.push(self.nothing(folder));
                continue;
            }
            self.there.extend(
                objects
                    .into_iter()
                    .filter(|(name, _)| want.takes(name) && !is_unfinished(name))
                    .map(|(name, object)| (join(folder, &name), Some(object))),
            );
        }
        self.folders = folders;
        if found.has_errors() {
            Err(found)
        } else {
            Ok(())
        }
    }

    /// No file at all, where some were or should be.
    fn nothing(&self, folder: &str) -> Diagnostic {
        let below = |path: &&String| path.rsplit_once('/').map_or("", |(f, _)| f) == folder;
        let before = self.index.keys().filter(below).count();
        let place = if folder.is_empty() {
            self.client.url().to_string()
        } else {
            self.client.url().below(folder)
        };
        let finding = match before {
            0 => Diagnostic::error(Code::Io, "the store has nothing there").hint(
                "check the URL and the sources' paths; if nothing was sent yet, put an empty \
object called `.keep` there",
            ),
            n => Diagnostic::error(
                Code::Io,
                format!("the store has nothing there any more: it had {n} files"),
            )
            .hint(
                "check the URL; if they were cleared away on purpose, put an empty object \
called `.keep` there: what was taken still counts",
            ),
        };
        finding.at(DataPlace::file(place))
    }

    /// Brings the copy in line with what was listed.
    async fn update(&mut self, listener: &dyn Listener) -> Result<()> {
        let mut found = Diagnostics::default();
        let before = self.index.clone();
        let removed = self.remove_gone()?;
        let (client, root) = (&self.client, &self.root);
        let index = &before;
        let mut work = stream::iter(self.there.iter().filter_map(|(path, object)| {
            let target = root.join(path);
            let known = index.get(path).filter(|seen| is_here(&target, seen));
            if let (Some(object), Some(known)) = (object, known)
                && object.is_same(known)
            {
                return None;
            }
            // A server that cannot be listed is asked whether the file is still the same.
            let known = known.filter(|_| object.is_none()).cloned();
            Some(async move {
                let fetched = client.fetch(path, &target, known.as_ref()).await;
                (path.clone(), fetched)
            })
        }))
        .buffer_unordered(AT_ONCE);
        let (mut files, mut bytes) = (0, 0);
        while let Some((path, fetched)) = work.next().await {
            match found.take(fetched) {
                Some(Fetched::Written(object)) => {
                    files += 1;
                    bytes += object.size;
                    self.index.insert(path, object);
                }
                Some(Fetched::Gone) => {
                    let hint =
                        "it went away, or was never there: check the path, or ask who keeps it";
                    found.push(client.absent(&path).hint(hint));
                }
                Some(Fetched::Unchanged) | None => {}
            }
        }
        drop(work);
        for folder in self.folders.keys() {
            let folder = self.root.join(folder);
            std::fs::create_dir_all(&folder)
                .map_err(|e| Diagnostics::from(Diagnostic::io(&folder, "make the folder", &e)))?;
        }
        if self.index != before {
            write_json(&self.index_path, &self.index)?;
        }
        if files > 0 || removed > 0 {
            listener.event(&Event::Fetched {
                from: self.client.url().to_string(),
                files,
                bytes,
                removed,
            });
        }
        if found.has_errors() {
            Err(found)
        } else {
            Ok(())
        }
    }

    /// Takes away what the store does not have any more.
    fn remove_gone(&mut self) -> Result<usize> {
        let mut removed = 0;
        for folder in self.folders.keys() {
            let local = self.root.join(folder);
            let entries = match std::fs::read_dir(&local) {
                Ok(entries) => entries,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Diagnostic::io(&local, "list the folder", &e).into()),
            };
            for entry in entries.flatten().filter(|e| !e.path().is_dir()) {
                let path = join(folder, &entry.file_name().to_string_lossy());
                if !self.there.contains_key(&path) {
                    atomic::remove(&entry.path())?;
                    self.index.remove(&path);
                    removed += 1;
                }
            }
            let there = &self.there;
            let in_folder = |p: &str| p.rsplit_once('/').map_or("", |(f, _)| f) == folder;
            self.index
                .retain(|p, _| there.contains_key(p) || !in_folder(p));
        }
        Ok(removed)
    }
}

/// Whether a file of ours is still the one that was written.
fn is_here(path: &Path, seen: &Object) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| {
        meta.len() == seen.size
            && meta
                .modified()
                .is_ok_and(|m| m == SystemTime::from(seen.modified))
    })
}
