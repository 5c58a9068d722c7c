//! Secrets, by reference only: read when they are needed, never printed.

use std::path::Path;

use secrecy::SecretString;

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::ingest::PseudonymKey;
use crate::spec::Settings;
use crate::spec::warehouse::SecretReference;

/// The pseudonyms' key, if the target names one.
///
/// # Errors
/// When what it names cannot be read, or is too short to be a key.
pub fn pseudonym_key(project: &Path, settings: &Settings) -> Result<Option<PseudonymKey>> {
    let Some(reference) = &settings.pseudonym_key else {
        return Ok(None);
    };
    let text = match reference {
        #[allow(clippy::disallowed_methods)] // the one place that reads a secret from the environment
        SecretReference::Env(name) => std::env::var(name).map_err(|_| {
            fault(format!("the environment has no {name}")).hint("set it where the run is started")
        }),
        SecretReference::File(file) => std::fs::read_to_string(project.join(file)).map_err(|e| {
            fault(format!("the pseudonyms' key cannot be read: {e}"))
                .at(DataPlace::file(file.clone()))
                .hint("the file holds the key alone; only the user that runs martlet should be able to read it")
        }),
    }
    .map_err(Diagnostics::from)?;
    let key = SecretString::from(text.trim().to_owned());
    PseudonymKey::parse(&key).map(Some)
}

fn fault(message: String) -> Diagnostic {
    Diagnostic::error(Code::Secret, message)
}
