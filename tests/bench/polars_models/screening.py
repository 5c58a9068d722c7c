"""Screening: coverage and uptake at each census, and whom to call at the newest.

A census is the last day of a month, so "on or before the census" is a comparison of months. Each test
and each invitation is therefore unrolled over the months in which it is the one that counts, and
people find theirs by an equi-join.
"""

import polars as pl

from .calendar import add_months, days, month_number, window_start
from .people import GROUPS
from .world import World

COHORTS = pl.LazyFrame(
    [
        ("bowel", "bowel_50_59", 50, 59, None, 30, None),
        ("bowel", "bowel_60_74", 60, 74, None, 30, "coverage_bowel_60_74"),
        ("breast", "breast_53_70", 53, 70, "F", 36, "coverage_breast_53_70"),
        ("cervical", "cervical_25_49", 25, 49, "F", 42, "coverage_cervical_25_49"),
        ("cervical", "cervical_50_64", 50, 64, "F", 66, "coverage_cervical_50_64"),
    ],
    schema={
        "programme": pl.String, "cohort": pl.String, "min_age": pl.Int32, "max_age": pl.Int32,
        "cohort_sex": pl.String, "window_months": pl.Int32, "target_measure": pl.String,
    },
    orient="row",
)
PERSON = ["person_key", "programme"]
COUNTS = ["eligible", "covered", "invited_12m", "adequately_screened_6m", "never_screened"]


def coverage(world: World) -> None:
    events = world.source("screening_events").filter(pl.col("person_key").is_not_null())
    adequate = (pl.col("event_type") == "screened_adequate") & (
        (pl.col("programme") != "bowel") | (pl.col("test_type") == "FIT"))
    world.keep(
        test=events.filter(adequate).select(*PERSON, tested_on="event_date").unique(),
        ceased=events.filter(pl.col("event_type") == "ceased").group_by(PERSON)
        .agg(ceased_on=pl.col("event_date").min()),
    )
    world.keep(invitation=_invitations(world, events))
    world.write("screening_coverage", _by_edition(world, _counts(world)))


def _invitations(world: World, events: pl.LazyFrame) -> pl.LazyFrame:
    """Invitations, one row per person, programme and day; the first of an episode is the invitation."""
    answer_by = add_months(pl.col("invited_on"), world.number("answer_months"))
    invited = (
        events.filter(pl.col("event_type") == "invited")
        .with_columns(episode=pl.when(pl.col("episode_id") != "").then("episode_id")
                      .otherwise(pl.col("event_date").cast(pl.String)))
        .group_by(*PERSON, "episode").agg(invited_on=pl.col("event_date").min())
        .select(*PERSON, "invited_on").unique()
    )
    answered = (
        invited.join(world.model("test"), on=PERSON)
        .filter(pl.col("tested_on").is_between("invited_on", answer_by))
        .group_by(*PERSON, "invited_on").agg(screened_on=pl.col("tested_on").min())
    )
    return (
        invited.join(answered, on=[*PERSON, "invited_on"], how="left")
        .sort(*PERSON, "invited_on")
        .with_columns(previous=pl.col("invited_on").shift(1).over(PERSON))
    )


def _eligible(world: World, people: pl.LazyFrame) -> pl.LazyFrame:
    """People in scope in each cohort of theirs, one row each, ceased or not."""
    gone = world.model("person_latest").filter(pl.col("opted_out") | pl.col("death_date").is_not_null()).select(
        "person_key", gone_from=pl.when("opted_out").then(pl.date(1900, 1, 1)).otherwise("death_date"))
    people = people.filter("in_scope").join(gone, on="person_key", how="left").filter(
        pl.col("gone_from").is_null() | (pl.col("gone_from") > pl.col("month").dt.month_end())).select(
        "person_key", "month", "sex", "age", "practice_code", "imd2019_quintile", "imd2025_quintile",
        at=month_number(pl.col("month")))
    of_cohorts = []
    for cohort in COHORTS.collect().iter_rows(named=True):
        of_cohort = pl.col("age").is_between(cohort["min_age"], cohort["max_age"])
        if cohort["cohort_sex"]:
            of_cohort &= pl.col("sex") == cohort["cohort_sex"]
        of_cohorts.append(people.filter(of_cohort).drop("sex").with_columns(
            programme=pl.lit(cohort["programme"]), cohort=pl.lit(cohort["cohort"]),
            window_months=pl.lit(cohort["window_months"], pl.Int32)))
    return pl.concat(of_cohorts).join(world.model("ceased"), on=PERSON, how="left")


