"""Personalised care, by month of diagnosis, trust, cancer group and quintile, and who submits."""

import polars as pl

from .calendar import add_months, days
from .world import World

FLAGS = [
    "hna_offered", "hna_completed", "pcsp_completed", "cns_contact", "treatment_completed",
    "end_of_treatment_summary", "reviewed_12m", "support_offered_3m", "stratified_follow_up",
]


def personalised_care(world: World) -> None:
    world.keep(care_tumour=_tumours(world))
    world.keep(care_event=_events(world))
    world.keep(care_submitter=_submitters(world), care_pathway=_pathway(world))
    submitted = world.model("care_pathway").join(
        world.model("care_submitter").filter("submitter"), on="trust_code", how="semi")
    by_edition = pl.concat([
        submitted.select("month", "trust_code", "cancer_group", *FLAGS, imd_edition=year,
                         imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ])
    world.write("personalised_care", by_edition.group_by(
        "month", "trust_code", "cancer_group", "imd_edition", "imd_quintile",
    ).agg(pl.col(FLAGS).sum(), diagnosed=pl.len()))
    world.write("personalised_care_submitters", world.model("care_submitter"))


def _tumours(world: World) -> pl.LazyFrame:
    """The first invasive cancer of each person, at the trust whose submission brought it first."""
    code = pl.col("icd10_code")
    cancers = (
        world.source("personalised_care")
        .filter(pl.col("person_key").is_not_null() & pl.col("tumour_key").is_not_null())
        .with_columns(icd10_code=pl.col("icd10").str.replace_all(".", "", literal=True).str.to_uppercase().str.head(3))
        .group_by("person_key", "tumour_key").agg(
            pl.col("diagnosis_date").min(), code.min(),
            trust_code=pl.col("provider").sort_by("period", "provider").first(),
        )
        .filter(code.is_between(pl.lit("C00"), pl.lit("C97")), code != "C44", pl.col("diagnosis_date").is_not_null())
        .sort("person_key", "diagnosis_date", "tumour_key")
        .unique("person_key", keep="first", maintain_order=True)
    )
    person = world.model("person_latest").select(
        "person_key", "death_date", "opted_out", "imd2019_quintile", "imd2025_quintile")
    groups = world.reference("icd10_cancer_groups").select("icd10_code", "cancer_group")
    return (
        cancers.join(person, on="person_key", how="left")
        .filter(pl.col("death_date").is_null() | (pl.col("death_date") > pl.col("diagnosis_date")),
                ~pl.col("opted_out").fill_null(False))
        .join(groups, on="icd10_code", how="left")
        .select("person_key", "tumour_key", "diagnosis_date", "trust_code",
                pl.col("imd2019_quintile", "imd2025_quintile").fill_null(0),
                month=pl.col("diagnosis_date").dt.month_start(),
                cancer_group=pl.col("cancer_group").fill_null("Other"))
    )


def _events(world: World) -> pl.LazyFrame:
    """Care events of those tumours, codes repaired ("3" and "003" are 03), identical rows one."""
    repaired = [
        pl.col(column).str.strip_chars(" ").str.strip_chars_start("0").str.zfill(2)
        for column in ["offered_code", "status_code"]
    ]
    return (
        world.source("personalised_care")
        .filter(pl.col("person_key").is_not_null() & pl.col("event_type").is_not_null())
        .join(world.model("care_tumour").select("person_key", "tumour_key", trust_code="trust_code",
                                                diagnosed_on="diagnosis_date"), on=["person_key", "tumour_key"])
        .select("person_key", "trust_code", "diagnosed_on", "event_type", "event_date", *repaired,
                "pathway_point", "staff_role")
        .unique()
    )


def _submitters(world: World) -> pl.LazyFrame:
    """Every trust, and whether it sends enough assessments for the patients it has."""
    patients = world.model("care_tumour").group_by("trust_code").agg(patients=pl.len())
    assessments = world.model("care_event").filter(pl.col("event_type") == "hna").group_by("trust_code").agg(
        hna_records=pl.len())
    enough = pl.when(pl.col("patients") <= 100).then(10).otherwise(20)
    return (
        patients.join(assessments, on="trust_code", how="left")
        .with_columns(pl.col("hna_records").fill_null(0))
        .with_columns(submitter=pl.col("hna_records") >= enough)
    )


def _pathway(world: World) -> pl.LazyFrame:
    """What each person diagnosed was offered and had."""
    kind, date, diagnosed = pl.col("event_type"), pl.col("event_date"), pl.col("diagnosed_on")
    after = days(date, diagnosed)
    in_time = after.is_between(0, world.number("care_days"))
    offered = (kind == "hna") & pl.col("offered_code").is_in(["01", "02", "03", "05"]) & in_time
    done = pl.col("status_code").is_in(["01", "02", "03", "04", "05", "06"])

    def within(months: str) -> pl.Expr:
        return date.is_between(diagnosed, add_months(diagnosed, world.number(months)))

    events = world.model("care_event").group_by("person_key").agg(
        hna_offered=offered.any(),
        hna_completed=(offered & done).any(),
        pcsp_completed=((kind == "pcsp") & (pl.col("status_code") == "03") & in_time).any(),
        cns_contact=((kind == "cns_contact") & in_time).any(),
        treatment_completed=((kind == "treatment_end") & (after >= 0)).any(),
        reviewed_12m=((kind == "cancer_care_review") & within("review_months")).any(),
        support_offered_3m=((kind == "support_offer") & within("support_months")).any(),
        stratified_follow_up=((kind == "psfu_start") & (after >= 0)).any(),
    )
    ends = world.model("care_event").filter(kind == "treatment_end", after >= 0).select(
        "person_key", ended_on="event_date")
    summaries = (
        world.model("care_event").filter(kind == "end_of_treatment_summary").select("person_key", "event_date")
        .join(ends, on="person_key")
        .filter(days(date, pl.col("ended_on")).is_between(0, world.number("summary_days")))
        .select("person_key", end_of_treatment_summary=True).unique()
    )
    return (
        world.model("care_tumour").join(events, on="person_key", how="left")
        .join(summaries, on="person_key", how="left")
        .with_columns(pl.col(FLAGS).fill_null(False))
    )
