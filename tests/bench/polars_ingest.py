"""The same work in Polars: every column typed, modulus 11, accepted values, required.

Good rows go to zstd Parquet; bad rows are kept with row number, rule and text.
Usage: polars_ingest.py EVENTS FOLDER
"""

import sys

import polars as pl

PROGRAMMES = ["bowel", "breast", "cervical"]
EVENTS = [
    "invited", "reminder", "responded", "kit_returned", "attended",
    "screened_adequate", "screened_inadequate", "result_normal", "declined", "dna",
]
TESTS = ["FIT", "mammogram", "HPV_primary"]


def modulus_11(text: pl.Expr) -> pl.Expr:
    number = text.cast(pl.Int64, strict=False)
    weighted = pl.sum_horizontal(
        [number // 10 ** (10 - place) % 10 * (11 - place) for place in range(1, 10)]
    )
    return (text.str.len_bytes() == 10) & ((11 - weighted % 11) % 11 == number % 10)


def main() -> None:
    events, folder = sys.argv[1], sys.argv[2]
    date = pl.col("event_date").str.to_date("%d/%m/%Y", strict=False)
    rule = (
        pl.when(~modulus_11(pl.col("nhs_number")).fill_null(False)).then(pl.lit("nhs_number"))
        .when(~pl.col("programme").is_in(PROGRAMMES).fill_null(False)).then(pl.lit("programme"))
        .when(~pl.col("event_type").is_in(EVENTS).fill_null(False)).then(pl.lit("event_type"))
        .when(pl.col("event_date").is_null() | (pl.col("event_date") == "")).then(pl.lit("event_date required"))
        .when(date.is_null()).then(pl.lit("event_date valid"))
        .when(~pl.col("test_type").is_in(TESTS)).then(pl.lit("test_type"))
        .when(~pl.col("practice_code").str.contains("^[A-Za-z0-9]{3,8}$")).then(pl.lit("practice_code"))
    )
    rows = (
        pl.scan_csv(events, infer_schema=False, row_index_name="row")
        .with_columns(rule.alias("rule"))
    )
    good = rows.filter(pl.col("rule").is_null()).drop("rule").with_columns(date.alias("event_date"))
    bad = rows.filter(pl.col("rule").is_not_null())
    pl.collect_all([
        good.sink_parquet(f"{folder}/good.parquet", compression="zstd", compression_level=1, lazy=True),
        bad.sink_parquet(f"{folder}/bad.parquet", compression="zstd", compression_level=1, lazy=True),
    ], engine="streaming")


main()
