"""Lung health checks, by month of first letter, district and quintile."""

import polars as pl

from .calendar import age_in_years, days
from .world import World

# What is counted of the people invited: the mart's columns and the flags of `lung_pathway`.
FLAGS = {
    "accepted": "accepted", "attended": "attended", "high_risk": "high_risk",
    "scanned_baseline": "scanned_baseline", "followed_up_3m": "followed_up_3m",
    "followed_up_12m": "followed_up_12m", "followed_up_24m": "followed_up_24m", "referred": "referred",
    "cancers": "cancer", "cancers_stage_1_2": "cancer_stage_1_2", "cancers_staged": "cancer_staged",
    "smoking_offered": "smoking_offered", "smoking_started": "smoking_started",
}


def _said(column: str) -> pl.Expr:
    """A code in small letters with single spaces: it is spelt with underscores and spaces at will."""
    return pl.col(column).str.to_lowercase().str.replace_all("[_ ]+", " ").str.strip_chars(" ")


def health_checks(world: World) -> None:
    world.keep(lung_invited=_invited(world))
    world.keep(lung_attended=_attended(world), lung_scan=_scans(world))
    world.keep(lung_pathway=_pathway(world))
    pathway = world.model("lung_pathway")
    by_edition = pl.concat([
        pathway.select("cohort_month", "lad_code", *FLAGS.values(), imd_edition=year,
                       imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ])
    counts = {name: pl.col(flag).sum() for name, flag in FLAGS.items()}
    world.write("lung_health_checks", by_edition.group_by(
        "cohort_month", "lad_code", "imd_edition", "imd_quintile").agg(invited=pl.len(), **counts))


def _invited(world: World) -> pl.LazyFrame:
    letter, death = pl.col("letter_date"), pl.col("death_date")
    age = age_in_years(pl.col("birth_date"), letter)
    return (
        world.source("lung_invites")
        .filter(pl.col("person_key").is_not_null() & pl.col("first_letter_date").is_not_null())
        .group_by("person_key").agg(letter_date=pl.col("first_letter_date").min())
        .join(world.model("person_latest"), on="person_key")
        .filter(
            age.is_between(world.number("youngest"), world.number("oldest")),
            pl.col("smoking_status").is_in(["ex", "current"]),
            death.is_null() | (letter <= death),
            ~pl.col("opted_out"),
        )
        .select("person_key", "letter_date", "birth_date", "death_date", "lad_code", "imd2019_quintile",
                "imd2025_quintile", cohort_month=letter.dt.month_start())
    )


def _attended(world: World) -> pl.LazyFrame:
    death = pl.col("death_date")
    return (
        world.source("lung_checks")
        .join(world.model("lung_invited").select("person_key", "letter_date", "death_date"), on="person_key")
        .filter((pl.col("lhc_date") >= pl.col("letter_date"))
                & (death.is_null() | (pl.col("lhc_date") <= death)))
        .group_by("person_key", attended_on="lhc_date")
        .agg(
            there=(_said("lhc_attendance") == "participant attended lhc").any(),
            high_risk=((pl.col("plcom2012") >= 1.51) | (pl.col("llpv2_risk") >= 2.5)).any(),
        )
        .filter("there")
    )


def _scans(world: World) -> pl.LazyFrame:
    letter = pl.col("letter_date")
    return (
        world.source("lung_scans")
        .filter(_said("ldct_outcome") == "ldct performed")
        .join(world.model("lung_invited").select("person_key", "letter_date", "death_date"), on="person_key")
        .with_columns(scanned_on=pl.when(pl.col("ldct_date") >= letter).then("ldct_date")
                      .when(pl.col("ldct_reportdate1") >= letter).then("ldct_reportdate1"))
        .filter(pl.col("scanned_on").is_not_null(),
                pl.col("death_date").is_null() | (pl.col("scanned_on") <= pl.col("death_date")))
        .group_by("person_key", "scanned_on")
        .agg(referred=pl.col("date_referral_lung_cancer").is_not_null().any())
    )


def _pathway(world: World) -> pl.LazyFrame:
    invited, scan = world.model("lung_invited"), world.model("lung_scan")
    accepted = (
        world.source("lung_invites").filter(_said("invite_outcome") == "participant accepted invitation")
        .select("person_key", accepted=True).unique()
    )
    check = world.model("lung_attended").group_by("person_key").agg(
        attended=True, high_risk=pl.col("high_risk").sort_by("attended_on").first())
    since = days(pl.col("scanned_on"), pl.col("scanned_on").min())

    def window(after: str) -> tuple[int, int]:
        return world.number(f"follow_up_{after}_from"), world.number(f"follow_up_{after}_to")

    scans = scan.group_by("person_key").agg(
        baseline_on=pl.col("scanned_on").min(),
        referred=pl.col("referred").any(),
        followed_up_3m=since.is_between(*window("3m")).any(),
        followed_up_12m=since.is_between(*window("12m")).any(),
        followed_up_24m=since.is_between(*window("24m")).any(),
    )
    contacts = pl.concat([
        world.model("lung_attended").select("person_key", contact_on="attended_on"),
        scan.select("person_key", contact_on="scanned_on"),
    ])
    after = days(pl.col("cancer_diagnosis_date"), pl.col("contact_on"))
    cancers = (
        contacts.join(world.source("lung_diagnostics"), on="person_key")
        .filter(after.is_between(0, world.number("attribution_days")))
        .group_by("person_key").agg(
            cancer=True, cancer_stage_1_2=pl.col("cancer_stage").str.contains("^[12]").any(),
            cancer_staged=pl.col("cancer_stage").str.contains("^[1-4]").any())
    )
    smoking = (
        invited.select("person_key", "letter_date").join(world.source("lung_smoking"), on="person_key")
        .group_by("person_key").agg(
            smoking_offered=(pl.col("date_offered_smoking_cessation") >= pl.col("letter_date")).any(),
            smoking_started=(pl.col("date_started_smoking_cessation") >= pl.col("letter_date")).any(),
        )
    )
    for other in [accepted, check, scans, cancers, smoking]:
        invited = invited.join(other, on="person_key", how="left")
    follow_ups = ["followed_up_3m", "followed_up_12m", "followed_up_24m"]
    in_age = age_in_years(pl.col("birth_date"), pl.col("baseline_on")) <= world.number("oldest")
    return (
        invited.with_columns(scanned_baseline=in_age)
        .with_columns(pl.col(follow_ups) & pl.col("scanned_baseline"))
        .with_columns(pl.col(list(FLAGS.values())).fill_null(False))
        .select("person_key", "cohort_month", "lad_code", "imd2019_quintile", "imd2025_quintile",
                *FLAGS.values())
    )
