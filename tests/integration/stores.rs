//! A night from and to a store: the same numbers as from a folder, whatever the wire does.
//!
//! S3 is moto's server, Azure is Azurite. Google Cloud Storage is in `google`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::clinic;
use crate::servers::{self, ACCOUNT, Bucket, Server};
use crate::wire::{Fate, Wire};
use crate::world::{World, files};

/// What stands in the files that credentials are in.
const SECRET: &str = "hush-this-is-a-store-key";

/// The clinic with its inbox and its readers in a bucket.
struct Remote {
    world: World,
    bucket: Bucket,
    wire: Wire,
}

fn number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// The target that goes through a wire to S3.
fn target(bucket: &str, port: u16) -> String {
    format!(
        "inbox: s3://{bucket}/in
published: s3://{bucket}/out
as_of: 2026-04-10
stable_for: 0s
pseudonym_key: {{ file: pseudonym.key }}
stores:
  \"s3://{bucket}\":
    endpoint: http://127.0.0.1:{port}
    allow_http: true
    access_key_id: {{ file: store.key }}
    secret_access_key: {{ file: store.key }}
    retry_for: 5s
"
    )
}

fn remote(server: &Server) -> Remote {
    let bucket = server.bucket(&format!("clinic-{}-{}", std::process::id(), number()));
    let wire = Wire::to(server.port);
    let world = clinic::world();
    world
        .write("config/targets/dev.yaml", target(&bucket.name, wire.port))
        .write("store.key", SECRET);
    bucket.put_folder(&world, "inbox", "in");
    world.remove("inbox");
    Remote {
        world,
        bucket,
        wire,
    }
}

/// The same in Azure; the key is in the environment.
fn in_azure(server: &Server) -> Remote {
    let name = format!("clinic-{}-{}", std::process::id(), number());
    let bucket = server.bucket(&name);
    let wire = Wire::to(server.port);
    let world = clinic::world();
    bucket.put_folder(&world, "inbox", "in");
    world.remove("inbox").write(
        "config/targets/dev.yaml",
        format!(
            "inbox: az://{name}/in
published: az://{name}/out
as_of: 2026-04-10
stable_for: 0s
pseudonym_key: {{ file: pseudonym.key }}
stores:
  \"az://{name}\":
    endpoint: http://127.0.0.1:{}/{ACCOUNT}
    allow_http: true
    account_name: {ACCOUNT}
    access_key: {{ env: STORE_KEY }}
    retry_for: 5s
",
            wire.port
        ),
    );
    Remote {
        world,
        bucket,
        wire,
    }
}

/// What readers of a folder have, by path: what a store must hold, byte for byte.
fn local() -> BTreeMap<String, String> {
    let world = clinic::world();
    world.martlet("run --quiet").exits(0);
    shelf(&world, "published")
}

fn shelf(world: &World, folder: &str) -> BTreeMap<String, String> {
    world
        .hashes(folder)
        .into_iter()
        .map(|(path, hash)| (path[folder.len() + 1..].to_owned(), hash))
        .filter(|(path, _)| path.starts_with("alliance/"))
        .collect()
}

/// Whether everything is there that `release.json` names, if there is one.
fn is_whole(bucket: &Bucket) -> bool {
    let there = bucket.hashes("out");
    if !there.contains_key("alliance/release.json") {
        return true;
    }
    let bytes = bucket.get("out/alliance/release.json");
    let release: Value = serde_json::from_slice(&bytes).expect("a whole document");
    let marts = release["marts"].as_object().expect("marts");
    marts.iter().all(|(mart, released)| {
        let version = released["version"].as_str().expect("a version");
        let folder = format!("alliance/versions/{mart}/{version}");
        let part = there.get(&format!("{folder}/part-00000.parquet"));
        part.map(String::as_str) == released["blake3"].as_str()
            && there.contains_key(&format!("{folder}/manifest.json"))
    })
}

