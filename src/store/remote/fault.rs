//! What a store said went wrong, in words that hold no secret.

use object_store::Error;
use secrecy::{ExposeSecret, SecretString};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics};
use crate::spec::StoreKind;

use super::Client;

impl Client {
    /// A failed request, with the path it was about and what to do.
    pub(super) fn fault(&self, doing: &str, path: &str, error: &Error) -> Diagnostics {
        let whole = self.url.to_string();
        let place = if path.is_empty() {
            whole
        } else {
            self.url.below(path)
        };
        let (message, hint) = match error {
            Error::NotFound { .. } => (
                format!("cannot {doing}: it is not there"),
                "check the bucket or container, and the path".to_owned(),
            ),
            Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => (
                format!("cannot {doing}: the store refuses {}", self.credentials()),
                self.credentials_hint(),
            ),
            other if let Some(why) = untrusted(other) => (
                format!("cannot {doing}: the server's certificate is not trusted: {why}"),
                "if the server has an authority of its own, have this machine trust it, or name the \
authority's certificate (PEM) in SSL_CERT_FILE"
                    .to_owned(),
            ),
            other => (
                format!("cannot {doing}: {}", words(other, &self.secrets)),
                "nothing was taken from it and nothing was published: see that the server and \
the way to it are up, and run again"
                    .to_owned(),
            ),
        };
        // A machine without a role of its own answers in many ways.
        let unnamed = self.secrets.is_empty()
            && !self.is_anonymous
            && !matches!(error, Error::NotFound { .. });
        let own = (unnamed && self.url.store.kind != StoreKind::Http).then(|| {
            format!(
                "no credentials are named under `stores: {}`: this machine's own were used",
                self.url.store
            )
        });
        Diagnostic::error(Code::Io, message)
            .at(DataPlace::file(place))
            .hint(hint)
            .maybe_hint(own)
            .into()
    }

    /// The options that said who we are.
    fn credentials(&self) -> String {
        let options: Vec<String> = self.secrets.iter().map(|(o, _)| format!("`{o}`")).collect();
        match options.as_slice() {
            [] if self.is_anonymous => "requests without credentials".to_owned(),
            [] => "this machine's own credentials".to_owned(),
            all => all.join(" and "),
        }
    }

    fn credentials_hint(&self) -> String {
        let store = &self.url.store;
        match (self.secrets.is_empty(), store.kind) {
            _ if self.is_anonymous => {
                "name credentials in place of `anonymous`: it is not for anybody to read".to_owned()
            }
            (_, StoreKind::Http) => "the server gives it to nobody without a login".to_owned(),
            (true, _) => "name credentials that may read, list and write there".to_owned(),
            (false, _) => format!(
                "check what `stores: {store}` refers to, and that they may read, list and write there"
            ),
        }
    }
}

/// What is wrong with a server's certificate, if that is the fault. It lies deep: the request
/// failed, because the connection did, because of it.
fn untrusted(error: &Error) -> Option<String> {
    const SAID: &str = "invalid peer certificate: ";
    const DEEPEST: usize = 12;
    let first: &dyn std::error::Error = error;
    let texts = std::iter::successors(Some(first), |e| e.source()).map(ToString::to_string);
    let found = texts.take(DEEPEST).find(|t| t.contains(SAID))?;
    let why = found.split(SAID).nth(1)?.lines().next()?;
    let why = why.split(';').next().unwrap_or(why).trim();
    Some(match why {
        "UnknownIssuer" => "nobody this machine knows has signed it".to_owned(),
        why => why.chars().take(200).collect(),
    })
}

/// An error in one line, without what servers and clients put into it that is not for logs: the
/// body of an answer (it repeats the key's id), queries of URLs (they hold signatures), secrets.
pub(super) fn words(error: &Error, secrets: &[(&'static str, SecretString)]) -> String {
    let text = match error {
        Error::Generic { source, .. } => source.to_string(),
        other => other.to_string(),
    };
    let text = text.lines().next().unwrap_or_default();
    let text = text.split('<').next().unwrap_or_default();
    let mut plain = String::new();
    for word in text.split_whitespace() {
        let word = match word.split_once('?') {
            Some((address, _)) if address.contains("://") => address,
            _ => word,
        };
        if !plain.is_empty() {
            plain.push(' ');
        }
        plain.push_str(word);
    }
    for (_, secret) in secrets {
        let secret = secret.expose_secret();
        if !secret.is_empty() {
            plain = plain.replace(secret, "(secret)");
        }
    }
    plain
        .trim_end_matches([':', ' '])
        .chars()
        .take(300)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_queries_and_secrets_are_left_out() {
        let error = Error::Generic {
            store: "S3",
            source: "Error performing GET https://h/b?sig=abc in 1s - Server returned non-2xx status code: 500: <Error><Key>AKIA</Key></Error>\nhush"
                .into(),
        };
        let secrets = [("access_key_id", SecretString::from("1s".to_owned()))];
        assert_eq!(
            words(&error, &secrets),
            "Error performing GET https://h/b in (secret) - Server returned non-2xx status code: 500"
        );
    }
}
