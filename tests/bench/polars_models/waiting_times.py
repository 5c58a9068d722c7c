"""The mart of waiting times: our records and the official statistics below one another."""

import polars as pl

from . import waits
from .world import World

KEYS = [
    "month", "org_code", "basis", "standard", "route", "cancer_group", "modality_group", "imd_edition",
    "imd_quintile",
]
# Each band with its first and last day, and the standards that have it.
BANDS = {
    "band_0_14": (0, 14, ["fds_28"]), "band_15_28": (15, 28, ["fds_28"]),
    "band_29_42": (29, 42, ["fds_28"]), "band_43_62": (43, 62, ["fds_28"]),
    "band_0_31": (0, 31, ["d31", "d62"]), "band_32_38": (32, 38, ["d31", "d62"]),
    "band_39_48": (39, 48, ["d31", "d62"]), "band_49_62": (49, 62, ["d31", "d62"]),
    "band_63_76": (63, 76, ["d62"]), "band_77_90": (77, 90, ["d62"]), "band_91_104": (91, 104, ["d62"]),
    "band_after_62": (63, 99_999, ["fds_28", "d31"]), "band_after_104": (105, 99_999, ["d62"]),
}
# The official columns, by the bands' names.
PUBLISHED = {
    "total": "total", "within": "within_standard", "breached": "after_standard", "band_0_14": "within_14_days",
    "band_15_28": "in_15_to_28_days", "band_29_42": "in_29_to_42_days", "band_43_62": "in_43_to_62_days",
    "band_0_31": "within_31_days", "band_32_38": "in_32_to_38_days", "band_39_48": "in_39_to_48_days",
    "band_49_62": "in_49_to_62_days", "band_63_76": "in_63_to_76_days", "band_77_90": "in_77_to_90_days",
    "band_91_104": "in_91_to_104_days", "band_after_62": "after_62_days", "band_after_104": "after_104_days",
}
# The sheets that tell apart both route and cancer, the others hold the same people.
SHEETS = {"cwt_published_fds_route": "fds_28", "cwt_published_31_cancer": "d31", "cwt_published_62_cancer": "d62",
          "cwt_published_31_all": "d31", "cwt_published_62_all": "d62"}
CANCERS = {
    "breast": "Breast", "gynaecological": "Gynaecological", "haematological|leukaemia": "Haematological",
    "head & neck": "Head and neck", "lower gastrointestinal": "Lower gastrointestinal",
    "upper gastrointestinal": "Upper gastrointestinal", "lung": "Lung", "skin": "Skin",
    "urological|^suspected testicular": "Urological",
    "central nervous system": "Brain and central nervous system", "^missing": "No diagnosis",
}
ROUTES = {
    "^breast symptomatic": "breast_symptomatic", "screening": "screening",
    "^urgent suspected cancer$": "urgent_suspected_cancer", "^consultant upgrade$": "consultant_upgrade",
    "^first treatment$": "first_treatment", "^subsequent treatment$": "subsequent_treatment",
}


def make(world: World) -> None:
    waits.make(world)
    numbers = ["total", "within", "breached", *BANDS]
    both = pl.concat([_from_records(world), _published(world)], how="diagonal_relaxed")
    world.write("waiting_times", both.with_columns(pl.col(numbers).cast(pl.Decimal(12, 1))))


def _from_records(world: World) -> pl.LazyFrame:
    waits_and_shares = world.model("cwt_share").join(
        world.model("cwt_wait").drop("org_code"), on=["record_id", "standard"])
    by_day = pl.concat([
        waits_and_shares.select(*KEYS[:-2], "wait_days", "within", "share", imd_edition=year,
                                imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ])
    share, wait = pl.col("share"), pl.col("wait_days")
    # The day by which a part of all are through, a half patient weighing a half.
    ordered = share.sort_by(wait).cum_sum()

    def through(part: int, of: int) -> pl.Expr:
        return wait.sort().filter(ordered * of >= share.sum() * part).first()

    bands = {
        name: pl.when(pl.col("standard").first().is_in(standards))
        .then(share.filter(wait.is_between(first, last)).sum())
        for name, (first, last, standards) in BANDS.items()
    }
    return by_day.group_by(KEYS).agg(
        total=share.sum(), within=share.filter("within").sum(), breached=share.filter(~pl.col("within")).sum(),
        median_days=through(1, 2), p90_days=through(9, 10), **bands,
    ).with_columns(source=pl.lit("records"))


def _first_that_fits(column: str, names: dict[str, str], otherwise: str) -> pl.Expr:
    text = pl.col(column).str.to_lowercase()
    return pl.coalesce(
        *[pl.when(text.str.contains(pattern)).then(pl.lit(name)) for pattern, name in names.items()],
        pl.lit(otherwise))


def _published(world: World) -> pl.LazyFrame:
    trusts = world.reference("trusts").select("trust_code", "alliance_code")
    sheets = pl.concat([
        world.source(sheet).with_columns(standard=pl.lit(standard)) for sheet, standard in SHEETS.items()
    ], how="diagonal")
    leaf = sheets.filter(
        ~pl.col("route").is_in(["ALL ROUTES", "ALL STAGES"]), pl.col("cancer_type") != "ALL CANCERS",
    ).join(trusts, left_on="org_code", right_on="trust_code").with_columns(
        route=_first_that_fits("route", ROUTES, "unknown"),
        cancer_group=_first_that_fits("cancer_type", CANCERS, "Other"),
        modality_group=pl.when(pl.col("standard") == "fds_28").then(pl.lit("none")).otherwise(pl.lit("all")),
    )
    of_both = pl.concat([
        leaf.with_columns(basis=pl.lit("provider")),
        leaf.with_columns(basis=pl.lit("alliance"), org_code="alliance_code"),
    ])
    # A sum of nothing but nulls is null: the standard has no such band.
    return of_both.group_by("org_code", "basis", "standard", "route", "cancer_group", "modality_group", month="period").agg(
        pl.when(pl.col(column).count() > 0).then(pl.col(column).sum()).alias(name)
        for name, column in PUBLISHED.items()
    ).with_columns(source=pl.lit("published"), imd_edition=2025, imd_quintile=0)