fn writes(heard: &[String]) -> Vec<&String> {
    let reads = ["GET ", "HEAD "];
    let is_write = |l: &&String| !reads.iter().any(|r| l.starts_with(r));
    heard.iter().filter(is_write).collect()
}

#[test]
fn a_night_in_s3_gives_the_bytes_of_a_night_in_folders_and_the_next_does_nothing() {
    let Some(server) = servers::s3() else { return };
    let Remote {
        world,
        bucket,
        wire,
    } = remote(server);
    let ran = world.martlet("run").exits(0);
    ran.says(&[
        &format!("4 files (1 KiB) from s3://{}/in", bucket.name),
        &format!("s3://{}/out/alliance/latest/visits.parquet", bucket.name),
    ]);
    assert!(!ran.everything().contains(SECRET));
    assert_eq!(bucket.hashes("out"), local());
    assert!(!world.path("published").exists());

    let (stamps, lake) = (bucket.stamps("out"), world.stamps("lake"));
    wire.heard();
    world.martlet("run").exits(0).says(&["nothing to do"]);
    let heard = wire.heard();
    assert_eq!(writes(&heard), Vec::<&String>::new());
    let fetched = heard
        .iter()
        .filter(|l| l.contains("/in/visits/visits_"))
        .count();
    assert_eq!(fetched, 0, "{heard:#?}");
    assert_eq!((bucket.stamps("out"), world.stamps("lake")), (stamps, lake));

    // One file more and one changed: those two are brought, no other.
    bucket.put(
        "in/visits/visits_RVV_2026-03.csv",
        "nhs_number,visit_date,kind,postcode\n",
    );
    let january = String::from_utf8(bucket.get("in/visits/visits_RWF_2026-01.csv")).expect("text");
    bucket.put(
        "in/visits/visits_RWF_2026-01.csv",
        january.replace("07/01", "08/01"),
    );
    let bodies = |heard: &[String]| {
        let of_body = |l: &&String| l.contains("/in/visits/visits_");
        heard.iter().filter(of_body).count()
    };
    wire.heard();
    let plan = world
        .martlet("plan source.visits --json --quiet")
        .exits(0)
        .json();
    assert_eq!(
        plan["plan"]["tables"][0]["files"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!(bodies(&wire.heard()), 2);
    world.martlet("run").exits(0);
    assert_eq!(bodies(&wire.heard()), 0);
    // Questions are answered from our own shelf.
    let ran = world.martlet_with([
        "query",
        "SELECT count(*) AS n FROM mart.visits",
        "--format",
        "csv",
    ]);
    assert_eq!(ran.exits(0).stdout, "n\n3\n");
}

#[test]
fn a_wire_that_fails_every_third_time_changes_no_byte() {
    let Some(server) = servers::s3() else { return };
    let Remote {
        world,
        bucket,
        wire,
    } = remote(server);
    let fates = [
        Fate::Refused(500),
        Fate::CutShort,
        Fate::Refused(503),
        Fate::Lost,
    ];
    wire.rule(move |_, number| match number % 3 {
        0 => fates[number / 3 % fates.len()],
        _ => Fate::Answered,
    });
    world.martlet("run").exits(0);
    assert!(wire.heard().len() > 20);
    assert_eq!(bucket.hashes("out"), local());
}

#[test]
fn half_a_list_is_no_list() {
    let Some(server) = servers::s3() else { return };
    let Remote {
        world,
        bucket,
        wire,
    } = remote(server);
    // Four files are two pages: the second never comes.
    wire.rule(|line, _| match line.contains("continuation-token") {
        true => Fate::Refused(500),
        false => Fate::Answered,
    });
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        &format!("s3://{}/in/visits", bucket.name),
        "cannot list it",
        "nothing was published",
    ]);
    assert!(bucket.stamps("out").is_empty());
    assert!(files(&world.path("lake/inbox")).is_empty());
    // Taken once, a list that fails takes nothing away.
    wire.rule(|_, _| Fate::Answered);
    world.martlet("run").exits(0);
    let (stamps, copy) = (bucket.stamps("out"), world.stamps("lake/inbox"));
    wire.rule(
        |line, _| match line.contains("list-type") && line.contains("in%2Fvisits") {
            true => Fate::CutShort,
            false => Fate::Answered,
        },
    );
    world.martlet("run").exits(1).says(&["cannot list it"]);
    assert_eq!(
        (bucket.stamps("out"), world.stamps("lake/inbox")),
        (stamps, copy)
    );
}

