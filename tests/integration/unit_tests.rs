//! `martlet test`: small rows in, the rows that must come out.

use crate::clinic;
use crate::world::World;

/// A test of the clinic that passes.
pub const GOOD: &str = "tests:
  - name: people_are_counted_once
    of: mart.visits
    given:
      model.visit:
        - { site: Ashford, person_key: ann, visit_date: 2026-01-05 }
        - { site: Ashford, person_key: ann, visit_date: 2026-01-19 }
        - { site: Ashford, person_key: bob, visit_date: 2026-02-01 }
    expect:
      - { month: 2026-01-01, site: Ashford, people: 1, visits: 2 }
      - { month: 2026-02-01, site: Ashford, people: 1, visits: 1 }
";

fn world(tests: &str) -> World {
    let world = clinic::project();
    world.write("tests/pipelines/clinic.yaml", tests);
    world
}

#[test]
fn the_tests_of_the_repository_pass() {
    let world = World::repository();
    let ran = world.martlet("test").exits(0);
    let declared: usize = crate::world::files(&world.path("tests/pipelines"))
        .iter()
        .map(|p| {
            std::fs::read_to_string(p)
                .expect("reads")
                .matches("\n  - name: ")
                .count()
        })
        .sum();
    assert!(declared > 30, "{declared}");
    ran.says(&[&format!("{declared} passed, 0 failed")]);
}

#[test]
fn a_test_that_passes() {
    let world = world(GOOD);
    let ran = world.martlet("test").exits(0);
    insta::assert_snapshot!(world.filtered(&ran.stderr));
    assert!(!world.path("lake").exists());
}

const BAD: &str = "tests:
  - name: people_are_counted_twice
    description: They are not.
    of: mart.visits
    given:
      model.visit:
        - { site: Ashford, person_key: ann, visit_date: 2026-01-05 }
        - { site: Ashford, person_key: ann, visit_date: 2026-01-19 }
        - { site: Maidstone, person_key: bob, visit_date: 2026-01-19 }
    expect:
      - { month: 2026-01-01, site: Ashford, people: 2, visits: 2 }
      - { month: 2026-01-01, site: Dover & <\"Deal\">, people: 1, visits: 1 }
";

#[test]
fn a_test_that_fails_shows_what_differs() {
    let world = world(&format!("{GOOD}{}", BAD.replacen("tests:\n", "", 1)));
    let ran = world.martlet("test --junit out/junit.xml").exits(1);
    insta::assert_snapshot!(world.filtered(&ran.stderr));
    insta::assert_snapshot!("junit", world.filtered(&world.read("out/junit.xml")));
    let document = world.json("test");
    assert_eq!(
        (&document["passed"], &document["failed"]),
        (&1.into(), &1.into())
    );
}

#[test]
fn tests_are_chosen_by_name_table_and_pipeline() {
    let world = world(&format!("{GOOD}{}", BAD.replacen("tests:\n", "", 1)));
    for (word, code) in [
        ("people_are_counted_once", 0),
        ("*twice", 1),
        ("mart.visits", 1),
        ("clinic", 1),
        ("*once", 0),
        ("nosuch", 2),
    ] {
        world.martlet(&format!("test {word}")).exits(code);
    }
}

#[test]
fn misspelt_tables_columns_and_parameters_are_shown_where_they_stand() {
    let world = world(
        "tests:
  - name: misspelt
    of: mart.visits
    given:
      model.visit:
        - { sight: Ashford, person_key: ann, visit_date: 2026-01-05 }
        - { site: Ashford, person_key: ann, visit_date: tomorrow }
      model.vist: []
    parameters: { leest: 2 }
    expect:
      - { month: 2026-01-01, site: Ashford, poeple: 1 }
  - name: misspelt
    of: mart.vists
    expect: []
  - name: not_a_thing
    off: mart.visits
    expect: []
",
    );
    let ran = world.martlet("test").exits(2);
    insta::assert_snapshot!(ran.stderr);
    // And `check` finds the same.
    assert_eq!(world.martlet("check").exits(2).stderr, ran.stderr);
    world.edit("tests/pipelines/clinic.yaml", "off: mart", "of: mart");
    let ran = world.martlet("test").exits(2);
    insta::assert_snapshot!("misspelt_in_rows", ran.stderr);
    assert_eq!(world.martlet("check").exits(2).stderr, ran.stderr);
}

#[test]
fn the_clock_of_a_test_is_its_own() {
    let tests = "tests:
  - name: clock
    of: mart.sites
    as_of: 2020-02-29
    expect: [ { site: 2020-02-29 } ]
";
    let world = world(tests);
    world.write(
        "sql/clinic/sites.sql",
        "SELECT CAST($as_of AS VARCHAR) AS site\n",
    );
    world.martlet("test").exits(0);
    world.edit("tests/pipelines/clinic.yaml", "    as_of: 2020-02-29\n", "");
    world
        .martlet("test")
        .exits(2)
        .says(&["the test needs a clock"]);
}

#[test]
fn a_parameter_may_have_another_value_in_a_test() {
    let world = world(&GOOD.replace(
        "    expect:\n",
        "    parameters: { least: 2 }\n    expect:\n",
    ));
    let ran = world.martlet("test").exits(1);
    assert!(ran.stderr.contains("- 2026-02-01"), "{}", ran.stderr);
}
