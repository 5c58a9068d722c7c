"""Stage at diagnosis and emergency presentation, by rolling twelve months and organisation."""

import polars as pl

from .calendar import window_start
from .world import World

KEYS = ["month", "org_type", "org_code", "cancer_group", "imd_edition", "imd_quintile", "provisional"]
FACTS = ["month", "provisional", "cancer_group", "stage_group", "emergency", "first_presentation"]


def early_diagnosis(world: World) -> None:
    newest = world.source("tumours").select(pl.col("period").max()).collect().item()
    back = world.number("series_months")
    months = pl.LazyFrame({"month": [newest] * back, "back": range(back)}).select(
        month=pl.col("month").dt.offset_by(pl.format("-{}mo", "back")), provisional=pl.col("back") == 0)
    census = pl.col("month").dt.month_end()
    # Each tumour stands in the months of the series whose twelve months hold it.
    in_month = months.join(_tumours(world, newest), how="cross").filter(
        pl.col("diagnosis_date").is_between(window_start(census, world.number("rolling_months")), census))
    world.keep(early_in_month=in_month)
    in_month = world.model("early_in_month")
    world.keep(early_resident=_residents(world, months, in_month))
    stage = pl.col("stage_group")
    world.write("early_diagnosis", pl.concat([
        in_month.select(*FACTS, org_type=pl.lit(org_type), org_code=f"{org_type}_code", imd_edition=year,
                        imd_quintile=f"imd{year}_quintile")
        for org_type in ["trust", "sub_icb", "alliance"] for year in [2019, 2025]
    ]).group_by(KEYS).agg(
        stage_1_2=(stage == "early").sum(),
        staged=stage.is_in(["early", "late"]).sum(),
        missing_stage=(stage == "missing").sum(),
        stageable=(stage != "unstageable").sum(),
        unstageable=(stage == "unstageable").sum(),
        emergency=pl.col("emergency").sum(),
        first_presentations=pl.col("first_presentation").sum(),
    ))


def _residents(world: World, months: pl.LazyFrame, in_month: pl.LazyFrame) -> pl.LazyFrame:
    """Cancers and emergencies of the people who live here, and how many people do, by area and quintile."""
    places = ["lad_code", "sub_icb_code", "alliance_code"]
    home = world.parameters["home_alliance"]
    people = (
        world.mart("dim_geography").filter(pl.col("in_2021"), pl.col("alliance_code") == home)
        .join(months.select("month"), how="cross")
        .select("month", *places, imd_quintile=pl.col("imd2025_quintile").fill_null(0).cast(pl.Int64),
                cancers=0, emergencies=0, residents=pl.col("residents").cast(pl.Float64))
    )
    tumours = in_month.filter(pl.col("alliance_code").is_in([home, "UNKNOWN"])).select(
        "month", *places, imd_quintile=pl.col("imd2025_quintile").cast(pl.Int64),
        cancers=1, emergencies=pl.col("emergency").cast(pl.Int32), residents=pl.lit(0.0))
    residents = pl.col("residents")
    return (
        pl.concat([people, tumours]).group_by("month", *places, "imd_quintile")
        .agg(pl.col("cancers", "emergencies").sum(),
             residents=pl.when(residents.null_count() == 0).then(residents.sum()))
        .with_columns(imd_edition=pl.lit(2025))
    )


def _tumours(world: World, newest: object) -> pl.LazyFrame:
    """Every counted tumour, with its stage, the person's presentation, areas and quintiles."""
    source = world.source("tumours")
    reach = source.filter(pl.col("period") == newest).select(pl.col("diagnosis_date").min()).collect().item()
    icd10 = pl.col("icd10").str.to_uppercase().str.replace_all(".", "", literal=True)
    stage, route = pl.col("stage").str.to_lowercase(), pl.col("route")
    withdrawn = ((pl.col("period") < newest) & (pl.col("diagnosis_date") >= reach)).fill_null(False)
    tumours = (
        source.sort(pl.col("period").to_physical() * -1, "_line")
        .unique("tumour_key", keep="first", maintain_order=True)
        .filter(
            ~withdrawn, icd10.is_between(pl.lit("C00"), pl.lit("C97Z")), ~icd10.str.starts_with("C44"),
            route.ne_missing(pl.lit("death_certificate_only")),
        )
        .with_columns(
            icd10_code=icd10.str.head(3),
            stage_group=pl.when(stage.is_null() | stage.str.starts_with("0")).then(pl.lit("missing"))
            .when(stage == "u").then(pl.lit("unstageable"))
            .when(stage.str.contains("^[12]|other early$")).then(pl.lit("early"))
            .otherwise(pl.lit("late")),
        )
    )
    first = (
        tumours.filter(pl.col("person_key").is_not_null()).sort("person_key", "diagnosis_date", "tumour_key")
        .unique("person_key", keep="first", maintain_order=True).select("tumour_key", first_presentation=True)
    )
    person = world.model("person_latest").select(
        "person_key", "opted_out", "lad_code", "sub_icb_code", "alliance_code", "imd2019_quintile", "imd2025_quintile")
    groups = world.reference("icd10_cancer_groups").select("icd10_code", "cancer_group")
    return (
        tumours.join(first, on="tumour_key", how="left").join(person, on="person_key", how="left")
        .join(groups, on="icd10_code", how="left")
        .filter(~pl.col("opted_out").fill_null(False))
        .select(
            "person_key", "diagnosis_date", "stage_group", pl.col("cancer_group").fill_null("Other"),
            pl.col("trust_code", "lad_code", "sub_icb_code", "alliance_code").fill_null("UNKNOWN"),
            pl.col("imd2019_quintile", "imd2025_quintile").fill_null(0),
            pl.col("first_presentation").fill_null(False),
            emergency=(pl.col("first_presentation") & (route == "emergency_presentation")).fill_null(False),
        )
    )