def _latest_tests(world: World, first: int, last: int) -> pl.LazyFrame:
    """For each month from `first` to `last` with a test on or before it, the month of the latest."""
    return (
        world.model("test").select(*PERSON, tested=month_number(pl.col("tested_on"))).unique()
        .sort(*PERSON, "tested")
        .with_columns(until=pl.col("tested").shift(-1).over(PERSON).fill_null(last + 1))
        .with_columns(at=pl.int_ranges(pl.col("tested").clip(lower_bound=first),
                                       pl.col("until").clip(upper_bound=last + 1), dtype=pl.Int32))
        .filter(pl.col("at").list.len() > 0)
        .explode("at").select(*PERSON, "at", "tested")
    )


def _first_invitations(world: World, first: int, last: int) -> pl.LazyFrame:
    """For each month, the first invitation in the window to it, and the month it was answered in."""
    window = world.number("uptake_months")
    invited, previous = month_number(pl.col("invited_on")), month_number(pl.col("previous"))
    return (
        world.model("invitation")
        .with_columns(at=pl.int_ranges(
            pl.max_horizontal(invited, previous + window, first),
            pl.min_horizontal(invited + window, last + 1), dtype=pl.Int32))
        .filter(pl.col("at").list.len() > 0)
        .explode("at").select(*PERSON, "at", invited=True, screened=month_number(pl.col("screened_on")))
    )


def _at_censuses(world: World) -> pl.LazyFrame:
    """Who is eligible at each census, with the latest test and the first invitation that count at it."""
    months = world.model("person_month").select(
        first=month_number(pl.col("month").min()), last=month_number(pl.col("month").max())).collect()
    first, last = months.row(0)
    return (
        _eligible(world, world.model("person_month"))
        .filter(pl.col("ceased_on").is_null() | (month_number(pl.col("ceased_on")) > pl.col("at")))
        .join(_latest_tests(world, first, last), on=[*PERSON, "at"], how="left")
        .join(_first_invitations(world, first, last), on=[*PERSON, "at"], how="left")
    )


def _counted(people: pl.LazyFrame, *keys: str) -> pl.LazyFrame:
    """The counts of those people, by what tells them apart."""
    at, tested = pl.col("at"), pl.col("tested")
    return people.group_by(keys).agg(
        eligible=pl.len(),
        covered=(tested > at - pl.col("window_months")).sum(),
        invited_12m=pl.col("invited").count(),
        adequately_screened_6m=(pl.col("screened") <= at).sum(),
        never_screened=tested.null_count(),
    )


def _counts(world: World) -> pl.LazyFrame:
    """The counts by the pair of quintiles a person has in the two editions."""
    return _counted(
        _at_censuses(world), "month", "programme", "cohort", "practice_code", "imd2019_quintile", "imd2025_quintile")


def groups(world: World) -> pl.LazyFrame:
    """The counts by the groups that people are in, at the sub-ICB of their practice. What tells people apart is
    numbered before they are counted."""
    person = world.model("person_latest").select(
        "person_key", pl.col("sex").fill_null("U"), "ethnicity_group", pl.col(GROUPS).fill_null(False))
    kinds = person.drop("person_key").unique().with_columns(
        plus=pl.any_horizontal(GROUPS)).with_row_index("kind").collect().lazy()
    kind_of = person.join(kinds, on=["sex", "ethnicity_group", *GROUPS]).select("person_key", "kind", "plus")
    sub_icbs = world.model("practice").select("practice_code", "sub_icb_code")
    plus = pl.col("plus").fill_null(False)
    counts = _counted(
        _at_censuses(world).join(kind_of, on="person_key", how="left")
        .join(sub_icbs, on="practice_code", how="left")
        .with_columns(
            pl.col("sub_icb_code").fill_null(world.parameters["home_sub_icb"]),
            first_age=(pl.col("age") - 5) // 10 * 10 + 5,
            core20plus_2019=(pl.col("imd2019_quintile") == 1) | plus,
            core20plus_2025=(pl.col("imd2025_quintile") == 1) | plus,
        ),
        "month", "programme", "cohort", "first_age", "sub_icb_code", "kind", "core20plus_2019", "core20plus_2025",
    ).collect(engine="streaming").lazy()
    keys = ["month", "programme", "cohort", "first_age", "sub_icb_code", "kind"]
    return (
        pl.concat([
            counts.select(*keys, *COUNTS, imd_edition=year, core20plus=f"core20plus_{year}") for year in [2019, 2025]
        ])
        .group_by(*keys, "imd_edition", "core20plus").agg(pl.col(COUNTS).sum())
        .join(kinds, on="kind", how="left")
        .with_columns(
            pl.col(GROUPS).fill_null(False),
            sex=pl.col("sex").fill_null("U"),
            ethnicity_group=pl.col("ethnicity_group").fill_null("Unknown"),
            age_band=pl.format("{}-{}", "first_age", pl.col("first_age") + 9),
        )
    )


