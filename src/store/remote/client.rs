//! A way to one place in a store, put together from its URL, its options and its credentials.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3Builder;
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use secrecy::{ExposeSecret, SecretString};

use crate::diag::{Code, DataPlace, Diagnostic, Diagnostics, Result};
use crate::spec::{Settings, StoreKind, StoreName, StoreOptions, StoreUrl};

/// How often a whole listing or body is begun again.
const ATTEMPTS: u32 = 4;
/// After this long it is not begun again: the server is down rather than unlucky.
const PATIENCE: Duration = Duration::from_secs(20);

/// The credentials of stores, read from where the settings say. Shown nowhere.
#[derive(Debug, Clone, Default)]
pub struct Secrets(BTreeMap<(StoreName, &'static str), SecretString>);

impl Secrets {
    /// Adds the value of an option of a store.
    pub fn set(&mut self, store: StoreName, option: &'static str, secret: SecretString) {
        self.0.insert((store, option), secret);
    }

    fn get(&self, store: &StoreName, option: &'static str) -> Option<String> {
        let secret = self.0.get(&(store.clone(), option))?;
        Some(secret.expose_secret().to_owned())
    }

    fn of(&self, store: &StoreName) -> Vec<(&'static str, SecretString)> {
        let of_store = self.0.iter().filter(|((name, _), _)| name == store);
        of_store.map(|((_, o), s)| (*o, s.clone())).collect()
    }
}

/// A way to one place in a store. Paths are below that place. Without `Debug` on purpose: what is
/// inside holds credentials.
#[derive(Clone)]
pub struct Client {
    pub(super) store: Arc<dyn ObjectStore>,
    pub(super) url: StoreUrl,
    /// For messages that must not hold them, and to name the options that they came from.
    pub(super) secrets: Vec<(&'static str, SecretString)>,
    /// Whether it goes without credentials.
    pub(super) is_anonymous: bool,
}

impl Client {
    /// The way to a place. Nothing is asked of the server yet.
    ///
    /// # Errors
    /// Options or credentials that the store cannot use.
    pub fn open(url: &StoreUrl, settings: &Settings, secrets: &Secrets) -> Result<Self> {
        let defaults = StoreOptions::default();
        let options = settings.store(&url.store).unwrap_or(&defaults);
        let known = secrets.of(&url.store);
        let made = build(url, options, secrets).map_err(|error| {
            let text = super::fault::words(&error, &known);
            Diagnostics::from(
                Diagnostic::error(
                    Code::WrongValue,
                    format!("the store cannot be used: {text}"),
                )
                .at(DataPlace::file(url.to_string()))
                .hint(format!(
                    "check what the target says under `stores: {}`",
                    url.store
                )),
            )
        })?;
        Ok(Self {
            store: made,
            url: url.clone(),
            secrets: known,
            is_anonymous: options.is_anonymous(),
        })
    }

    /// The place.
    pub fn url(&self) -> &StoreUrl {
        &self.url
    }

    /// The full path of one that is below the place.
    pub(super) fn path(&self, below: &str) -> Result<Path> {
        // A web server's place is part of its address.
        let full = match (self.url.store.kind, self.url.prefix.as_str()) {
            (StoreKind::Http, _) | (_, "") => below.to_owned(),
            (_, prefix) if below.is_empty() => prefix.to_owned(),
            (_, prefix) => format!("{prefix}/{below}"),
        };
        Path::parse(&full).map_err(|_| {
            Diagnostic::error(Code::WrongValue, "a store cannot hold this path")
                .at(DataPlace::file(self.url.below(below)))
                .hint("a path has no empty step, no `.` and no `..`")
                .into()
        })
    }

    /// Does something, and again if it broke off for a reason that may pass.
    pub(super) async fn again<T, F>(
        &self,
        mut work: impl FnMut() -> F,
    ) -> std::result::Result<T, object_store::Error>
    where
        F: Future<Output = std::result::Result<T, object_store::Error>>,
    {
        let started = Instant::now();
        let mut wait = Duration::from_millis(100);
        for _ in 1..ATTEMPTS {
            match work().await {
                Err(object_store::Error::Generic { .. }) if started.elapsed() < PATIENCE => {
                    tokio::time::sleep(wait).await;
                    wait *= 2;
                }
                done => return done,
            }
        }
        work().await
    }
}

fn build(
    url: &StoreUrl,
    options: &StoreOptions,
    secrets: &Secrets,
) -> std::result::Result<Arc<dyn ObjectStore>, object_store::Error> {
    let store = &url.store;
    let secret = |option: &'static str| secrets.get(store, option);
    let text = |value: &Option<crate::spec::Sp<String>>| value.as_ref().map(|v| (**v).clone());
    let client = ClientOptions::new()
        .with_allow_http(options.allows_http())
        .with_connect_timeout(Duration::from_secs(10))
        .with_timeout(Duration::from_secs(300));
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(15),
            base: 2.0,
        },
        max_retries: 10,
        retry_timeout: options.retry_for(),
    };
    Ok(match store.kind {
        StoreKind::S3 => {
            let mut builder = AmazonS3Builder::new()
                .with_bucket_name(&store.bucket)
                .with_client_options(client)
                .with_retry(retry)
                .with_skip_signature(options.is_anonymous());
            if let Some(region) = text(&options.region) {
                builder = builder.with_region(region);
            }
            if let Some(endpoint) = text(&options.endpoint) {
                builder = builder.with_endpoint(endpoint);
            }
            if let Some(flag) = &options.virtual_hosted_style {
                builder = builder.with_virtual_hosted_style_request(**flag);
            }
            if let Some(id) = secret("access_key_id") {
                builder = builder.with_access_key_id(id);
            }
            if let Some(key) = secret("secret_access_key") {
                builder = builder.with_secret_access_key(key);
            }
            if let Some(token) = secret("session_token") {
                builder = builder.with_token(token);
            }
            Arc::new(builder.build()?)
        }
        StoreKind::Azure => {
            let mut builder = MicrosoftAzureBuilder::new()
                .with_container_name(&store.bucket)
                .with_client_options(client)
                .with_retry(retry)
                .with_skip_signature(options.is_anonymous());
            if let Some(account) = store
                .account
                .clone()
                .or_else(|| text(&options.account_name))
            {
                builder = builder.with_account(account);
            }
            if let Some(endpoint) = text(&options.endpoint) {
                builder = builder.with_endpoint(endpoint);
            }
            if let Some(key) = secret("access_key") {
                builder = builder.with_access_key(key);
            }
            if let Some(token) = secret("sas_token") {
                builder = builder.with_config(AzureConfigKey::SasKey, token);
            }
            if let Some(id) = text(&options.client_id) {
                builder = builder.with_client_id(id);
            }
            if let Some(tenant) = text(&options.tenant_id) {
                builder = builder.with_tenant_id(tenant);
            }
            if let Some(key) = secret("client_secret") {
                builder = builder.with_client_secret(key);
            }
            Arc::new(builder.build()?)
        }
        StoreKind::Gcs => {
            let mut builder = GoogleCloudStorageBuilder::new()
                .with_bucket_name(&store.bucket)
                .with_client_options(client)
                .with_retry(retry)
                .with_skip_signature(options.is_anonymous());
            if let Some(endpoint) = text(&options.endpoint) {
                builder = builder.with_base_url(&endpoint);
            }
            if let Some(key) = secret("service_account_key") {
                builder = builder.with_service_account_key(key);
            }
            Arc::new(builder.build()?)
        }
        StoreKind::Http => {
            let builder = HttpBuilder::new()
                .with_url(url.to_string())
                .with_client_options(client)
                .with_retry(retry);
            Arc::new(builder.build()?)
        }
    })
}
