//! How to reach a store: options by value, credentials by reference, each only where it means
//! something. An option that a store would pass over in silence is an error here.

use std::sync::Arc;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::diag::{Code, Diagnostic, Diagnostics, SourceText};

use super::location::{Location, StoreKind, StoreName};
use super::warehouse::SecretReference;
use super::{Entries, Sp};

/// How to reach one bucket, container or web server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StoreOptions {
    /// S3: where the bucket is, such as `eu-west-2`.
    pub region: Option<Sp<String>>,
    /// S3, Azure, Google: the server's address, if it is not the cloud's own.
    pub endpoint: Option<Sp<String>>,
    /// Go without encryption. Only for an address that begins with `http://`.
    pub allow_http: Option<Sp<bool>>,
    /// S3: the id of the access key.
    pub access_key_id: Option<Sp<SecretReference>>,
    /// S3: the secret half of the access key.
    pub secret_access_key: Option<Sp<SecretReference>>,
    /// S3: the token of a temporary access key.
    pub session_token: Option<Sp<SecretReference>>,
    /// S3: write the bucket into the host's name.
    pub virtual_hosted_style: Option<Sp<bool>>,
    /// Azure: the storage account, if the URL does not name it.
    pub account_name: Option<Sp<String>>,
    /// Azure: a key of the storage account.
    pub access_key: Option<Sp<SecretReference>>,
    /// Azure: a shared access signature.
    pub sas_token: Option<Sp<SecretReference>>,
    /// Azure: the tenant of a service principal.
    pub tenant_id: Option<Sp<String>>,
    /// Azure: the id of a service principal or managed identity.
    pub client_id: Option<Sp<String>>,
    /// Azure: the secret of a service principal.
    pub client_secret: Option<Sp<SecretReference>>,
    /// Google: a service account's key, the whole JSON text.
    pub service_account_key: Option<Sp<SecretReference>>,
    /// Go without credentials, to a store that anybody may read.
    pub anonymous: Option<Sp<bool>>,
    /// How long a request is tried again before it has failed. Default: 3m.
    #[schemars(regex(pattern = r"^[0-9]+(s|m)$"))]
    pub retry_for: Option<Sp<String>>,
}

const ALL: [StoreKind; 4] = [
    StoreKind::S3,
    StoreKind::Azure,
    StoreKind::Gcs,
    StoreKind::Http,
];

impl StoreOptions {
    /// The options that are given: name, place, and the kinds of store they mean something to.
    fn given(&self) -> Vec<(&'static str, std::ops::Range<usize>, &'static [StoreKind])> {
        const S3: &[StoreKind] = &[StoreKind::S3];
        const AZURE: &[StoreKind] = &[StoreKind::Azure];
        const GCS: &[StoreKind] = &[StoreKind::Gcs];
        const CLOUDS: &[StoreKind] = &[StoreKind::S3, StoreKind::Azure, StoreKind::Gcs];
        let mut given = Vec::new();
        macro_rules! list {
            ($($field:ident: $kinds:expr),+ $(,)?) => { $(
                if let Some(value) = &self.$field {
                    given.push((stringify!($field), value.span(), $kinds));
                }
            )+ };
        }
        list! {
            region: S3, endpoint: CLOUDS, allow_http: &ALL, access_key_id: S3,
            secret_access_key: S3, session_token: S3, virtual_hosted_style: S3,
            account_name: AZURE, access_key: AZURE, sas_token: AZURE, tenant_id: AZURE,
            client_id: AZURE, client_secret: AZURE, service_account_key: GCS, anonymous: CLOUDS,
            retry_for: &ALL,
        }
        given
    }

    /// The credentials that are given: option and reference.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretReference)> {
        let mut secrets = Vec::new();
        macro_rules! list {
            ($($field:ident),+) => { $(
                secrets.extend(self.$field.as_deref().map(|s| (stringify!($field), s)));
            )+ };
        }
        list!(
            access_key_id,
            secret_access_key,
            session_token,
            access_key,
            sas_token,
            client_secret,
            service_account_key
        );
        secrets
    }

    /// How long a request is tried again.
    pub fn retry_for(&self) -> Duration {
        let text = self.retry_for.as_ref().map_or("3m", |t| t.as_str());
        let (number, unit) = text.split_at(text.len().saturating_sub(1));
        let number: u64 = number.parse().unwrap_or(180);
        Duration::from_secs(if unit == "m" { number * 60 } else { number })
    }

    fn is_set(flag: Option<&Sp<bool>>) -> bool {
        flag.is_some_and(|f| **f)
    }

    /// Whether to go without credentials.
    pub fn is_anonymous(&self) -> bool {
        Self::is_set(self.anonymous.as_ref())
    }

    /// Whether to go without encryption.
    pub fn allows_http(&self) -> bool {
        Self::is_set(self.allow_http.as_ref())
    }
}

/// Reports what is wrong with a layer's `stores`: names, and options that do not go together.
pub(super) fn check(
    text: &Arc<SourceText>,
    stores: &Entries<StoreOptions>,
    found: &mut Diagnostics,
) {
    for (name, options) in stores.iter() {
        match Location::parse(name) {
            Ok(Location::Store(url)) if url.prefix.is_empty() => {
                check_options(text, &url.store, options, found);
            }
            Ok(Location::Store(url)) => found.push(
                Diagnostic::error(Code::WrongValue, "options are for a store, not for a path in it")
                    .at((text, name.span()))
                    .hint(format!("write \"{}\"", url.store)),
            ),
            Ok(Location::Folder(_)) => found.push(
                Diagnostic::error(Code::WrongValue, format!("`{}` is not the URL of a store", **name))
                    .at((text, name.span()))
                    .hint("such as \"s3://bucket\", \"az://container\", \"gs://bucket\" or \"https://host\""),
            ),
            Err(why) => found.push(super::remote::unreadable(text, name.span(), "stores", &why)),
        }
    }
}