def _by_edition(world: World, counts: pl.LazyFrame) -> pl.LazyFrame:
    counts = counts.collect(engine="streaming").lazy()
    keys = ["month", "programme", "cohort", "practice_code", "imd_edition", "imd_quintile"]
    by_edition = pl.concat([
        counts.select(*keys[:4], *COUNTS, imd_edition=year, imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ]).group_by(keys).agg(pl.col(COUNTS).sum())
    census = pl.col("month").dt.month_end()
    standards = (
        COHORTS.select("cohort", "target_measure")
        .join(world.reference("targets"), left_on="target_measure", right_on="measure")
        .select("cohort", "valid_from", "valid_to", tenths=(pl.col("value") * 10000).cast(pl.Int64))
    )
    in_force = (
        by_edition.select("month", "cohort").unique().join(standards, on="cohort")
        .filter((pl.col("valid_from") <= census)
                & (pl.col("valid_to").is_null() | (pl.col("valid_to") >= census)))
        .select("month", "cohort", "tenths")
    )
    needed = (pl.col("tenths") * pl.col("eligible").cast(pl.Int64) + 9999) // 10000
    short = pl.max_horizontal(needed - pl.col("covered"), 0)
    return (
        by_edition.join(in_force, on=["month", "cohort"], how="left")
        .with_columns(people_to_target=pl.when(pl.col("tenths").is_not_null()).then(short))
        .drop("tenths")
    )


def due(world: World) -> None:
    newest = world.model("person_month").select(pl.col("month").max()).collect().item()
    census = pl.lit(newest).dt.month_end()
    declined = (
        world.source("screening_events")
        .filter(pl.col("event_type").is_in(["declined", "non_response"])
                & pl.col("event_date").is_between(window_start(census, world.number("declined_months")), census))
        .select(*PERSON, declined_12m=True).unique()
    )
    tests = (
        world.model("test").filter(pl.col("tested_on") <= census)
        .group_by(PERSON).agg(last_test_date=pl.col("tested_on").max())
    )
    people = _eligible(world, world.model("person_month").filter(pl.col("month") == newest))
    expiry = pl.col("last_test_date").dt.month_start().dt.offset_by(
        pl.format("{}mo", "window_months"))
    late = days(census, pl.col("expiry_month")) + 1
    current = (pl.col("expiry_month") > census).fill_null(False)
    world.write("screening_due", people.join(tests, on=PERSON, how="left")
        .join(declined, on=PERSON, how="left")
        .with_columns(
            eligible=pl.col("ceased_on").is_null() | (pl.col("ceased_on") > census),
            expiry_month=expiry,
            declined_12m=pl.col("declined_12m").fill_null(False),
        )
        .select(
            "month", "programme", "person_key", "cohort", "practice_code", "eligible", "last_test_date",
            "expiry_month", "declined_12m",
            imd_edition=2025,
            imd_quintile="imd2025_quintile",
            up_to_date=pl.col("eligible") & current,
            overdue_band=pl.when(~pl.col("eligible")).then(pl.lit("not_eligible"))
            .when(pl.col("last_test_date").is_null()).then(pl.lit("never_screened"))
            .when(current).then(pl.lit("up_to_date"))
            .when(late <= 90).then(pl.lit("overdue_1_90"))
            .when(late <= 180).then(pl.lit("overdue_91_180"))
            .when(late <= 365).then(pl.lit("overdue_181_365"))
            .otherwise(pl.lit("overdue_over_365")),
        ))
