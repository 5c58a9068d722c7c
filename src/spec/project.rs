//! Reads a project from disk: its pipelines, its SQL, its settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result, SourceText, nearest};

use super::settings::{Layers, Settings};
use super::{Pipeline, Sp, Warehouse, yaml};

/// A pipeline and the text it was read from.
#[derive(Debug, Clone)]
pub struct PipelineFile {
    /// The text, for places.
    pub source: Arc<SourceText>,
    /// What it says.
    pub spec: Pipeline,
}

/// Everything a project says, read and typed, names not yet looked up.
#[derive(Debug)]
pub struct Project {
    /// The project's folder.
    pub root: PathBuf,
    /// The settings of the chosen target.
    pub settings: Settings,
    /// The pipelines, by file name.
    pub pipelines: Vec<PipelineFile>,
    /// The SQL files below `sql/`, by their path below it.
    pub sql: BTreeMap<String, Arc<SourceText>>,
}

impl Project {
    /// Reads the project at `root`, for a target and with what environment and flags say.
    ///
    /// # Errors
    /// Everything in the project's YAML that is wrong, all at once.
    pub fn load(root: &Path, target: Option<&str>, overrides: Warehouse) -> Result<Self> {
        let mut found = Diagnostics::default();
        let settings = found.take(load_settings(root, target, overrides));
        let pipelines = load_pipelines(root, &mut found);
        let mut sql = BTreeMap::new();
        for path in list(&root.join("sql"), "sql", &mut found) {
            let shown = shown(root, &path);
            let key = shown.trim_start_matches("sql/").to_owned();
            if let Some(text) = found.take(read_text(&path, &shown)) {
                sql.insert(key, text);
            }
        }
        match settings {
            Some(settings) if !found.has_errors() => Ok(Self {
                root: root.to_owned(),
                settings,
                pipelines,
                sql,
            }),
            _ => Err(found.sorted()),
        }
    }
}

fn load_pipelines(root: &Path, found: &mut Diagnostics) -> Vec<PipelineFile> {
    let folder = root.join("pipelines");
    if !folder.is_dir() {
        found.push(
            Diagnostic::error(Code::MissingFile, "there is no `pipelines` folder here")
                .at(DataPlace::file(root.display().to_string()))
                .hint("run martlet in a project's folder, or name it with --project"),
        );
        return Vec::new();
    }
    let mut pipelines = Vec::new();
    for path in list(&folder, "yaml", found) {
        let shown = shown(root, &path);
        let Some(source) = found.take(read_text(&path, &shown)) else {
            continue;
        };
        let Some(spec) = found.take(yaml::read::<Pipeline>(&source)) else {
            continue;
        };
        let stem = path.file_stem().map(|s| s.to_string_lossy().into_owned());
        if stem.as_deref() != Some(spec.pipeline.as_str()) {
            found.push(
                Diagnostic::error(
                    Code::WrongValue,
                    format!(
                        "the pipeline is called `{}`, its file is not",
                        *spec.pipeline
                    ),
                )
                .at((&source, spec.pipeline.span()))
                .label("name and file differ")
                .hint(format!("call the file `{}.yaml`", *spec.pipeline)),
            );
        }
        pipelines.push(PipelineFile { source, spec });
    }
    pipelines
}

fn load_settings(root: &Path, target: Option<&str>, overrides: Warehouse) -> Result<Settings> {
    let mut found = Diagnostics::default();
    let base = read_layer(&root.join("config/warehouse.yaml"), "config/warehouse.yaml");
    let (base_source, base) = found
        .take(base)
        .flatten()
        .unwrap_or_else(|| (SourceText::new("", ""), Warehouse::default()));
    let name = target
        .map(str::to_owned)
        .or_else(|| base.default_target.as_ref().map(|t| t.as_str().to_owned()))
        .unwrap_or_else(|| "dev".to_owned());
    let shown = format!("config/targets/{name}.yaml");
    // Both layers are read before giving up, so that both are mended in one go.
    let layer = found.take(read_layer(&root.join(&shown), &shown)).flatten();
    if found.has_errors() {
        return Err(found);
    }
    if layer.is_none() && name != "dev" {
        return Err(unknown_target(root, &name).into());
    }
    Settings::resolve(
        root,
        &name,
        Layers {
            base: (base_source, base),
            target: layer,
            overrides,
        },
    )
}

fn unknown_target(root: &Path, name: &str) -> Diagnostic {
    let mut none = Diagnostics::default();
    let names: Vec<String> = list(&root.join("config/targets"), "yaml", &mut none)
        .iter()
        .filter_map(|p| p.file_stem().map(|s| s.to_string_lossy().into_owned()))
        .collect();
    let hint = match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are: {}", names.join(", ")),
    };
    Diagnostic::error(
        Code::UnknownName,
        format!("there is no target `{name}` (config/targets/{name}.yaml)"),
    )
    .hint(hint)
}

fn read_layer(path: &Path, shown: &str) -> Result<Option<(Arc<SourceText>, Warehouse)>> {
    if !path.exists() {
        return Ok(None);
    }
    let source = read_text(path, shown)?;
    let spec = yaml::read::<Warehouse>(&source)?;
    Ok(Some((source, spec)))
}

/// The files below a folder with an extension, sorted by path. A folder that is not there is empty.
pub fn list(folder: &Path, extension: &str, found: &mut Diagnostics) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
            Err(e) => {
                found.push(Diagnostic::io(&folder, "list the folder", &e));
                continue;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) => {
                    let path = entry.path();
                    if path.is_dir() {
                        folders.push(path);
                    } else if path.extension().is_some_and(|e| e == extension) {
                        files.push(path);
                    }
                }
                Err(e) => found.push(Diagnostic::io(&folder, "list the folder", &e)),
            }
        }
    }
    files.sort();
    files
}

/// Reads a UTF-8 text, shown under a short path.
pub fn read_text(path: &Path, shown: &str) -> Result<Arc<SourceText>> {
    let bytes =
        std::fs::read(path).map_err(|e| Diagnostics::from(Diagnostic::io(path, "read", &e)))?;
    match String::from_utf8(bytes) {
        Ok(text) => {
            let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
            Ok(SourceText::new(shown, text))
        }
        Err(e) => Err(
            Diagnostic::error(Code::YamlSyntax, "the file is not UTF-8 text")
                .at(DataPlace::file(shown))
                .label(format!("first at byte {}", e.utf8_error().valid_up_to()))
                .hint("save it as UTF-8")
                .into(),
        ),
    }
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}

/// Where a setting stood, if it stood in a file.
pub(super) fn place_of<T>(
    source: &Arc<SourceText>,
    value: &Sp<T>,
) -> (Arc<SourceText>, std::ops::Range<usize>) {
    (Arc::clone(source), value.span())
}
