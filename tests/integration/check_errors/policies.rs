//! Copies under a policy: what a mart or the settings say that cannot be kept.

use super::{assert_places, faults};
use crate::clinic;
use crate::world::World;

const FILE: &str = "pipelines/clinic.yaml";
const SETTINGS: &str = "config/warehouse.yaml";

/// The clinic, whose visits go to everybody, under a policy.
fn world(disclosure: &str, publish: &str) -> World {
    let world = clinic::project();
    world
        .write(
            SETTINGS,
            "name: clinic\naudiences: [alliance, everybody]\npolicy_required: [everybody]\npolicies:\n  small_numbers: {}\n",
        )
        .edit(
            FILE,
            "    publish:\n      - { audience: alliance }\n  sites:",
            &format!("{disclosure}    publish:\n{publish}  sites:"),
        );
    world
}

#[test]
fn a_copy_without_the_policy_it_needs_is_refused() {
    let world = world(
        "",
        "      - { audience: everybody }\n      - { audience: alliance, policy: smal_numbers }\n      - { audience: alliance }\n",
    );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            ("policy", FILE, "everybody }", 0),
            ("unknown-name", FILE, "smal_numbers", 0),
            ("duplicate-name", FILE, "alliance }", 0),
        ],
    );
    // What everybody has already needs none.
    let open = clinic::project();
    open.write(
        SETTINGS,
        "name: clinic\naudiences: [alliance, everybody]\npolicy_required: [everybody]\n",
    )
    .edit(
        FILE,
        "    tags: [weekly]\n",
        "    tags: [weekly]\n    sensitivity: open\n",
    );
    let text = open.read(FILE);
    let (before, after) = text
        .rsplit_once("{ audience: alliance }")
        .expect("an audience");
    open.write(FILE, format!("{before}{{ audience: everybody }}{after}"));
    open.martlet("check").exits(0);
}

#[test]
fn every_column_of_a_copy_is_accounted_for() {
    let world = world(
        "    disclosure:\n      exempt: { people: \"1\" }\n      shown_with: { days: [visit, site] }\n      never_shown: [month, days]\n      same_people: [{ across: site, over: [visits] }]\n      totals: [{ column: stie, value: all }]\n",
        "      - { audience: everybody, policy: small_numbers }\n",
    );
    world
        .edit(
            FILE,
            "      - { name: visits, type: decimal,",
            "      - { name: suppression, type: string }\n      - { name: days, type: int }\n      - { name: share, type: { decimal: { precision: 5, scale: 3 } } }\n      - { name: visits, type: decimal,",
        );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            ("wrong-value", FILE, "people: \"1\"", 0),
            ("unknown-name", FILE, "visit, site]", 0),
            ("wrong-value", FILE, "site] }", 1),
            ("wrong-value", FILE, "month, days]", 0),
            ("duplicate-name", FILE, "days]\n      same", 0),
            ("wrong-value", FILE, "visits] }]", 0),
            ("unknown-name", FILE, "stie", 0),
            ("duplicate-name", FILE, "suppression", 0),
            ("policy", FILE, "{ decimal: { precision: 5", 0),
        ],
    );
}

#[test]
fn rows_about_single_people_cannot_be_hidden_by_a_policy() {
    let world = clinic::project();
    world
        .write(
            SETTINGS,
            "name: clinic\naudiences: [alliance]\nperson_level: [alliance]\npolicies:\n  small_numbers: {}\n",
        )
        .edit(
            FILE,
            "    tags: [weekly]\n",
            "    tags: [weekly]\n    sensitivity: pseudonymised\n",
        );
    let text = world.read(FILE);
    let (before, after) = text
        .rsplit_once("{ audience: alliance }")
        .expect("an audience");
    world.write(
        FILE,
        format!("{before}{{ audience: alliance, policy: small_numbers }}{after}"),
    );
    let said = faults(&world).stderr;
    assert!(said.contains("no policy can hide single people"), "{said}");
}

#[test]
fn a_policy_that_hides_nothing_is_refused() {
    let world = clinic::project();
    let settings = |text: &str| {
        world.write(SETTINGS, format!("name: clinic\n{text}"));
    };
    settings(
        "policies:
  none: { suppress_up_to: 0, round_to: 1 }
  narrow: { least_width: 0 }
",
    );
    insta::assert_snapshot!(faults(&world).stderr);
    assert_places(
        &world,
        &[
            ("wrong-value", SETTINGS, "0, round_to: 1", 0),
            ("wrong-value", SETTINGS, "1 }", 0),
            ("wrong-value", SETTINGS, "0 }", 0),
        ],
    );
    settings("policy_required: [evrybody]\npolicies: { coarse: { round_to: 50 } }\n");
    assert_places(
        &world,
        &[
            ("unknown-name", SETTINGS, "evrybody", 0),
            ("wrong-value", SETTINGS, "50", 0),
        ],
    );
    let said = faults(&world).stderr;
    assert!(
        said.contains("just above 7 would be rounded to nobody"),
        "{said}"
    );
    // Readers of all targets are owed the same.
    settings("");
    world.edit(
        "config/targets/dev.yaml",
        "inbox: inbox\n",
        "inbox: inbox\npolicies: { small_numbers: {} }\n",
    );
    assert_places(
        &world,
        &[("wrong-value", "config/targets/dev.yaml", "small_numbers", 0)],
    );
}
