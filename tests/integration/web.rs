//! A source on a web server: open data by its URL, asked each night whether it is still the same.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use crate::clinic;
use crate::parquet_file::Table;
use crate::world::World;

/// What the server has.
#[derive(Default)]
struct Page {
    body: Option<String>,
    /// Whether it says what changes when its bytes do.
    is_tagged: bool,
    /// How many bytes of a body come before the connection is cut.
    most: Option<usize>,
    /// Whether it sends a part of a file.
    sends_parts: bool,
    /// Requests, each with the tag that it came with, and the answers' statuses.
    log: Vec<(String, Option<String>, u16)>,
}

struct Web {
    port: u16,
    page: Arc<Mutex<Page>>,
}

impl Web {
    fn serving(body: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let page = Arc::new(Mutex::new(Page {
            body: Some(body.to_owned()),
            is_tagged: true,
            most: None,
            sends_parts: true,
            log: Vec::new(),
        }));
        let shared = Arc::clone(&page);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                answer(client, &shared);
            }
        });
        Self { port, page }
    }

    fn change(&self, change: impl FnOnce(&mut Page)) {
        change(&mut self.page.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The statuses of the answers since this was last asked.
    fn statuses(&self) -> Vec<u16> {
        let mut page = self.page.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut page.log)
            .into_iter()
            .map(|(_, _, s)| s)
            .collect()
    }
}

fn answer(mut client: TcpStream, page: &Mutex<Page>) {
    let mut lines = BufReader::new(client.try_clone().expect("a stream")).lines();
    let first = lines.next().and_then(Result::ok).unwrap_or_default();
    let (mut wants, mut from) = (None, None);
    for line in lines.map_while(Result::ok).take_while(|l| !l.is_empty()) {
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("if-none-match") => {
                wants = Some(value.to_owned());
            }
            // `bytes=7-`, or `bytes=7-35`: to the end either way.
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                let start = value.trim_start_matches("bytes=").split('-').next();
                from = start.and_then(|s| s.parse::<usize>().ok());
            }
            _ => {}
        }
    }
    let mut page = page.lock().unwrap_or_else(PoisonError::into_inner);
    let body = page
        .body
        .clone()
        .filter(|_| first.contains("/open%20data/sites.csv "));
    let tag = body
        .as_ref()
        .map(|b| format!("\"{}\"", &blake3::hash(b.as_bytes()).to_hex()[..8]));
    let (status, head, body) = match body {
        None => (404, String::new(), String::new()),
        Some(_) if page.is_tagged && wants == tag => (304, String::new(), String::new()),
        Some(body) => {
            let tag = tag.filter(|_| page.is_tagged);
            let tag = tag.map_or_else(String::new, |t| format!("ETag: {t}\r\n"));
            match from.filter(|_| page.sends_parts) {
                None => (200, tag, body),
                Some(from) => {
                    let (last, all) = (body.len() - 1, body.len());
                    let range = format!("{tag}Content-Range: bytes {from}-{last}/{all}\r\n");
                    (206, range, body[from..].to_owned())
                }
            }
        }
    };
    page.log.push((first, wants, status));
    let sent = &body[..page.most.unwrap_or(body.len()).min(body.len())];
    let answer = format!(
        "HTTP/1.1 {status} answer\r\n{head}Content-Length: {}\r\nConnection: close\r\n\r\n{sent}",
        body.len()
    );
    let _ = client.write_all(answer.as_bytes());
}

/// The clinic, its sites on the web.
fn world(web: &Web) -> World {
    let world = clinic::world();
    let root = format!("\"http://127.0.0.1:{}/open data/\"", web.port);
    world
        .edit(
            "pipelines/clinic.yaml",
            "{ path: config/reference/sites.csv, root: project, csv: {} }",
            &format!("{{ path: sites.csv, root: {root}, csv: {{}} }}"),
        )
        .write(
            "config/targets/dev.yaml",
            format!(
                "{}stores: {{ \"http://127.0.0.1:{}\": {{ allow_http: true, retry_for: 2s }} }}\n",
                clinic::DEV,
                web.port
            ),
        )
        .remove("config/reference/sites.csv");
    world
}

const SITES: &str = "provider,site\nRVV,Ashford\nRWF,Maidstone\n";

fn sites(world: &World) -> Vec<String> {
    Table::read(&world.path("published/alliance/latest/sites.parquet")).column("site")
}

