//! What the readers' own tools make of the published files: types, rows, an empty mart.

use std::path::Path;
use std::process::Command;

use crate::clinic;
use crate::night;
use crate::parquet_file::Table;
use crate::world::{World, tell};

/// A Python that has duckdb, pyarrow and pandas, if there is one.
pub fn python() -> Option<String> {
    #[allow(clippy::disallowed_methods)] // the test machine says which Python has the clients
    let named = std::env::var("MARTLET_TEST_PYTHON").ok();
    let python = named.unwrap_or_else(|| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", "import duckdb, pyarrow, pandas"])
        .output()
        .is_ok_and(|o| o.status.success());
    if !found {
        tell(&format!(
            "skipped: {python} has no duckdb, pyarrow and pandas (MARTLET_TEST_PYTHON names one)"
        ));
    }
    found.then_some(python)
}

const READ: &str = r#"
import sys, duckdb, pyarrow.parquet as pq, pandas as pd
path = sys.argv[1]
print("duckdb", [(c[0], c[1]) for c in duckdb.sql(f"DESCRIBE SELECT * FROM '{path}'").fetchall()])
print("duckdb rows", duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0])
table = pq.read_table(path)
print("pyarrow", [(f.name, str(f.type), f.nullable) for f in table.schema])
print("pyarrow rows", table.num_rows)
print("pandas", list(pd.read_parquet(path).shape))
"#;

fn read(python: &str, path: &Path) -> String {
    let output = Command::new(python)
        .args(["-c", READ])
        .arg(path)
        .output()
        .expect("runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", path.display());
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn duckdb_pyarrow_and_pandas_agree_on_every_mart() {
    let Some(python) = python() else { return };
    let world = &night::shared().world;
    let folder = world.path("published/alliance/latest");
    let mut all = 0;
    for path in crate::world::files(&folder) {
        let said = read(&python, &path);
        let rows = Table::read(&path).rows.len();
        assert!(said.contains(&format!("duckdb rows {rows}\n")), "{said}");
        assert!(said.contains(&format!("pyarrow rows {rows}\n")), "{said}");
        assert!(said.contains(&format!("pandas [{rows}, ")), "{said}");
        for odd in [
            "dictionary",
            "_view'",
            "'uint",
            "[ns",
            "struct",
            "'list",
            "large_",
        ] {
            let types = said
                .lines()
                .find(|l| l.starts_with("pyarrow ["))
                .expect("types");
            assert!(!types.contains(odd), "{odd}: {types}");
        }
        all += 1;
    }
    assert_eq!(all, 18);
    insta::assert_snapshot!(read(&python, &folder.join("liver_surveillance.parquet")));
}

#[test]
fn an_empty_mart_is_an_empty_file_with_all_its_columns() {
    let world = nothing_counts();
    let path = world.path("published/alliance/latest/visits.parquet");
    let table = Table::read(&path);
    assert_eq!(table.rows.len(), 0);
    let full = clinic::world();
    full.martlet("run --quiet").exits(0);
    let other = Table::read(&full.path("published/alliance/latest/visits.parquet"));
    assert_eq!(table.columns, other.columns);
    assert_eq!(table.types, other.types);
    let Some(python) = python() else { return };
    let said = read(&python, &path);
    insta::assert_snapshot!(said);
}

/// The clinic, where too few visits were made for any to count.
fn nothing_counts() -> World {
    let world = clinic::world();
    world
        .edit("pipelines/clinic.yaml", "value: 1,", "value: 100,")
        .edit(
            "pipelines/clinic.yaml",
            "      - { name: nothing_lost, reconciles: { to: model.site_total, measure: visits, by: [site] } }\n",
            "",
        );
    world.martlet("run --quiet").exits(0);
    world
}