#[test]
fn files_that_went_away_still_count_and_an_empty_store_is_told() {
    let Some(server) = servers::s3() else { return };
    let Remote { world, bucket, .. } = remote(server);
    world.martlet("run --quiet").exits(0);
    let before = bucket.stamps("out");
    let february = "in/visits/visits_RVV_2026-02.csv";
    bucket.delete(february);
    world.martlet("run").exits(0).says(&["nothing to do"]);
    let cleared: Vec<String> = bucket.stamps("in").into_keys().collect();
    for key in &cleared {
        bucket.delete(key);
    }
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "the store has nothing there any more: it had 3 files",
        "`.keep`",
    ]);
    for key in &cleared {
        if let Some((folder, _)) = key.rsplit_once('/') {
            bucket.put(&format!("{folder}/.keep"), Vec::new());
        }
    }
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(bucket.stamps("out"), before);
}

#[test]
fn a_prefix_that_holds_nothing_is_no_empty_inbox() {
    let Some(server) = servers::s3() else { return };
    let Remote { world, bucket, .. } = remote(server);
    let text = world.read("config/targets/dev.yaml");
    let elsewhere = text.replace("/in\n", "/inn\n");
    world.write("config/targets/dev.yaml", elsewhere);
    let ran = world.martlet("run").exits(1);
    ran.says(&["the store has nothing there", "/inn/visits", "`.keep`"]);
    assert!(bucket.stamps("out").is_empty());
    bucket.put("inn/visits/.keep", "");
    world
        .martlet("run")
        .exits(0)
        .says(&["no file of `source.visits` has arrived"]);
}

#[test]
fn stopped_after_any_write_readers_are_right_and_the_next_run_completes() {
    let Some(server) = servers::s3() else { return };
    let expected = local();
    // Owner, rows and manifest of two marts, the release, two stable paths.
    for allowed in [0, 1, 2, 4, 5, 6, 7, 8] {
        let Remote {
            world,
            bucket,
            wire,
        } = remote(server);
        let mut put = 0;
        wire.rule(move |line, _| {
            put += usize::from(line.starts_with("PUT "));
            match put > allowed {
                true => Fate::Refused(403),
                false => Fate::Answered,
            }
        });
        let ran = world.martlet("run --quiet");
        assert!(is_whole(&bucket), "after {allowed} writes");
        if ran.code == 0 {
            assert_eq!(allowed, 8);
            return;
        }
        ran.exits(1)
            .says(&["the store refuses `access_key_id` and `secret_access_key`"]);
        wire.rule(|_, _| Fate::Answered);
        world.martlet("run").exits(0);
        assert_eq!(bucket.hashes("out"), expected, "after {allowed} writes");
        assert_eq!(writes(&wire.heard()).len(), expected.len() + 1 - allowed);
    }
}

