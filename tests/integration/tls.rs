//! A source on a web server that is spoken to with encryption: whom it trusts, and whom not.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::clinic;
use crate::parquet_file::Table;
use crate::servers;
use crate::world::{World, repository, tell};

/// A server whose certificate is of an authority of its own, for `localhost` alone.
struct Server {
    port: u16,
    folder: TempDir,
    /// Ends when its standard input closes, which is when the tests end, in whatever way.
    process: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Option<Self> {
        let python = servers::python();
        let there = Command::new(&python)
            .args(["-c", "import cryptography"])
            .output()
            .is_ok_and(|o| o.status.success());
        if !there {
            tell(&format!(
                "skipped: {python} has no cryptography (MARTLET_TEST_PYTHON names one)"
            ));
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let web = folder.path().join("web/open data");
        fs::create_dir_all(&web).expect("a folder");
        fs::write(web.join("sites.csv"), SITES).expect("writes");
        let mut process = Command::new(python)
            .arg(repository().join("tests/scripts/https.py"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python");
        let mut line = String::new();
        let said = process.stdout.take().expect("its words");
        BufReader::new(said).read_line(&mut line).expect("a line");
        Some(Self {
            port: line.trim().parse().expect("a port"),
            folder,
            process,
        })
    }

    /// The file that names its authority.
    fn authority(&self) -> String {
        let path = self.folder.path().join("authority.pem");
        path.display().to_string()
    }

    /// The clinic, its sites on this server under a name of it.
    fn world(&self, host: &str) -> World {
        let world = clinic::world();
        let origin = format!("https://{host}:{}", self.port);
        world
            .edit(
                "pipelines/clinic.yaml",
                "{ path: config/reference/sites.csv, root: project, csv: {} }",
                &format!("{{ path: sites.csv, root: \"{origin}/open data/\", csv: {{}} }}"),
            )
            .write(
                "config/targets/dev.yaml",
                format!(
                    "{}stores: {{ \"{origin}\": {{ retry_for: 1s }} }}\n",
                    clinic::DEV
                ),
            )
            .remove("config/reference/sites.csv");
        world
    }
}

const SITES: &str = "provider,site\nRVV,Ashford\nRWF,Maidstone\n";

#[test]
fn an_authority_of_one_s_own_is_named_in_the_environment() {
    let Some(server) = Server::start() else {
        return;
    };
    let world = server.world("localhost");
    let authority = server.authority();
    let trusting = [("SSL_CERT_FILE", authority.as_str())];
    let ran = world.martlet_in(&trusting, "run").exits(0);
    ran.says(&["1 file (1 KiB) from https://localhost:"]);
    let sites = Table::read(&world.path("published/alliance/latest/sites.parquet"));
    assert_eq!(sites.column("site"), ["Ashford", "Maidstone"]);
    world
        .martlet_in(&trusting, "run")
        .exits(0)
        .says(&["nothing to do"]);
}

#[test]
fn a_certificate_of_nobody_we_know_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let world = server.world("localhost");
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "error[io]",
        "cannot read it: the server's certificate is not trusted",
        "SSL_CERT_FILE",
        "/open data/sites.csv",
    ]);
    assert!(!world.path("published").exists());
    assert!(!world.path("lake/landing/sites").exists());
}

#[test]
fn a_certificate_of_another_name_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let world = server.world("127.0.0.1");
    let authority = server.authority();
    let ran = world
        .martlet_in(&[("SSL_CERT_FILE", authority.as_str())], "run")
        .exits(1);
    ran.says(&[
        "cannot read it: the server's certificate is not trusted",
        "not valid for name",
    ]);
    assert!(!world.path("published").exists());
}
