//! Early diagnosis, from the registry's file to the rate that readers see.

use crate::parquet_file::Table;
use crate::world::World;

/// A valid NHS number that was never issued.
const PERSON: &str = "9993874213";

/// Kent and Medway, bowel, 2022, as NDRS has it, said of 2025; and some that cannot be staged, which must
/// not change the shares.
const BOWEL: [(&str, usize); 6] = [
    ("1", 203),
    ("2B", 285),
    ("3C", 307),
    ("4", 218),
    ("", 421),
    ("U", 37),
];

#[test]
fn trap_22_stage_denominator_of_kent_and_medway_bowel_2022() {
    let world = World::repository();
    world
        .martlet("sample --people 60 --months 2 --out data-samples")
        .exits(0);
    world
        .remove("data-samples/tumours")
        .remove("data-samples/manifest.csv");
    let mut tumours =
        "nhs_number,tumour_key,diagnosis_date,icd10,stage,route,trust_code\n".to_owned();
    let mut key = 0;
    for (stage, count) in BOWEL {
        for _ in 0..count {
            key += 1;
            let day = 1 + key % 28;
            tumours += &format!("{PERSON},T{key},2025-06-{day:02},C180,{stage},gp_referral,RVV\n");
        }
    }
    world.write("data-samples/tumours/tumours_2026-03.csv", tumours);
    world.martlet("run --quiet early_diagnosis").exits(0);

    let table = Table::read(&world.path("published/alliance/latest/early_diagnosis.parquet"));
    let rows = table.only(&[
        "month",
        "org_type",
        "org_code",
        "imd_edition",
        "provisional",
        "stage_1_2",
        "staged",
        "missing_stage",
        "unstageable",
        "stage_1_2_pct",
        "completeness_pct",
    ]);
    let year: Vec<_> = rows
        .iter()
        .filter(|row| row[0] == "2026-03-01" && row[1] == "trust" && row[3] == "2025")
        .collect();
    assert_eq!(year.len(), 1, "{year:?}");
    assert_eq!(
        year[0][4..9],
        ["true", "488.0", "1013.0", "421.0", "37.0"].map(str::to_owned)
    );
    let points = |text: &str| format!("{:.2}", 100.0 * text.parse::<f64>().expect("a rate"));
    assert_eq!(points(&year[0][9]), "48.17", "not 488 of 1,434, 34.03");
    assert_eq!(points(&year[0][10]), "70.64");
    assert!(
        rows.iter()
            .all(|row| (row[0] == "2026-03-01") == (row[4] == "true"))
    );
}
