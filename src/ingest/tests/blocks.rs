//! However a text is cut into blocks, the same rows come of it.

use proptest::prelude::*;

use super::*;
use crate::compile::contract::staged_schema;
use crate::diag::DataPlace;
use crate::ingest::judge::Judge;
use crate::ingest::quarantine::QuarantineWriter;
use crate::ingest::readers::{self, Origin};
use crate::ingest::sorter::Sorter;
use crate::store::parquet::ParquetWriter;

const ROWS: &str = r#"
sensitivity: aggregate
files: { path: p.csv, csv: { skip_rows: [{ name: footer, pattern: "^Total" }] } }
columns:
  - { name: a, type: string, accepted: ["x", "y", "", "x\ny"] }
  - { name: number, type: int, UNIQUE min: 0 }
"#;

/// What came of a text: rows received, staged texts with their lines, refused rows, dropped rows.
type Came = (u64, Vec<[String; 3]>, Vec<Refused>, BTreeMap<String, u64>);

fn came(unique: bool, text: &[u8], block: usize) -> std::result::Result<Came, String> {
    let world = World::new(&ROWS.replace("UNIQUE", if unique { "unique: true," } else { "" }));
    let path = world.put("p.csv", text);
    let arrived = world.arrived("p.csv");
    let schema = staged_schema(&world.node.spec, &world.node.files);
    let (good, bad) = (path.with_extension("good"), path.with_extension("bad"));
    let staged = ParquetWriter::create(&good, schema, &[]).expect("creates");
    let quarantine = QuarantineWriter::create(&bad, "p.csv", &[]).expect("creates");
    let judge = Judge::new(&world.node, &arrived, None, &world.related).expect("a contract");
    let mut sorter = Sorter::new(&judge, staged, quarantine);
    let origin = Origin {
        path: &path,
        place: DataPlace::file("p.csv"),
        columns: 2,
        block,
    };
    let size = text.len() as u64;
    let received = readers::read(&origin, &world.node.reader, size, &judge, &mut sorter)
        .map_err(|e| e.to_string())?;
    let dropped = sorter.dropped.clone();
    sorter.staged.finish(&[]).expect("finishes");
    sorter.quarantine.finish(&[]).expect("finishes");
    let batch = read(&good);
    let cell = |name: &str, row: usize| {
        let column = batch.column_by_name(name).expect("the column");
        match column.is_null(row) {
            true => "null".to_owned(),
            false => array_value_to_string(column, row).expect("a text"),
        }
    };
    let rows =
        (0..batch.num_rows()).map(|row| ["a", "number", "_line"].map(|name| cell(name, row)));
    Ok((received, rows.collect(), refused_rows(&bad), dropped))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn blocks_of_any_size_give_the_same(
        pieces in prop::collection::vec(
            prop::sample::select(vec![
                "x,1\n", "y,2\r\n", "\"x\ny\",3\n", "\"x\r\ny\",-4\n", "\n", "\r\n", "x,5\r", "Total,9\n",
                "\"a \"\"b\"\"\",6\n", "x\",7\n", "x\n", "x,8,9\n", "x,\0\n", "\"", "\"x\",", "é,1\n", ",\n",
            ]),
            0..40,
        ),
        unique in any::<bool>(),
        damaged in any::<bool>(),
        size in 1_usize..40,
    ) {
        let mut text = format!("a,number\n{}", pieces.concat()).into_bytes();
        if damaged {
            text.extend(b"\xFF\xC3,1\nx,2\n");
        }
        let whole = came(unique, &text, 1 << 20);
        prop_assert_eq!(came(unique, &text, size), whole);
    }
}

#[test]
fn a_block_that_ends_in_quotes_is_read_again_with_what_follows() {
    let text = "a,number\n\"x\ny\",1\n\"x\ny\",2\nx,3\n";
    let (received, rows, refused, _) = came(false, text.as_bytes(), 6).expect("reads");
    assert_eq!((received, refused.len()), (3, 0));
    let row = |a: &str, n: &str, line: &str| [a.to_owned(), n.to_owned(), line.to_owned()];
    assert_eq!(
        rows,
        [
            row("x\ny", "1", "2"),
            row("x\ny", "2", "4"),
            row("x", "3", "6")
        ]
    );
}