#[test]
fn a_release_that_somebody_else_made_is_never_overwritten() {
    let Some(server) = servers::s3() else { return };
    let Remote { world, bucket, .. } = remote(server);
    world.martlet("run --quiet").exits(0);
    // A second lake of the same target takes back what is there, and publishes.
    let other = clinic::world();
    other
        .remove("inbox")
        .write(
            "config/targets/dev.yaml",
            world.read("config/targets/dev.yaml"),
        )
        .write("store.key", SECRET);
    bucket.put(
        "in/visits/visits_RWF_2026-03.csv",
        format!(
            "nhs_number,visit_date,kind,postcode\n{},07/03/2026,first,\n",
            clinic::CAT
        ),
    );
    other
        .martlet("run")
        .exits(0)
        .says(&["took back what alliance has"]);
    let theirs = bucket.stamps("out");
    for line in ["run", "run --full-refresh"] {
        let ran = world.martlet(line).exits(6);
        ran.says(&[
            "somebody else has published there",
            "out/alliance/release.json",
        ]);
        assert_eq!(bucket.stamps("out"), theirs);
    }
    // It goes on from theirs as the message says, and finds that all is as it should be.
    world.remove("lake/shelf/alliance");
    world.martlet("run").exits(0);
    assert_eq!(bucket.stamps("out"), theirs);
}

/// Somebody else's release comes between our look and our request: the store itself must refuse.
#[track_caller]
fn the_store_itself_refuses(
    world: &World,
    bucket: &Bucket,
    wire: &Wire,
    environment: &[(&str, &str)],
) {
    let release = "out/alliance/release.json";
    let between = |theirs: &'static str| {
        let bucket = bucket.clone();
        move |line: &str, _| {
            if line.starts_with("PUT ") && line.contains("release.json") {
                bucket.put(release, theirs);
            }
            Fate::Answered
        }
    };
    // The first of all releases, and then one over another.
    wire.rule(between("first"));
    let ran = world.martlet_in(environment, "run").exits(6);
    ran.says(&["somebody else has published there"]);
    assert_eq!(bucket.get(release), b"first");
    bucket.delete(release);
    wire.rule(|_, _| Fate::Answered);
    world.martlet_in(environment, "run --quiet").exits(0);
    let ours = bucket.get(release);
    world.edit(
        "sql/clinic/sites.sql",
        "SELECT DISTINCT site",
        "SELECT DISTINCT site || '!' AS site",
    );
    wire.rule(between("second"));
    world.martlet_in(environment, "run").exits(6);
    assert_eq!(bucket.get(release), b"second");
    bucket.put(release, ours.clone());
    // An answer that is lost is no refusal.
    let mut seen = 0;
    wire.rule(move |line, _| {
        seen += usize::from(line.starts_with("PUT ") && line.contains("release.json"));
        match seen == 1 && line.contains("release.json") {
            true => Fate::Lost,
            false => Fate::Answered,
        }
    });
    world.martlet_in(environment, "run").exits(0);
    assert_ne!(bucket.get(release), ours);
    assert!(is_whole(bucket));
    // A mart that is retired goes from the stable paths.
    assert!(
        bucket
            .stamps("out")
            .contains_key("out/alliance/latest/sites.parquet")
    );
    let text = world.read("pipelines/clinic.yaml");
    let (rest, _) = text
        .split_once("  sites:\n    description: The sites that")
        .expect("the mart");
    world
        .write("pipelines/clinic.yaml", rest)
        .remove("sql/clinic/sites.sql");
    world.martlet_in(environment, "run").exits(0);
    let there = bucket.stamps("out");
    assert!(!there.contains_key("out/alliance/latest/sites.parquet"));
    assert!(there.contains_key("out/alliance/latest/visits.parquet"));
}

#[test]
fn s3_itself_refuses_a_release_over_somebody_elses() {
    let Some(server) = servers::s3() else { return };
    let Remote {
        world,
        bucket,
        wire,
    } = remote(server);
    the_store_itself_refuses(&world, &bucket, &wire, &[]);
}

#[test]
fn a_lost_lake_takes_back_what_readers_have() {
    let Some(server) = servers::s3() else { return };
    let Remote {
        world,
        bucket,
        wire,
    } = remote(server);
    world.martlet("run --quiet").exits(0);
    let before = bucket.stamps("out");
    world.remove("lake");
    wire.heard();
    world
        .martlet("run")
        .exits(0)
        .says(&["took back what alliance has"]);
    assert_eq!(writes(&wire.heard()), Vec::<&String>::new());
    assert_eq!(bucket.stamps("out"), before);
}

