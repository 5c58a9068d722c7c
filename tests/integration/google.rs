//! An inbox in Google Cloud Storage, as far as a server for it is to be had.
//!
//! Google's lists and reads by the XML API, which is what we speak, have the form of S3's: moto's
//! server answers them. Writes have a condition of Google's own (`x-goog-if-generation-match`), on
//! which "never overwrite" rests and which no server here knows: fake-gcs-server takes no plain PUT,
//! gcp-storage-emulator takes one whatever the condition, and lists nothing by this API. So
//! publishing to Google is tested as far as its settings go, in `store_settings`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;

use crate::clinic;
use crate::servers::{self, Bucket, Server};
use crate::wire::{Fate, Wire};
use crate::world::World;

fn published(world: &World) -> BTreeMap<String, String> {
    world.hashes("published")
}

/// Lets anybody read what is in a bucket.
fn open_to_all(server: &Server, bucket: &Bucket) {
    let name = &bucket.name;
    let policy = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::{name}/*"}}]}}"#
    );
    let request = format!(
        "PUT /{name}?policy HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{policy}",
        policy.len()
    );
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("connects");
    stream.write_all(request.as_bytes()).expect("asks");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 20"), "{answer}");
}

#[test]
fn a_night_from_google_gives_the_bytes_of_a_night_from_a_folder() {
    let Some(server) = servers::s3() else { return };
    let local = clinic::world();
    local.martlet("run --quiet").exits(0);

    // Letters and digits: others come percent-encoded, which moto does not know for the bucket's.
    let bucket = server.bucket(&format!("google{}", std::process::id()));
    let wire = Wire::to(server.port);
    let world = clinic::world();
    bucket.put_folder(&world, "inbox", "feeds/in");
    world.remove("inbox").write(
        "config/targets/dev.yaml",
        format!(
            "inbox: gs://{name}/feeds/in\npublished: published\nas_of: 2026-04-10\nstable_for: 0s\npseudonym_key: {{ file: pseudonym.key }}\nstores:\n  \"gs://{name}\": {{ endpoint: \"http://127.0.0.1:{port}\", allow_http: true, anonymous: true, retry_for: 5s }}\n",
            name = bucket.name,
            port = wire.port,
        ),
    );
    let ran = world.martlet("run").exits(1);
    ran.says(&[
        "the store refuses requests without credentials",
        "name credentials in place of `anonymous`",
    ]);
    assert!(!ran.stderr.contains("this machine's own"));
    assert!(!world.path("published").exists());

    open_to_all(server, &bucket);
    wire.heard();
    let ran = world.martlet("run").exits(0);
    ran.says(&[&format!(
        "4 files (1 KiB) from gs://{}/feeds/in",
        bucket.name
    )]);
    assert_eq!(published(&world), published(&local));
    let heard = wire.heard();
    assert!(
        heard.iter().all(|l| l.starts_with("GET ")),
        "an inbox is only read: {heard:?}"
    );

    // The next night asks for lists alone, and writes nothing.
    let lake = world.stamps("lake");
    world.martlet("run").exits(0).says(&["nothing to do"]);
    assert_eq!(world.stamps("lake"), lake);
    let heard = wire.heard();
    assert!(heard.iter().all(|l| l.contains("list-type=2")), "{heard:?}");

    // A list that breaks off is no empty folder.
    bucket.put(
        "feeds/in/visits/visits_RWF_2026-03.csv",
        "nhs_number,visit_date,kind,postcode\n",
    );
    wire.rule(|line, _| match line.contains("list-type=2") {
        true => Fate::CutShort,
        false => Fate::Answered,
    });
    let before = published(&world);
    world.martlet("run").exits(1).says(&["error[io]"]);
    assert_eq!(published(&world), before);
    wire.rule(|_, _| Fate::Answered);
    world.martlet("run --quiet").exits(0);
}
