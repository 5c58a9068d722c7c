//! What the README shows is what the program does: its first night, and its worked example, typed in.

use crate::night;
use crate::world::{Ran, World, copy_folder, repository};

/// A fenced block: what it is marked as, and its text.
struct Block {
    kind: String,
    text: String,
}

fn readme() -> String {
    std::fs::read_to_string(repository().join("README.md")).expect("the README")
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(kind) = line.strip_prefix("```") {
            let text = lines.by_ref().take_while(|l| !l.starts_with("```"));
            blocks.push(Block {
                kind: kind.to_owned(),
                text: text.map(|l| format!("{l}\n")).collect(),
            });
        }
    }
    blocks
}

/// Lines without what differs from one machine to the next: times, and the width of columns.
fn plain(world: &World, text: &str) -> Vec<String> {
    world
        .filtered(text)
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn the_first_night_ends_as_the_readme_shows() {
    let night = night::shared();
    let shown = blocks(&readme());
    let shown = shown.iter().find(|b| b.text.contains("Published release"));
    let shown = plain(&night.world, &shown.expect("the night's last lines").text);
    let said = plain(&night.world, &night.ran.stderr);
    for line in &shown {
        assert!(said.contains(line), "the night does not say `{line}`");
    }
    let marts = |lines: &[String]| lines.iter().filter(|l| l.starts_with("Mart ")).count();
    assert_eq!(marts(&shown), marts(&said));
}

#[test]
fn the_worked_example_does_what_it_shows() {
    let world = World::empty();
    copy_folder(night::shared().world.root(), world.root());
    let page = readme();
    let at = page.find("`data-samples/bowel/referrals_2026-03.csv`");
    let example = &page[at.expect("the example")..];
    let end = example.find("[docs/pipelines.md](docs/pipelines.md) teaches the rest");
    let blocks = blocks(&example[..end.expect("the end of the example")]);
    let written = |kind: &str, nth: usize| {
        let of_kind = blocks.iter().filter(|b| b.kind == kind);
        &of_kind.clone().nth(nth).expect("a block").text
    };
    world
        .write(
            "data-samples/bowel/referrals_2026-03.csv",
            written("csv", 0),
        )
        .write("pipelines/fit_first.yaml", written("yaml", 0))
        .write("sql/fit_first/fit_first.sql", written("sql", 0))
        .write("tests/pipelines/fit_first.yaml", written("yaml", 1));

    for block in blocks.iter().filter(|b| b.kind == "console") {
        let (typed, shown) = block.text.split_once('\n').expect("a command");
        let line = typed.strip_prefix("$ martlet ").expect("a command of ours");
        let ran: Ran = match line.split_once(" \"") {
            Some((command, quoted)) => world.martlet_with([command, quoted.trim_end_matches('"')]),
            None => world.martlet(line),
        };
        let ran = ran.exits(0);
        assert_eq!(
            plain(&world, &ran.everything()),
            plain(&world, shown),
            "{typed}"
        );
    }

    let mistaken = blocks
        .iter()
        .find(|b| b.text.contains("error[unknown-key]"));
    world.edit(
        "pipelines/fit_first.yaml",
        "    checks:\n      - { row_count",
        "    tests:\n      - { row_count",
    );
    let ran = world.martlet("check fit_first").exits(2);
    let said = plain(&world, &ran.stderr);
    for line in plain(&world, &mistaken.expect("the mistake").text) {
        assert!(said.contains(&line), "no `{line}` in\n{}", ran.stderr);
    }
}
