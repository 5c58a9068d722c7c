//! Where files live: a folder, or a place in an object store or on a web server, by its URL.

use std::fmt;

use url::Url;

/// What kind of server a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StoreKind {
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    /// Azure Blob Storage.
    Azure,
    /// Google Cloud Storage.
    Gcs,
    /// A web server: files by name, no listing, read only.
    Http,
}

impl StoreKind {
    /// As people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Azure => "Azure",
            Self::Gcs => "Google Cloud Storage",
            Self::Http => "a web server",
        }
    }
}

/// A bucket, container or server: what options and credentials belong to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreName {
    /// What speaks there.
    pub kind: StoreKind,
    /// The bucket or container; for a web server, scheme and host: `https://files.example.org`.
    pub bucket: String,
    /// The Azure account, if the URL names it.
    pub account: Option<String>,
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.account) {
            (StoreKind::S3, _) => write!(f, "s3://{}", self.bucket),
            (StoreKind::Gcs, _) => write!(f, "gs://{}", self.bucket),
            (StoreKind::Azure, None) => write!(f, "az://{}", self.bucket),
            (StoreKind::Azure, Some(account)) => {
                write!(f, "abfss://{}@{account}.dfs.core.windows.net", self.bucket)
            }
            (StoreKind::Http, _) => f.write_str(&self.bucket),
        }
    }
}

/// A place in a store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoreUrl {
    /// The store.
    pub store: StoreName,
    /// The path in it, without slashes at either end; may be empty.
    pub prefix: String,
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            write!(f, "{}", self.store)
        } else {
            write!(f, "{}/{}", self.store, self.prefix)
        }
    }
}

impl StoreUrl {
    /// A path below this place, as people write it.
    pub fn below(&self, path: &str) -> String {
        format!("{self}/{path}")
    }

    /// A name for a folder of ours that stands for this place: readable, and no other place's.
    pub fn folder_name(&self) -> String {
        let text = self.to_string();
        let words: String = text
            .replace("://", "-")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .take(60)
            .collect();
        let hash = blake3::hash(text.as_bytes()).to_hex();
        format!("{}-{}", words.trim_matches('-'), &hash[..8])
    }

    /// Whether one of the two places lies within the other.
    pub fn overlaps(&self, other: &Self) -> bool {
        let within = |a: &str, b: &str| {
            a == b || a.is_empty() || b.strip_prefix(a).is_some_and(|rest| rest.starts_with('/'))
        };
        self.store == other.store
            && (within(&self.prefix, &other.prefix) || within(&other.prefix, &self.prefix))
    }
}

/// Where files live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine, as it was written.
    Folder(String),
    /// A place in a store.
    Store(StoreUrl),
}

/// Why a text is no location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong, without the text itself.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// The text holds a secret and must not be shown.
    pub secret: bool,
}

fn wrong(message: &str, hint: &str) -> Unreadable {
    Unreadable {
        message: message.to_owned(),
        hint: hint.to_owned(),
        secret: false,
    }
}

/// The forms that are understood, for hints.
const FORMS: &str = "write a folder, s3://bucket/prefix, az://container/prefix, \
abfss://container@account.dfs.core.windows.net/prefix, gs://bucket/prefix or https://host/folder";

impl Location {
    /// Reads a folder or a URL.
    ///
    /// # Errors
    /// A scheme that is not known, a URL without a bucket, or one that holds credentials.
    pub fn parse(text: &str) -> Result<Self, Unreadable> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Ok(Self::Folder(text.to_owned()));
        };
        let scheme = scheme.to_ascii_lowercase();
        let rest = rest.trim_end_matches('/');
        let secret = Unreadable {
            message: "credentials do not belong in a URL".to_owned(),
            hint: "name them under `stores`, as `{ env: NAME }` or `{ file: PATH }`, and change \
what stood here"
                .to_owned(),
            secret: true,
        };
        let authority = rest.split('/').next().unwrap_or_default();
        if authority
            .split_once('@')
            .is_some_and(|(user, _)| user.contains(':') || !scheme.starts_with("abfs"))
            || rest.contains('?')
        {
            return Err(secret);
        }
        if rest.contains('#') {
            return Err(wrong("a URL of files has no `#`", FORMS));
        }
        let store = match scheme.as_str() {
            "file" => {
                return match rest.strip_prefix('/') {
                    Some(path) => Ok(Self::Folder(format!("/{path}"))),
                    None => Err(wrong(
                        "a file URL has three slashes",
                        "write file:///folder, or the folder alone",
                    )),
                };
            }
            "s3" | "s3a" => bucket(StoreKind::S3, rest)?,
            "gs" => bucket(StoreKind::Gcs, rest)?,
            "az" | "azure" | "adl" => bucket(StoreKind::Azure, rest)?,
            "abfs" | "abfss" => abfs(rest)?,
            "http" | "https" => web(&scheme, rest)?,
            other => {
                let known = ["s3", "az", "abfss", "abfs", "gs", "https", "http", "file"];
                let near = crate::diag::nearest(other, known);
                return Err(Unreadable {
                    message: format!("`{other}://` is no kind of store that martlet knows"),
                    hint: near.map_or_else(
                        || FORMS.to_owned(),
                        |near| format!("did you mean `{near}://`?"),
                    ),
                    secret: false,
                });
            }
        };
        Ok(Self::Store(store))
    }
}

/// `bucket/prefix`.
fn bucket(kind: StoreKind, rest: &str) -> Result<StoreUrl, Unreadable> {
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    if bucket.is_empty() {
        return Err(wrong("the URL names no bucket", FORMS));
    }
    Ok(StoreUrl {
        store: StoreName {
            kind,
            bucket: bucket.to_owned(),
            account: None,
        },
        prefix: tidy(prefix)?,
    })
}

