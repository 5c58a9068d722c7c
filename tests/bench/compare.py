"""Whether two files hold the same mart: the same rows, by every column of ours.

Decimals, whole numbers and floats are compared as numbers; a null is like a null only. Rows that
differ are shown, which only invented people's may be.
"""

import polars as pl
import polars.selectors as cs


def rows(paths: list[str], grain: list[str]) -> pl.DataFrame:
    """The rows in the order of their grain, all numbers as floats, which hold every count exactly."""
    return pl.read_parquet(paths).with_columns(cs.numeric().cast(pl.Float64)).sort(grain, nulls_last=True)


def difference(mart: str, ours: list[str], whose: str, theirs: str, grain: list[str]) -> str | None:
    """None when the two are alike, else the mart, how many rows differ, and the first of them."""
    left, right = rows(ours, grain), rows([theirs], grain)
    if dict(left.schema) != dict(right.schema):
        return f"{mart}: columns of ours {dict(left.schema)}, of {whose} {dict(right.schema)}"
    right = right.select(left.columns)
    if left.equals(right):
        return None
    both = pl.concat([
        left.with_columns(whose=pl.lit("martlet"), sign=1),
        right.with_columns(whose=pl.lit(whose), sign=-1),
    ])
    apart = both.filter(pl.col("sign").sum().over(left.columns) != 0).drop("sign")
    apart = apart.sort([*grain, "whose"], nulls_last=True)
    with pl.Config(tbl_cols=-1, tbl_rows=20, tbl_width_chars=240):
        return (
            f"{mart}: {left.height} rows of martlet, {right.height} of {whose}, {apart.height} of them not in"
            f" both; the first are\n{apart.head(10)}"
        )
