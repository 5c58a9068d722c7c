//! URLs, options and credentials in settings: what makes no sense is said before anything starts.

use crate::clinic;
use crate::world::World;

/// The clinic with these lines in its target, beside the key of the pseudonyms.
fn with(lines: &str) -> World {
    let world = clinic::project();
    let text = format!("pseudonym_key: {{ file: pseudonym.key }}\n{lines}\n");
    world.write("config/targets/dev.yaml", text);
    world
}

/// The S3 store of the inbox, with these options.
fn s3(options: &str) -> World {
    with(&format!(
        "inbox: s3://in/a\nstores:\n  \"s3://in\": {{ {options} }}"
    ))
}

#[track_caller]
fn refused(world: &World, words: &[&str]) {
    let ran = world.martlet("check").exits(2);
    ran.says(words);
    for secret in ["hush", "AKIA"] {
        assert!(!ran.everything().contains(secret), "{}", ran.everything());
    }
}

#[test]
fn urls_that_make_no_sense_are_refused() {
    for (lines, words) in [
        ("inbox: s33://in", "did you mean `s3://`?"),
        ("inbox: s3://", "names no bucket"),
        ("lake: s3://in/lake", "the lake is a folder of this machine"),
        (
            "published: https://host/marts",
            "cannot be listed or written to",
        ),
        ("inbox: s3://in", "s3://in has no region"),
        ("inbox: az://in", "does not say which account"),
        (
            "inbox: gs://in\npublished: gs://in/marts",
            "lie within each other",
        ),
    ] {
        refused(&with(lines), &[words, "config/targets/dev.yaml:"]);
    }
    for lines in [
        "inbox: s3://AKIA1:hush@in/a",
        "inbox: https://kmca.blob.core.windows.net/in?sv=1&sig=hush",
    ] {
        refused(
            &with(lines),
            &["credentials do not belong in a URL", "dev.yaml:2"],
        );
    }
    let world = clinic::project();
    let ran = world.martlet("check --lake s3://in/lake").exits(2);
    ran.says(&["--lake: the lake is a folder of this machine"]);
}

#[test]
fn options_that_make_no_sense_are_refused() {
    for (options, words) in [
        ("regoin: eu-west-2", "did you mean `region`?"),
        (
            "region: eu-west-2, account_name: x",
            "`account_name` means nothing to S3",
        ),
        (
            "region: eu-west-2, access_key_id: { env: ID }",
            "`access_key_id` is of no use without `secret_access_key`",
        ),
        (
            "region: eu-west-2, anonymous: true, access_key_id: { env: I }, secret_access_key: { env: K }",
            "`anonymous` goes without credentials",
        ),
        (
            "region: eu-west-2, allow_http: true",
            "`allow_http` is of no use",
        ),
        ("endpoint: \"http://127.0.0.1:9\"", "without encryption"),
        ("endpoint: somewhere", "not the address of a server"),
        ("region: eu-west-2, retry_for: soon", "soon"),
    ] {
        refused(&s3(options), &[words, "config/targets/dev.yaml:"]);
    }
    refused(
        &with(
            "inbox: az://in\nstores:\n  \"az://in\": { account_name: kmca, access_key: { env: K }, sas_token: { env: S } }",
        ),
        &["`access_key` and `sas_token` are two ways to say who we are"],
    );
    refused(
        &with("stores:\n  \"s3://in/a\": { region: eu-west-2 }"),
        &[
            "options are for a store, not for a path in it",
            "write \"s3://in\"",
        ],
    );
}

#[test]
fn a_secret_is_a_reference_and_never_shown() {
    for options in [
        "region: eu-west-2, access_key_id: AKIA1, secret_access_key: { env: K }",
        "region: eu-west-2, access_key_id: { env: I }, secret_access_key: hush",
        "region: eu-west-2, session_token: hush",
    ] {
        refused(
            &s3(options),
            &["a secret stands where a reference to one should"],
        );
    }
    refused(
        &s3("region: eu-west-2, secret_acess_key: hush"),
        &[
            "unknown key `secret_acess_key`",
            "did you mean `secret_access_key`?",
        ],
    );
}

#[test]
fn options_of_a_store_that_nothing_names_are_most_likely_a_slip() {
    let world = with(
        "inbox: s3://in/a\nstores:\n  \"s3://in\": { region: eu-west-2 }\n  \"s3://inn\": { region: eu-west-2 }",
    );
    world
        .martlet("check")
        .exits(0)
        .says(&["nothing is at s3://inn", "did you mean `s3://in`?"]);
}

/// No server for its writes was to be had: this is as far as they are tested.
#[test]
fn google_s_urls_and_options_check() {
    let world = with(
        "inbox: gs://in/a\npublished: gs://in/b\nstores:\n  \"gs://in\": { service_account_key: { env: SERVICE_ACCOUNT } }",
    );
    world.martlet("check").exits(0);
    let ran = world.martlet("run").exits(2);
    ran.says(&["SERVICE_ACCOUNT", "`service_account_key` of gs://in"]);
    let ran = world
        .martlet_in(&[("SERVICE_ACCOUNT", "hush")], "run")
        .exits(2);
    assert!(!ran.everything().contains("hush"), "{}", ran.everything());
}

#[test]
fn the_targets_of_the_repository_that_name_stores_check() {
    let world = World::repository_with_sample();
    for target in ["s3", "azurite"] {
        world.martlet(&format!("check --target {target}")).exits(0);
    }
}
