//! Texts that are hardly YAML: each is an error with a place, never a panic, never a hang.

use std::time::{Duration, Instant};

use super::{assert_places, faults, with_pipeline};

#[test]
fn tabs_are_refused_with_their_place() {
    let world = with_pipeline("pipeline: clinic\nmodels:\n\tvisit:\n\t\tsql: clinic/visit.sql\n");
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[("yaml-syntax", "pipelines/clinic.yaml", "visit:", 0)],
    );
}

#[test]
fn a_quote_that_never_ends() {
    let world = with_pipeline("pipeline: clinic\ndescription: \"How many\nowner: data-team\n");
    let ran = faults(&world);
    ran.says(&["error[yaml-syntax]", "pipelines/clinic.yaml:"]);
}

#[test]
fn a_key_that_stands_twice() {
    let world = with_pipeline("pipeline: clinic\nowner: a\nowner: b\n");
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[("duplicate-key", "pipelines/clinic.yaml", "owner", 1)],
    );
}

#[test]
fn an_alias_bomb_is_refused_quickly() {
    let mut bomb = String::from("pipeline: clinic\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for i in 1..30 {
        let last = i - 1;
        bomb.push_str(&format!(
            "a{i}: &a{i} [{}]\n",
            vec![format!("*a{last}"); 10].join(", ")
        ));
    }
    let world = with_pipeline(&bomb);
    let start = Instant::now();
    faults(&world).says(&["pipelines/clinic.yaml:"]);
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn an_alias_that_holds_itself() {
    let world = with_pipeline("pipeline: clinic\nmodels: &m\n  visit: *m\n");
    faults(&world).says(&["pipelines/clinic.yaml:"]);
}

#[test]
fn an_alias_of_nothing() {
    let world = with_pipeline("pipeline: clinic\nowner: *nobody\n");
    faults(&world).says(&["error[yaml-syntax]", "pipelines/clinic.yaml:2:"]);
}

#[test]
fn deep_nesting() {
    let world = with_pipeline(&format!(
        "pipeline: clinic\nmodels: {}\n",
        "[".repeat(100_000)
    ));
    faults(&world).says(&["pipelines/clinic.yaml:"]);
}

#[test]
fn not_text_at_all() {
    let world = crate::clinic::project();
    world.write("pipelines/clinic.yaml", b"pipeline: \xff\xfe\x00clinic\n");
    faults(&world).says(&["pipelines/clinic.yaml"]);
}

#[test]
fn nothing_at_all() {
    let world = with_pipeline("");
    faults(&world).says(&["pipelines/clinic.yaml"]);
    let world = crate::world::World::empty();
    let ran = world.martlet("check").exits(2);
    assert!(!ran.stderr.is_empty());
}

#[test]
fn two_documents_in_one_file() {
    let world = with_pipeline("pipeline: clinic\n---\npipeline: other\n");
    faults(&world).says(&["pipelines/clinic.yaml"]);
}
