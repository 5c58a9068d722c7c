"""Liver surveillance, by census month, trust and quintile."""

import polars as pl

from .calendar import window_start
from .world import World

FLAGS = ["eligible", "invited_6m", "scanned_6m", "overdue", "unsuitable", "hcc_diagnosed", "hcc_early"]


def surveillance(world: World) -> None:
    world.keep(liver_register=_register(world))
    world.keep(liver_status=_status(world))
    status = world.model("liver_status").filter(
        pl.col("fibrosis_stage") == "F4", pl.any_horizontal("eligible", "unsuitable", "hcc_diagnosed"))
    by_edition = pl.concat([
        status.select("month", "trust_code", *FLAGS, imd_edition=year, imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ])
    world.write("liver_surveillance", by_edition.group_by(
        "month", "trust_code", "imd_edition", "imd_quintile").agg(pl.col(FLAGS).sum()))


def _register(world: World) -> pl.LazyFrame:
    """People with cirrhosis or advanced fibrosis at each census, at the one trust that has a claim."""
    register = world.source("liver_register").filter(pl.col("person_key").is_not_null()).rename(
        {"period": "month", "provider": "trust_code"})
    activity = world.source("liver_activity").filter(pl.col("person_key").is_not_null())
    who = ["person_key", "trust_code"]
    census = pl.col("month").dt.month_end()
    registered = register.filter(
        pl.col("fibrosis_stage").is_in(["F3", "F4"]),
        pl.col("surveillance_status") != "transferred",
        pl.col("diagnosis_date").is_null() | (pl.col("diagnosis_date") <= census),
    )
    attended = pl.when(pl.col("attendance") == "attended").then("appointment_date")
    seen = (
        activity.select("person_key", trust_code="provider", seen_on=pl.concat_list("scan_date", attended))
        .explode("seen_on").drop_nulls("seen_on").unique()
    )
    last_seen = (
        registered.select("month", *who).unique().join(seen, on=who)
        .filter(pl.col("seen_on") <= census)
        .group_by("month", *who).agg(pl.col("seen_on").max())
    )
    newest_first = [pl.col(column).to_physical() * -1 for column in ["seen_on", "status_date"]]
    chosen = (
        registered.join(last_seen, on=["month", *who], how="left")
        .sort(pl.col("fibrosis_stage") != "F4", *newest_first, "trust_code", "_file", "_line", nulls_last=True)
        .unique(["month", "person_key"], keep="first", maintain_order=True)
    )
    closed_by_status = register.filter(
        pl.col("surveillance_status").is_in(["died", "transplanted", "HCC_diagnosed"])).select("month", "person_key")
    found = activity.select("person_key", "hcc_diagnosis_date").drop_nulls()
    closed_by_cancer = (
        registered.select("month", "person_key").unique().join(found, on="person_key")
        .filter(pl.col("hcc_diagnosis_date") <= census).select("month", "person_key")
    )
    closed = pl.concat([closed_by_status, closed_by_cancer]).unique().with_columns(closed=pl.lit(True))
    newest = world.model("person_latest").select(
        "person_key", gone_from=pl.when("opted_out").then(pl.date(1900, 1, 1)).otherwise("death_date"),
        newest_2019="imd2019_quintile", newest_2025="imd2025_quintile")
    people = world.model("person_month").select(
        "month", "person_key", "imd2019_quintile", "imd2025_quintile", use=pl.col("alive") & ~pl.col("opted_out"))
    clinical = (pl.col("surveillance_status") == "unsuitable") & pl.col("unsuitable_reason").ne_missing(
        pl.lit("patient choice"))
    is_open = pl.col("closed").is_null()
    return (
        chosen.join(closed, on=["month", "person_key"], how="left")
        .join(people, on=["month", "person_key"], how="left")
        .join(newest, on="person_key", how="left")
        .filter(pl.col("use").fill_null(True), pl.col("gone_from").is_null() | (pl.col("gone_from") > census))
        .select(
            "month", "person_key", "trust_code", "fibrosis_stage",
            imd2019_quintile=pl.coalesce("imd2019_quintile", "newest_2019", 0),
            imd2025_quintile=pl.coalesce("imd2025_quintile", "newest_2025", 0),
            eligible=(is_open & ~clinical).fill_null(False),
            unsuitable=(is_open & clinical).fill_null(False),
        )
    )


def _status(world: World) -> pl.LazyFrame:
    """What had happened to each person of the register by the census, at any trust."""
    census = pl.col("month").dt.month_end()
    scan = pl.col("modality").is_in(["US", "CT", "MRI"])
    from_window = window_start(census, world.number("surveillance_months"))
    from_overdue = window_start(census, world.number("overdue_months"))
    diagnosed = pl.col("hcc_diagnosis_date").is_between("month", census)
    early = pl.col("bclc_stage").is_in(["0", "A"]) | pl.col("tnm_stage").str.contains("^[12]")
    events = (
        world.model("liver_register").select("month", "person_key")
        .join(world.source("liver_activity").filter(pl.col("person_key").is_not_null()), on="person_key")
        .group_by("month", "person_key").agg(
            invited=pl.col("invite_date").is_between(from_window, census).any(),
            scanned=(scan & pl.col("scan_date").is_between(from_window, census)).any(),
            scanned_lately=(scan & pl.col("scan_date").is_between(from_overdue, census)).any(),
            hcc_diagnosed=diagnosed.any(),
            hcc_early=(diagnosed & early).any(),
        )
    )
    eligible = pl.col("eligible")
    return (
        world.model("liver_register").join(events, on=["month", "person_key"], how="left")
        .with_columns(pl.col("invited", "scanned", "scanned_lately", "hcc_diagnosed", "hcc_early").fill_null(False))
        .with_columns(
            invited_6m=eligible & pl.col("invited"),
            scanned_6m=eligible & pl.col("scanned"),
            overdue=eligible & ~pl.col("scanned_lately"),
        )
        .drop("invited", "scanned", "scanned_lately")
    )
