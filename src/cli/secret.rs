//! Secrets, by reference only: read when they are needed, never printed.

use std::path::Path;

use secrecy::SecretString;

use crate::compile::Plan;
use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::PseudonymKey;
use crate::run;
use crate::spec::Settings;
use crate::spec::warehouse::SecretReference;
use crate::store::remote::Secrets;

/// The pseudonyms' key, if the target names one.
///
/// # Errors
/// When what it names cannot be read, or is too short to be a key.
pub fn pseudonym_key(project: &Path, settings: &Settings) -> Result<Option<PseudonymKey>> {
    let Some(reference) = &settings.pseudonym_key else {
        return Ok(None);
    };
    let key = read(project, reference, "the pseudonyms' key")?;
    PseudonymKey::parse(&key).map(Some)
}

/// The credentials of the stores that the project names.
///
/// # Errors
/// When what the target names cannot be read.
pub fn of_stores(project: &Path, plan: &Plan) -> Result<Secrets> {
    let mut secrets = Secrets::default();
    let mut found = Diagnostics::default();
    for store in run::stores(plan) {
        let Some(options) = plan.settings.store(&store) else {
            continue;
        };
        for (option, reference) in options.secrets() {
            let what = format!("`{option}` of {store}");
            if let Some(secret) = found.take(read(project, reference, &what)) {
                secrets.set(store.clone(), option, secret);
            }
        }
    }
    if found.has_errors() {
        Err(found)
    } else {
        Ok(secrets)
    }
}

fn read(project: &Path, reference: &SecretReference, what: &str) -> Result<SecretString> {
    let text = match reference {
        #[allow(clippy::disallowed_methods)] // the one place that reads a secret from the environment
        SecretReference::Env(name) => std::env::var(name).map_err(|_| {
            fault(format!("the environment has no {name}, which is {what}"))
                .hint("set it where the run is started")
        }),
        SecretReference::File(file) => std::fs::read_to_string(project.join(file)).map_err(|e| {
            fault(format!("{what} cannot be read: {e}"))
                .at(DataPlace::file(file.clone()))
                .hint("the file holds the secret alone; only the user that runs martlet should be able to read it")
        }),
    }
    .map_err(Diagnostics::from)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(fault(format!("{what} is empty")).into());
    }
    Ok(SecretString::from(text.to_owned()))
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::error(Code::Secret, message)
}
