"""HPV vaccination, early diagnosis, and FIT before referral."""

import polars as pl

from .calendar import add_months, days, window_start, year_name
from .world import World


def hpv_vaccination(world: World) -> None:
    """As published, by authority, academic year, school year and sex; `both` where both are shown."""
    published = world.source("hpv_published")
    cohorts = []
    for year in [8, 9, 10]:
        girls, boys = f"y{year}_females", f"y{year}_males"
        for sex, columns in {"F": [girls], "M": [boys], "both": [girls, boys]}.items():
            vaccinated = [f"{column}_vaccinated" for column in columns]
            cohorts.append(published.select(
                "first_year", "local_authority", school_year=year, sex=pl.lit(sex),
                eligible=pl.sum_horizontal(columns, ignore_nulls=False),
                vaccinated=pl.sum_horizontal(vaccinated, ignore_nulls=False),
                note=pl.coalesce(*[f"{name}_note" for name in vaccinated], *[f"{name}_note" for name in columns]),
            ))
    authorities = world.reference("lsoa21_areas").group_by(name=pl.col("utla_name").str.to_lowercase()).agg(
        pl.col("utla_code").min())
    name, year = pl.col("local_authority").str.to_lowercase(), pl.col("first_year")
    england = name == "england"
    world.write("hpv_vaccination", (
        pl.concat(cohorts).join(authorities, left_on=name, right_on="name", how="left", coalesce=False)
        .filter(pl.col("utla_code").is_not_null() | england)
        .select(
            "school_year", "sex", "eligible", "vaccinated", "note",
            academic_year=pl.format("{}/{}", year, ((year + 1) % 100).cast(pl.String).str.zfill(2)),
            utla_code=pl.when(england).then(pl.lit("E92000001")).otherwise("utla_code"),
            authority=name.str.to_titlecase(),
            is_total=(pl.col("sex") == "both") | england,
        )
    ))


def early_diagnosis(world: World) -> None:
    """Stage and emergency presentation by rolling twelve months, organisation, group and quintile."""
    source = world.source("tumours")
    newest, = source.select(pl.col("period").max()).collect().row(0)
    from_date = source.filter(pl.col("period") == newest).select(pl.col("diagnosis_date").min()).collect().item()
    icd10, stage = pl.col("icd10").str.to_uppercase().str.replace_all(".", "", literal=True), pl.col("stage").str.to_lowercase()
    diagnosed = pl.col("diagnosis_date")
    withdrawn = (pl.col("period") < newest) & (diagnosed >= from_date)
    tumours = (
        source.sort(pl.col("period").to_physical() * -1, "_line")
        .unique("tumour_key", keep="first", maintain_order=True)
        .filter(
            ~withdrawn.fill_null(False), icd10.is_between(pl.lit("C00"), pl.lit("C97Z")),
            ~icd10.str.starts_with("C44"), pl.col("route").ne_missing(pl.lit("death_certificate_only")),
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
        "person_key", "opted_out", "sub_icb_code", "alliance_code", "imd2019_quintile", "imd2025_quintile")
    groups = world.reference("icd10_cancer_groups").select("icd10_code", "cancer_group")
    placed = (
        tumours.join(first, on="tumour_key", how="left").join(person, on="person_key", how="left")
        .join(groups, on="icd10_code", how="left")
        .filter(~pl.col("opted_out").fill_null(False))
        .with_columns(
            pl.col("cancer_group").fill_null("Other"),
            pl.col("trust_code", "sub_icb_code", "alliance_code").fill_null("UNKNOWN"),
            pl.col("imd2019_quintile", "imd2025_quintile").fill_null(0),
            pl.col("first_presentation").fill_null(False),
        )
        .with_columns(emergency=(pl.col("first_presentation") & (pl.col("route") == "emergency_presentation")).fill_null(False))
    )
    months = pl.LazyFrame({"month": [newest], "back": [list(range(world.number("series_months")))]}).explode("back").select(
        month=pl.col("month").dt.offset_by(pl.format("-{}mo", "back")), provisional=pl.col("back") == 0)
    # Each tumour stands in the months of the series whose twelve months hold it.
    in_month = months.join(placed, how="cross").filter(diagnosed.is_between(
        window_start(pl.col("month").dt.month_end(), world.number("rolling_months")), pl.col("month").dt.month_end()))
    keys = ["month", "org_type", "org_code", "cancer_group", "imd_edition", "imd_quintile", "provisional"]
    stage_group = pl.col("stage_group")
    facts = ["month", "provisional", "cancer_group", "stage_group", "emergency", "first_presentation"]
    in_month = in_month.select(
        *facts, "trust_code", "sub_icb_code", "alliance_code", "imd2019_quintile", "imd2025_quintile",
    ).collect(engine="streaming").lazy()
    world.write("early_diagnosis", pl.concat([
        in_month.select(*facts, org_type=pl.lit(org_type), org_code=f"{org_type}_code", imd_edition=year,
                        imd_quintile=f"imd{year}_quintile")
        for org_type in ["trust", "sub_icb", "alliance"] for year in [2019, 2025]
    ]).group_by(keys).agg(
        stage_1_2=(stage_group == "early").sum(),
        staged=stage_group.is_in(["early", "late"]).sum(),
        missing_stage=(stage_group == "missing").sum(),
        stageable=(stage_group != "unstageable").sum(),
        unstageable=(stage_group == "unstageable").sum(),
        emergency=pl.col("emergency").sum(),
        first_presentations=pl.col("first_presentation").sum(),
    ))


def fit_before_referral(world: World) -> None:
    """People urgently referred, once a financial year, and those with a FIT in time."""
    referred = pl.col("referral_date")
    in_time = (
        days(referred, pl.col("fit_result_date")).is_between(0, world.number("fit_days")).fill_null(False)
        & pl.col("fit_exclusion").ne_missing(pl.lit("screening_kit"))
    ).any()
    excused = pl.col("fit_exclusion").is_in(["fit_not_indicated", "patient_choice"]).fill_null(False).any()
    person = world.model("person_latest").select(
        "person_key", "opted_out", "death_date", "imd2019_quintile", "imd2025_quintile")
    patients = (
        world.source("lower_gi_referrals").filter(pl.col("person_key").is_not_null())
        .group_by("person_key", "referral_date")
        .agg(pl.col("practice_code").min(), fit_in_time=in_time, excluded=excused & ~in_time)
        .filter(~pl.col("excluded"))
        .join(person, on="person_key", how="left")
        .filter(~pl.col("opted_out").fill_null(False),
                pl.col("death_date").is_null() | (pl.col("death_date") >= referred))
        .group_by("person_key", fin_year=year_name(referred, 4))
        .agg(
            pl.col("practice_code").sort_by("referral_date").first(),
            pl.col("imd2019_quintile", "imd2025_quintile").first().fill_null(0),
            month=referred.min().dt.month_start(), fit_in_time=pl.col("fit_in_time").any(),
        )
        .join(world.model("practice").select("practice_code", known=True), on="practice_code", how="left")
        .with_columns(practice_code=pl.when("known").then("practice_code").otherwise(pl.lit("UNKNOWN")))
    )
    world.write("fit_before_referral", pl.concat([
        patients.select("month", "practice_code", "fit_in_time", imd_edition=year, imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ]).group_by("month", "practice_code", "imd_edition", "imd_quintile").agg(
        patients_referred=pl.len(), patients_with_fit_21d=pl.col("fit_in_time").sum()))
