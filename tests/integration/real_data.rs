//! Real deprivation and geography, where the data is at hand.

use crate::parquet_file::Table;
use crate::world::{World, repository};

#[test]
fn core20_of_england_and_of_kent_and_medway_are_the_published_ones() {
    let data = repository().join("../shared/data");
    if !data.is_dir() {
        eprintln!("skipped: ../shared is not here");
        return;
    }
    let world = World::repository();
    let target = world.read("config/targets/real.yaml");
    let here = format!("{}/", data.canonicalize().expect("a path").display());
    assert!(target.contains("../shared/data/"));
    world.write(
        "config/targets/real.yaml",
        target.replace("../shared/data/", &here),
    );
    world.write("data-samples/.keep", "");
    world.martlet("run --target real --quiet").exits(0);
    let path = world.path("published-real/alliance/latest/dim_geography.parquet");
    let table = Table::read(&path);
    let alliance = "E56000011";
    // Areas and Core20 areas of each edition: MHCLG File 1 of IMD 2019 and of IoD 2025.
    for (core20, england, kent, kent_core20) in [
        ("core20_2019", 32_844, 1_065, 169),
        ("core20_2025", 33_755, 1_107, 187),
    ] {
        let rows = table.only(&["alliance_code", core20]);
        let listed: Vec<_> = rows.iter().filter(|r| !r[1].is_empty()).collect();
        assert_eq!(listed.len(), england, "{core20} of England");
        let ours: Vec<_> = listed.iter().filter(|r| r[0] == alliance).collect();
        assert_eq!(ours.len(), kent, "{core20} of Kent and Medway");
        let deprived = ours.iter().filter(|r| r[1] == "true").count();
        assert_eq!(deprived, kent_core20, "{core20} of Kent and Medway");
    }
}
