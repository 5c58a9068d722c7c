"""FIT before an urgent referral with lower bowel symptoms, by month, practice and quintile."""

import polars as pl

from .calendar import days, year_name
from .world import World


def fit_before_referral(world: World) -> None:
    """People urgently referred, once a financial year, and those with a FIT in time."""
    referred = pl.col("referral_date")
    in_time = (
        days(referred, pl.col("fit_result_date")).is_between(0, world.number("fit_days")).fill_null(False)
        & pl.col("fit_exclusion").ne_missing(pl.lit("screening_kit"))
    ).any()
    excused = pl.col("fit_exclusion").is_in(["fit_not_indicated", "patient_choice"]).fill_null(False).any()
    tested = (pl.col("fit_result_date").is_not_null() & pl.col("fit_exclusion").ne_missing(pl.lit("screening_kit"))).any()
    person = world.model("person_latest").select(
        "person_key", "opted_out", "death_date", "imd2019_quintile", "imd2025_quintile")
    patients = (
        world.source("lower_gi_referrals").filter(pl.col("person_key").is_not_null())
        .group_by("person_key", "referral_date")
        .agg(pl.col("practice_code").min(), fit_in_time=in_time, excluded=excused & ~tested)
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
    world.keep(fit_patient=patients)
    world.write("fit_before_referral", pl.concat([
        world.model("fit_patient").select("month", "practice_code", "fit_in_time", imd_edition=year, imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ]).group_by("month", "practice_code", "imd_edition", "imd_quintile").agg(
        patients_referred=pl.len(), patients_with_fit_21d=pl.col("fit_in_time").sum()))
