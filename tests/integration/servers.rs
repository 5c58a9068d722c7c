//! Real servers on this machine: moto for S3, Azurite for Azure; each started once, on a port that
//! was free, and gone when the tests are.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};

use futures::TryStreamExt;
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::path::Path as Key;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt};

use crate::world::{World, files, repository, tell};

/// A server of this machine.
pub struct Server {
    /// Where it listens.
    pub port: u16,
    kind: &'static str,
    python: String,
    /// Its shell waits for the other end of this pipe to close, as it does when the tests end in
    /// whatever way, and then stops the server.
    _shell: Child,
}

/// A bucket or container of its own.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    store: Arc<dyn ObjectStore>,
}

/// Lists come in pages of this many.
pub const PAGE: usize = 3;

#[allow(clippy::disallowed_methods)] // the test machine says where its servers are
fn named(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

/// The Python that the tests use.
pub fn python() -> String {
    named("MARTLET_TEST_PYTHON").unwrap_or_else(|| "python3".to_owned())
}

fn start(kind: &'static str, command: impl Fn(u16) -> Vec<String>) -> Server {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let shell = Command::new("sh")
        .args([
            "-c",
            r#""$@" >/dev/null 2>&1 & id=$!; read _; kill $id"#,
            "sh",
        ])
        .args(command(port))
        .env("MOTO_S3_DEFAULT_MAX_KEYS", PAGE.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell");
    Server {
        port,
        kind,
        python: python(),
        _shell: shell,
    }
}

static S3: LazyLock<Option<Server>> = LazyLock::new(|| {
    let python = python();
    let there = Command::new(&python)
        .args(["-c", "import moto.server"])
        .output()
        .is_ok_and(|o| o.status.success());
    there.then(|| {
        start("s3", |port| {
            let words = ["-m", "moto.server", "-H", "127.0.0.1", "-p"];
            let mut all = vec![python.clone()];
            all.extend(words.map(str::to_owned));
            all.push(port.to_string());
            all
        })
    })
});

static AZURE: LazyLock<Option<Server>> = LazyLock::new(|| {
    let azurite = named("MARTLET_TEST_AZURITE").filter(|a| Path::new(a).exists())?;
    Some(start("azure", |port| {
        let words = [
            "--inMemoryPersistence",
            "--skipApiVersionCheck",
            "--disableTelemetry",
            "--blobHost",
            "127.0.0.1",
            "--blobPort",
        ];
        let mut all = vec![azurite.clone()];
        all.extend(words.map(str::to_owned));
        all.push(port.to_string());
        all
    }))
});

/// The S3 server, if this machine has one.
pub fn s3() -> Option<&'static Server> {
    if S3.is_none() {
        tell(&format!(
            "skipped: {} has no moto (MARTLET_TEST_PYTHON names one)",
            python()
        ));
    }
    S3.as_ref()
}

/// The Azure server, if this machine has one.
pub fn azure() -> Option<&'static Server> {
    if AZURE.is_none() {
        tell("skipped: there is no Azurite (MARTLET_TEST_AZURITE names one)");
    }
    AZURE.as_ref()
}

/// The emulator's account, the same everywhere.
pub const ACCOUNT: &str = "devstoreaccount1";

/// The emulator's key, the same everywhere.
pub fn azure_key() -> String {
    let path = repository().join("config/stores/azurite.key");
    std::fs::read_to_string(path)
        .expect("the key")
        .trim()
        .to_owned()
}

impl Server {
    /// Makes a bucket.
    pub fn bucket(&self, name: &str) -> Bucket {
        let endpoint = format!("http://127.0.0.1:{}", self.port);
        let made = Command::new(&self.python)
            .arg(repository().join("tests/scripts/store.py"))
            .args([self.kind, &endpoint, name])
            .output()
            .expect("python");
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{error}");
        let plain = ClientOptions::new().with_allow_http(true);
        let store: Arc<dyn ObjectStore> = if self.kind == "s3" {
            let builder = AmazonS3Builder::new()
                .with_endpoint(endpoint)
                .with_access_key_id("tests")
                .with_secret_access_key("tests");
            let builder = builder.with_bucket_name(name).with_client_options(plain);
            Arc::new(builder.build().expect("a store"))
        } else {
            let builder = MicrosoftAzureBuilder::new()
                .with_endpoint(format!("{endpoint}/{ACCOUNT}"))
                .with_account(ACCOUNT)
                .with_access_key(azure_key());
            let builder = builder.with_container_name(name).with_client_options(plain);
            Arc::new(builder.build().expect("a store"))
        };
        Bucket {
            name: name.to_owned(),
            store,
        }
    }
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(work)
}

impl Bucket {
    /// Puts an object.
    pub fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let bytes: Vec<u8> = bytes.into();
        wait(self.store.put(&Key::from(key), bytes.into())).expect("puts");
    }

    /// Puts every file below a folder of a world.
    pub fn put_folder(&self, world: &World, folder: &str, prefix: &str) {
        let root = world.path(folder);
        for path in files(&root) {
            let below = path
                .strip_prefix(&root)
                .expect("below")
                .display()
                .to_string();
            self.put(
                &format!("{prefix}/{below}"),
                std::fs::read(&path).expect("reads"),
            );
        }
    }

    /// An object's bytes.
    pub fn get(&self, key: &str) -> Vec<u8> {
        wait(async {
            let got = self.store.get(&Key::from(key)).await.expect("gets");
            got.bytes().await.expect("bytes").to_vec()
        })
    }

    /// Removes an object.
    pub fn delete(&self, key: &str) {
        wait(self.store.delete(&Key::from(key))).expect("deletes");
    }

    /// Every object below a prefix: its key, and what the store would tell of a write.
    pub fn stamps(&self, prefix: &str) -> BTreeMap<String, String> {
        let prefix = Key::from(prefix);
        let all: Vec<_> = wait(self.store.list(Some(&prefix)).try_collect()).expect("lists");
        all.into_iter()
            .map(|m| {
                (
                    m.location.to_string(),
                    format!("{:?} {}", m.e_tag, m.last_modified),
                )
            })
            .collect()
    }

    /// Every object below a prefix, by its path there, with a hash of its bytes; ours only.
    pub fn hashes(&self, prefix: &str) -> BTreeMap<String, String> {
        self.stamps(prefix)
            .into_keys()
            .filter(|key| !key.ends_with(".owner.json"))
            .map(|key| {
                let hash = blake3::hash(&self.get(&key)).to_hex().to_string();
                let below = key
                    .strip_prefix(prefix)
                    .expect("below")
                    .trim_start_matches('/');
                (below.to_owned(), hash)
            })
            .collect()
    }
}