fn check_options(
    text: &Arc<SourceText>,
    store: &StoreName,
    options: &StoreOptions,
    found: &mut Diagnostics,
) {
    let mut refuse = |message: String, span: std::ops::Range<usize>, hint: String| {
        found.push(
            Diagnostic::error(Code::WrongValue, message)
                .at((text, span))
                .hint(hint),
        );
    };
    let given = options.given();
    for (option, span, kinds) in &given {
        if !kinds.contains(&store.kind) {
            refuse(
                format!("`{option}` means nothing to {}", store.kind.name()),
                span.clone(),
                format!("{} takes {}", store.kind.name(), names(store.kind)),
            );
        }
    }
    let place = |option: &str| {
        let named = given.iter().find(|(name, _, _)| *name == option);
        named.map(|(_, span, _)| span.clone())
    };
    // An option that needs another.
    for (option, needs) in [
        ("access_key_id", "secret_access_key"),
        ("secret_access_key", "access_key_id"),
        ("session_token", "access_key_id"),
        ("tenant_id", "client_secret"),
        ("client_secret", "client_id"),
        ("client_secret", "tenant_id"),
    ] {
        if let (Some(span), None) = (place(option), place(needs)) {
            refuse(
                format!("`{option}` is of no use without `{needs}`"),
                span,
                format!("give `{needs}` too, or neither"),
            );
        }
    }
    // Two ways to say who we are.
    let ways = [
        "access_key_id",
        "access_key",
        "sas_token",
        "client_secret",
        "service_account_key",
    ];
    let ways: Vec<&str> = ways.into_iter().filter(|w| place(w).is_some()).collect();
    if let [first, second, ..] = ways[..] {
        refuse(
            format!("`{first}` and `{second}` are two ways to say who we are"),
            place(second).unwrap_or_default(),
            "keep one of them".to_owned(),
        );
    }
    if let (true, [first, ..]) = (options.is_anonymous(), &ways[..]) {
        refuse(
            format!("`anonymous` goes without credentials, and `{first}` is one"),
            place("anonymous").unwrap_or_default(),
            "keep one of them".to_owned(),
        );
    }
    check_address(store, options, &mut refuse);
    if let (Some(named), Some(account)) = (&store.account, &options.account_name)
        && *named != ***account
    {
        refuse(
            format!("the URL names the account `{named}`"),
            account.span(),
            "leave `account_name` out".to_owned(),
        );
    }
}

/// Encryption is gone without only where that is said and so.
fn check_address(
    store: &StoreName,
    options: &StoreOptions,
    refuse: &mut impl FnMut(String, std::ops::Range<usize>, String),
) {
    let address = match (store.kind, &options.endpoint) {
        (StoreKind::Http, _) => Some(store.bucket.as_str()),
        (_, endpoint) => endpoint.as_ref().map(|e| e.as_str()),
    };
    if let Some(endpoint) = &options.endpoint {
        let good = url::Url::parse(endpoint).is_ok_and(|u| {
            matches!(u.scheme(), "http" | "https")
                && u.host_str().is_some()
                && u.password().is_none()
        });
        if !good || endpoint.contains(['@', '?']) {
            refuse(
                "`endpoint` is not the address of a server".to_owned(),
                0..0,
                "such as https://s3.example.org or http://127.0.0.1:9000, without credentials"
                    .to_owned(),
            );
            return;
        }
    }
    let plain = address.is_some_and(|a| a.starts_with("http://"));
    if let (Some(allow), false) = (&options.allow_http, plain) {
        refuse(
            "`allow_http` is of no use: no address begins with http://".to_owned(),
            allow.span(),
            "leave it out".to_owned(),
        );
    } else if plain && !options.allows_http() {
        let span = options.endpoint.as_ref().map_or(0..0, Sp::span);
        refuse(
            format!("{store} would be spoken to without encryption"),
            span,
            "use https://, or say `allow_http: true` if nobody can listen".to_owned(),
        );
    }
}

/// The options of a kind of store.
fn names(kind: StoreKind) -> &'static str {
    match kind {
        StoreKind::S3 => {
            "region, endpoint, allow_http, access_key_id, secret_access_key, session_token, \
virtual_hosted_style, anonymous, retry_for"
        }
        StoreKind::Azure => {
            "account_name, endpoint, allow_http, access_key, sas_token, tenant_id, client_id, \
client_secret, anonymous, retry_for"
        }
        StoreKind::Gcs => "endpoint, allow_http, service_account_key, anonymous, retry_for",
        StoreKind::Http => "allow_http, retry_for",
    }
}

/// What is missing to reach a store that the project uses: a message and what to do.
pub fn missing(store: &StoreName, options: Option<&StoreOptions>) -> Option<(String, String)> {
    let add = |option: &str| format!("stores: {{ \"{store}\": {{ {option} }} }}");
    match store.kind {
        StoreKind::S3 if options.is_none_or(|o| o.region.is_none() && o.endpoint.is_none()) => {
            Some((format!("{store} has no region"), add("region: eu-west-2")))
        }
        StoreKind::Azure
            if store.account.is_none() && options.is_none_or(|o| o.account_name.is_none()) =>
        {
            let message = format!("{store} does not say which account it is in");
            Some((message, add("account_name: NAME")))
        }
        StoreKind::Http
            if store.bucket.starts_with("http://") && !options.is_some_and(|o| o.allows_http()) =>
        {
            let message = format!("{store} would be spoken to without encryption");
            Some((
                message,
                format!("use https://, or {}", add("allow_http: true")),
            ))
        }
        _ => None,
    }
}