#[test]
fn another_warehouse_s_place_and_a_version_with_other_bytes_are_left_alone() {
    let Some(server) = servers::s3() else { return };
    let Remote { world, bucket, .. } = remote(server);
    bucket.put("out/.owner.json", "\"breast prod\"\n");
    let ran = world.martlet("run").exits(1);
    ran.says(&["belongs to `breast prod`, not to `clinic dev`"]);
    bucket.delete("out/.owner.json");
    // The version that will be written, by the name it will have, with somebody's own bytes.
    let part = local()
        .into_keys()
        .find(|k| k.ends_with("part-00000.parquet"))
        .expect("a part");
    bucket.put(&format!("out/{part}"), "not ours");
    world.martlet("run").exits(1).says(&["other bytes", &part]);
    assert!(
        !bucket
            .stamps("out")
            .contains_key("out/alliance/release.json")
    );
    assert_eq!(bucket.get(&format!("out/{part}")), b"not ours");
}

#[test]
fn a_night_in_azure_gives_the_same_bytes_and_wrong_credentials_say_so() {
    let Some(server) = servers::azure() else {
        return;
    };
    let Remote {
        world,
        bucket,
        wire,
    } = in_azure(server);
    // A key that is one, and not this account's.
    let wrong = servers::azure_key().replace("Eby8", "Abcd");
    let ran = world.martlet_in(
        &[("STORE_KEY", &wrong)],
        "run --log trace --log-format json",
    );
    let ran = ran.exits(1);
    assert!(
        ran.stderr.contains("the store refuses `access_key`"),
        "{}",
        ran.stderr
    );
    assert!(!ran.everything().contains(&wrong));
    world
        .martlet("run")
        .exits(2)
        .says(&["STORE_KEY", "`access_key` of az://"]);

    let key = servers::azure_key();
    let ran = world.martlet_in(&[("STORE_KEY", &key)], "run --log trace --log-format json");
    assert!(!ran.exits(0).everything().contains(&key));
    assert_eq!(bucket.hashes("out"), local());
    for path in files(&world.path("lake")) {
        let bytes = std::fs::read(&path).expect("reads");
        assert!(
            !String::from_utf8_lossy(&bytes).contains(&key),
            "{}",
            path.display()
        );
    }
    let stamps = bucket.stamps("out");
    wire.heard();
    let ran = world.martlet_in(&[("STORE_KEY", &key)], "run").exits(0);
    ran.says(&["nothing to do"]);
    assert_eq!(writes(&wire.heard()), Vec::<&String>::new());
    assert_eq!(bucket.stamps("out"), stamps);
    // Another lake's release is in the way here too.
    bucket.put("out/alliance/release.json", "{}");
    let ran = world.martlet_in(&[("STORE_KEY", &key)], "run").exits(6);
    ran.says(&["somebody else has published there"]);
    assert_eq!(bucket.get("out/alliance/release.json"), b"{}");
}

#[test]
fn azure_itself_refuses_a_release_over_somebody_elses() {
    let Some(server) = servers::azure() else {
        return;
    };
    let Remote {
        world,
        bucket,
        wire,
    } = in_azure(server);
    let key = servers::azure_key();
    the_store_itself_refuses(&world, &bucket, &wire, &[("STORE_KEY", &key)]);
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let world = clinic::world();
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    world
        .write(
            "config/targets/dev.yaml",
            target("nowhere", port).replace("5s", "1s"),
        )
        .write("store.key", SECRET);
    let ran = world.martlet("run").exits(1);
    ran.says(&["s3://nowhere/out", "nothing was published"]);
    assert!(!ran.everything().contains(SECRET));
    // A check asks no server, and needs no secret.
    world.remove("store.key");
    world.martlet("check").exits(0);
}