#[test]
fn a_file_on_the_web_is_taken_once_and_again_when_it_changes() {
    let web = Web::serving(SITES);
    let world = world(&web);
    world
        .martlet("run")
        .exits(0)
        .says(&["1 file (1 KiB) from http://127.0.0.1:"]);
    assert_eq!(web.statuses(), [200]);
    let visits = Table::read(&world.path("published/alliance/latest/visits.parquet"));
    assert_eq!(visits.rows.len(), clinic::VISITS.len());
    let lake = world.stamps("lake");
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(web.statuses(), [304], "asked, and not sent again");
    assert_eq!(world.stamps("lake"), lake);
    web.change(|page| page.body = Some(SITES.replace("Ashford", "Canterbury")));
    world.martlet("run").exits(0);
    assert_eq!(web.statuses(), [200]);
    assert_eq!(sites(&world), ["Canterbury", "Maidstone"]);
}

#[test]
fn a_server_that_tags_nothing_is_read_each_night_and_changes_nothing() {
    let web = Web::serving(SITES);
    web.change(|page| page.is_tagged = false);
    let world = world(&web);
    world.martlet("run").exits(0);
    let published = world.stamps("published");
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(world.stamps("published"), published);
    assert_eq!(web.statuses(), [200, 200]);
}

#[test]
fn a_file_that_comes_in_pieces_is_put_together() {
    let web = Web::serving(SITES);
    let world = world(&web);
    // Nothing is tried again below us: going on where it broke off is ours.
    world.edit("config/targets/dev.yaml", "retry_for: 2s", "retry_for: 0s");
    web.change(|page| page.most = Some(7));
    world.martlet("run").exits(0);
    let pieces = SITES.len().div_ceil(7);
    let statuses = web.statuses();
    assert_eq!((statuses[0], statuses.len()), (200, pieces), "{statuses:?}");
    assert!(statuses[1..].iter().all(|s| *s == 206), "{statuses:?}");
    assert_eq!(sites(&world), ["Ashford", "Maidstone"]);
}

#[test]
fn pieces_that_cannot_be_put_together_are_no_file() {
    // Without a tag nobody knows that pieces belong together; and some servers send none.
    for (is_tagged, sends_parts) in [(false, true), (true, false)] {
        let web = Web::serving(SITES);
        let world = world(&web);
        world.edit("config/targets/dev.yaml", "retry_for: 2s", "retry_for: 0s");
        web.change(|page| {
            (page.most, page.is_tagged, page.sends_parts) = (Some(7), is_tagged, sends_parts);
        });
        let ran = world.martlet("run").exits(1);
        ran.says(&["cannot read it", "/open data/sites.csv"]);
        assert!(web.statuses().len() < 20);
        assert!(!world.path("published").exists());
    }
}

#[test]
fn a_file_that_left_the_web_stops_the_run_and_readers_keep_theirs() {
    let web = Web::serving(SITES);
    let world = world(&web);
    world.martlet("run --quiet").exits(0);
    let published = world.stamps("published");
    web.change(|page| page.body = None);
    let ran = world.martlet("run").exits(1);
    ran.says(&["the store does not have this file", "/open data/sites.csv"]);
    assert_eq!(world.stamps("published"), published);
    web.change(|page| page.body = Some(SITES.to_owned()));
    world.martlet("run").exits(0).says(&["nothing to do"]);
}

#[test]
fn what_a_target_has_nothing_of_is_not_asked_for() {
    let web = Web::serving(SITES);
    let world = world(&web);
    web.change(|page| page.body = None);
    let target = world.read("config/targets/dev.yaml");
    let absent = "sources: { reference.sites: { absent: true } }\n";
    world.write("config/targets/dev.yaml", format!("{target}{absent}"));
    world.martlet("run").exits(0);
    assert_eq!(web.statuses(), Vec::<u16>::new());
    assert_eq!(sites(&world), Vec::<String>::new());
}

#[test]
fn a_web_server_is_asked_for_one_file_by_name() {
    let world = clinic::world();
    world.edit(
        "pipelines/clinic.yaml",
        "      csv: {}\n",
        "      root: https://open.example.org/visits/\n      csv: {}\n",
    );
    let ran = world.martlet("check").exits(2);
    ran.says(&[
        "a web server cannot be asked which files it has",
        "pipelines/clinic.yaml:14:",
    ]);
}
