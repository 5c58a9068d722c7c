"""What all pipelines share: quintiles and areas of LSOAs, practices, and people by month and newest."""

import polars as pl

from .calendar import age_in_years
from .world import World

GROUPS = ["ethnic_minority", "learning_disability", "severe_mental_illness", "inclusion_health", "coastal"]


def make(world: World) -> None:
    world.keep(
        quintile_2011=_quintiles(world, "lsoa11_code", "imd_2019", "lsoa21_code", "imd_2025"),
        quintile_2021=_quintiles(world, "lsoa21_code", "imd_2025", "lsoa11_code", "imd_2019"),
        area=_areas(world),
        practice=_practices(world),
    )
    world.keep(person_month=_person_month(world))
    world.keep(person_latest=_person_latest(world))


def _quintiles(world: World, code: str, own: str, other_code: str, other: str) -> pl.LazyFrame:
    """Each code of a census with the quintile of the edition that lists it, `own`, and that of the
    other edition, by way of its parts, `parts`: null and 0 where there is none."""
    editions = {
        name: world.reference(name).select("lsoa_code", quintile=(pl.col("imd_decile") + 1) // 2)
        for name in [own, other]
    }
    quintile, listed = pl.col("quintile"), pl.col("quintile").count()
    agreed = (listed == pl.len()) & (quintile.min() == quintile.max())
    parts = (
        world.reference("lsoa11_lsoa21")
        .join(editions[other], left_on=other_code, right_on="lsoa_code", how="left")
        .group_by(lsoa_code=pl.col(code))
        .agg(parts=pl.when((listed > 0) & ((pl.col("change_indicator") == "U").any() | agreed))
             .then(quintile.min()).otherwise(0))
    )
    return editions[own].rename({"quintile": "own"}).join(parts, on="lsoa_code", how="full", coalesce=True)


def with_quintiles(world: World, frame: pl.LazyFrame, lsoa11: str, lsoa21: str) -> pl.LazyFrame:
    """The frame with the quintile of each edition: of the own LSOA, else of the other vintage's, else 0."""
    of_2011 = world.model("quintile_2011").select("lsoa_code", own_2019="own", parts_2025="parts")
    of_2021 = world.model("quintile_2021").select("lsoa_code", own_2025="own", parts_2019="parts")
    return (
        frame.join(of_2011, left_on=lsoa11, right_on="lsoa_code", how="left")
        .join(of_2021, left_on=lsoa21, right_on="lsoa_code", how="left")
        .with_columns(
            imd2019_quintile=pl.coalesce("own_2019", "parts_2019", 0),
            imd2025_quintile=pl.coalesce("own_2025", "parts_2025", 0),
        )
        .drop("own_2019", "parts_2019", "own_2025", "parts_2025")
    )


def _areas(world: World) -> pl.LazyFrame:
    """The areas of every LSOA; one of 2011 has those of its first 2021 part by district and code."""
    coastal = world.reference("coastal_lsoa21").group_by("lsoa21_code").agg(pl.col("coastal").any())
    areas = world.reference("lsoa21_areas").join(coastal, on="lsoa21_code", how="left").select(
        lsoa21="lsoa21_code", ward_code="ward24_code", ward_name="ward24_name", lad_code="lad24_code",
        lad_name="lad24_name", utla_code="utla_code", utla_name="utla_name", region_name="region24_name",
        sub_icb_code="sicbl24_code_nhs", sub_icb_name="sicbl24_name", icb_code="icb24_code_nhs",
        icb_name="icb24_name", alliance_code="cancer_alliance_code", alliance_name="cancer_alliance_name",
        coastal="coastal",
    )
    one_ward = pl.col("ward_code").drop_nulls().n_unique() == 1
    coast = pl.col("coastal")
    of_2011 = (
        world.reference("lsoa11_lsoa21")
        .select(lsoa_code="lsoa11_code", lsoa21="lsoa21_code")
        .join(areas, on="lsoa21")
        .sort("lsoa_code", "lad_code", "lsoa21", nulls_last=True)
        .group_by("lsoa_code", maintain_order=True)
        .agg(
            pl.when(one_ward).then(pl.col("ward_code", "ward_name").first()),
            pl.col("lad_code", "lad_name", "utla_code", "utla_name", "region_name", "sub_icb_code",
                   "sub_icb_name", "icb_code", "icb_name", "alliance_code", "alliance_name").first(),
            coastal=pl.when((coast.count() == pl.len()) & (coast.min() == coast.max())).then(coast.min()),
        )
        .with_columns(lsoa_vintage=2011)
    )
    of_2021 = areas.rename({"lsoa21": "lsoa_code"}).with_columns(lsoa_vintage=2021)
    return pl.concat([of_2021, of_2011], how="diagonal")


def _practices(world: World) -> pl.LazyFrame:
    """One row a code: an open one before a closed one, the latest opened first."""
    practices = (
        world.reference("practices")
        .sort(
            pl.col("close_date").is_not_null(), pl.col("close_date").to_physical() * -1,
            pl.col("open_date").is_null(), pl.col("open_date").to_physical() * -1, "practice_name", "_line",
        )
        .unique("practice_code", keep="first", maintain_order=True)
        .select("practice_code", "practice_name", "open_date", "close_date", "successor_code", "pcn_code",
                sub_icb_code="sicbl_code_nhs", icb_code="icb_code_nhs")
    )
    listed = practices.select(
        "practice_code", next_code=pl.when(pl.col("close_date").is_not_null()).then("successor_code"))
    chain = listed
    for step, before in [("first", "next_code"), ("second", "after_first"), ("third", "after_second")]:
        follower = listed.rename({"practice_code": step, "next_code": f"after_{step}"})
        chain = chain.join(follower, left_on=before, right_on=step, how="left", coalesce=False)
    closed = practices.select(first="practice_code", followed_until="close_date")
    followed = chain.join(closed, on="first", how="left").select(
        "practice_code", "followed_until", followed_by="first",
        current_code=pl.coalesce("third", "second", "first", "practice_code"))
    return practices.join(followed, on="practice_code")


def _person_month(world: World) -> pl.LazyFrame:
    """One row for each person and snapshot: the first of their rows in the file."""
    census = pl.col("month").dt.month_end()
    people = (
        world.source("people")
        .filter(pl.col("person_key").is_not_null())
        .rename({"period": "month"})
        .unique(["month", "person_key"], keep="first", maintain_order=True)
        .with_columns(
            alive=pl.col("death_date").is_null() | (pl.col("death_date") > census),
            registered=(pl.col("registered_from") <= census).fill_null(False)
            & (pl.col("registered_to").is_null() | (pl.col("registered_to") > census)),
            opted_out=pl.col("national_opt_out") | pl.col("type1_opt_out"),
            age=age_in_years(pl.col("birth_date"), census),
        )
    )
    known = world.model("practice").select(
        "practice_code", "current_code", "close_date", "followed_by", "followed_until", known=True)
    return with_quintiles(world, people, "lsoa11_code", "lsoa21_code").join(
        known, on="practice_code", how="left",
    ).select(
        "month", "person_key", "birth_date", "death_date", "sex", "age", "alive", "opted_out",
        "lsoa11_code", "lsoa21_code", "imd2019_quintile", "imd2025_quintile", "ethnicity_code",
        "learning_disability", "severe_mental_illness", "inclusion_health", "smoking_status",
        in_scope=pl.col("alive") & pl.col("registered") & ~pl.col("opted_out"),
        practice_code=pl.when(pl.col("followed_until") < census).then("current_code")
        .when((pl.col("close_date") < census) & pl.col("followed_by").is_not_null()).then("followed_by")
        .when("known").then("practice_code").otherwise(pl.lit("UNKNOWN")),
    )


def _person_latest(world: World) -> pl.LazyFrame:
    """Each person as in the newest snapshot they appear in, with areas and Core20PLUS groups."""
    person = world.model("person_month")
    newest = person.group_by("person_key").agg(pl.col("month").max())
    areas = {}
    for vintage in [2011, 2021]:
        columns = {f"{name}_{vintage}": name for name in ["lad_code", "sub_icb_code", "alliance_code", "coastal"]}
        areas[vintage] = (
            world.model("area").filter(pl.col("lsoa_vintage") == vintage).select("lsoa_code", **columns))
    ethnicity = world.reference("ethnicity_groups").select("ethnicity_code", "ethnicity_group", "ethnic_minority")
    return (
        person.join(newest, on=["person_key", "month"], how="semi")
        .join(areas[2021], left_on="lsoa21_code", right_on="lsoa_code", how="left")
        .join(areas[2011], left_on="lsoa11_code", right_on="lsoa_code", how="left")
        .join(ethnicity, on="ethnicity_code", how="left")
        .select(
            "person_key", "birth_date", "death_date", "sex", "opted_out", "smoking_status", "practice_code",
            "imd2019_quintile", "imd2025_quintile", "learning_disability", "severe_mental_illness",
            "inclusion_health",
            *[pl.coalesce(f"{name}_2021", f"{name}_2011", pl.lit("UNKNOWN")).alias(name)
              for name in ["lad_code", "sub_icb_code", "alliance_code"]],
            coastal=pl.coalesce("coastal_2021", "coastal_2011", False),
            ethnicity_group=pl.col("ethnicity_group").fill_null("Unknown"),
            ethnic_minority=pl.col("ethnic_minority").fill_null(False),
        )
    )