/// `container@account.dfs.core.windows.net/prefix`, or `container/prefix`.
fn abfs(rest: &str) -> Result<StoreUrl, Unreadable> {
    let (authority, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    let Some((container, host)) = authority.split_once('@') else {
        return bucket(StoreKind::Azure, rest);
    };
    let account = azure_account(host).ok_or_else(|| {
        wrong(
            "the host is not one of Azure's",
            "write abfss://container@account.dfs.core.windows.net/prefix; another server is \
az://container with `endpoint` under `stores`",
        )
    })?;
    let mut url = bucket(StoreKind::Azure, &format!("{container}/{prefix}"))?;
    url.store.account = Some(account.to_owned());
    Ok(url)
}

/// A web server, unless the host is one of the clouds' own.
fn web(scheme: &str, rest: &str) -> Result<StoreUrl, Unreadable> {
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if let Some(account) = azure_account(host) {
        let mut url = bucket(StoreKind::Azure, path)?;
        url.store.account = Some(account.to_owned());
        return Ok(url);
    }
    if host.ends_with(".amazonaws.com") || host.ends_with(".googleapis.com") {
        return Err(wrong(
            "this is the address of a store, not of its files",
            "write s3://bucket/prefix or gs://bucket/prefix",
        ));
    }
    let origin = format!("{scheme}://{host}");
    match Url::parse(&origin) {
        Ok(url) if url.host_str().is_some() => Ok(StoreUrl {
            store: StoreName {
                kind: StoreKind::Http,
                bucket: origin.to_ascii_lowercase(),
                account: None,
            },
            prefix: tidy(path)?,
        }),
        _ => Err(wrong("the URL names no server", FORMS)),
    }
}

fn azure_account(host: &str) -> Option<&str> {
    let (account, domain) = host.split_once('.')?;
    matches!(domain, "dfs.core.windows.net" | "blob.core.windows.net").then_some(account)
}

/// A path whose every step has a name.
fn tidy(path: &str) -> Result<String, Unreadable> {
    let path = path.trim_matches('/');
    let odd = |step: &str| step.is_empty() || step == "." || step == "..";
    if !path.is_empty() && path.split('/').any(odd) {
        return Err(wrong(
            "a step of the path has no name",
            "a store has no `..`, and `//` is a folder without a name",
        ));
    }
    Ok(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> StoreUrl {
        match Location::parse(text) {
            Ok(Location::Store(url)) => url,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_form_names_its_store_and_prefix() {
        for (text, kind, bucket, account, prefix) in [
            ("s3://in/a/b/", StoreKind::S3, "in", None, "a/b"),
            ("s3a://in", StoreKind::S3, "in", None, ""),
            ("gs://in/a b", StoreKind::Gcs, "in", None, "a b"),
            ("az://in/a", StoreKind::Azure, "in", None, "a"),
            (
                "abfss://in@kmca.dfs.core.windows.net/a",
                StoreKind::Azure,
                "in",
                Some("kmca"),
                "a",
            ),
            (
                "https://kmca.blob.core.windows.net/in/a",
                StoreKind::Azure,
                "in",
                Some("kmca"),
                "a",
            ),
            (
                "https://files.example.org:8443/open/data/",
                StoreKind::Http,
                "https://files.example.org:8443",
                None,
                "open/data",
            ),
        ] {
            let found = url(text);
            assert_eq!(found.store.kind, kind, "{text}");
            assert_eq!(found.store.bucket, bucket, "{text}");
            assert_eq!(found.store.account.as_deref(), account, "{text}");
            assert_eq!(found.prefix, prefix, "{text}");
        }
    }

    #[test]
    fn a_folder_is_a_folder() {
        for (text, folder) in [
            ("inbox", "inbox"),
            ("/srv/inbox", "/srv/inbox"),
            ("file:///srv/inbox", "/srv/inbox"),
        ] {
            let found = Location::parse(text);
            assert_eq!(found, Ok(Location::Folder(folder.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_location_says_why_and_keeps_secrets() {
        for (text, words, secret) in [
            ("s4://in", "`s4://`", false),
            ("s3://", "names no bucket", false),
            ("s3://in/a//b", "has no name", false),
            ("s3://in/../b", "has no name", false),
            ("file://srv/x", "three slashes", false),
            ("s3://AKIA:hush@in/a", "credentials", true),
            ("az://in/a?sv=1&sig=hush", "credentials", true),
            ("https://ann:hush@host/a", "credentials", true),
            ("abfss://in@kmca.example.org/a", "Azure's", false),
            ("https://s3.eu-west-2.amazonaws.com/in", "address", false),
        ] {
            let found = Location::parse(text).expect_err(text);
            assert!(found.message.contains(words), "{text}: {found:?}");
            assert_eq!(found.secret, secret, "{text}");
            assert!(!found.message.contains("hush") && !found.hint.contains("hush"));
        }
    }

    #[test]
    fn places_within_each_other_overlap() {
        assert!(url("s3://b").overlaps(&url("s3://b/in")));
        assert!(url("s3://b/in").overlaps(&url("s3://b/in")));
        assert!(!url("s3://b/in").overlaps(&url("s3://b/inbox")));
        assert!(!url("s3://b/in").overlaps(&url("gs://b/in")));
    }

    #[test]
    fn two_places_have_two_folders() {
        let (a, b) = (
            url("s3://b/a/b").folder_name(),
            url("s3://b/a-b").folder_name(),
        );
        assert_ne!(a, b);
        assert!(a.starts_with("s3-b-a-b-"), "{a}");
    }
}
