"""Every indicator by month, organisation and breakdown.

Each table is grouped once for each breakdown, with the counts of all its indicators side by side; the
definitions are the pipelines' own.
"""

import polars as pl

from definitions import Indicator, Organisations

from . import screening
from .calendar import age_in_years
from .people import GROUPS
from .world import World

KEYS = ["measure", "month", "org_type", "org_code", "breakdown_type", "breakdown_value", "imd_edition"]
SUMS = ["numerator", "denominator", "withheld"]
# The bands of age, each with its last year.
LUNG_AGES = {"55-59": 59, "60-64": 64, "65-69": 69, "70-74": 999}
AGES = {"0-44": 44, "45-54": 54, "55-64": 64, "65-74": 74, "75+": 999}
BY_EDITION = ["imd_quintile", "core20plus"]


def make(world: World) -> None:
    tables = {
        "model.lung_person": _people(world, world.model("lung_pathway"), "cohort_month", LUNG_AGES),
        "model.liver_person": _people(world, world.model("liver_status"), "month", AGES),
        "model.care_person": _people(world, world.model("care_pathway"), "month", AGES).join(
            world.model("care_submitter").filter("submitter"), on="trust_code", how="semi"),
        "model.early_breakdown": _tumours(world),
        "model.fit_person": _people(world, world.model("fit_patient"), "month", AGES).with_columns(
            patients_referred=1, patients_with_fit_21d="fit_in_time"),
        "model.cwt_person": _waits(world),
        "model.screening_group": screening.groups(world),
        "model.hpv_year": world.mart("hpv_vaccination").filter(~pl.col("is_total")).with_columns(
            month=pl.col("academic_year").str.head(4).add("-09-01").str.to_date("%Y-%m-%d")),
        "model.early_resident": world.model("early_resident"),
    }
    edition = world.number("imd_edition")
    counted, levels, targets, units = [], [], {}, {}
    for (name, organisations), entries in world.definitions.items():
        table = tables.get(name)
        if table is None:
            table = world.mart(name.removeprefix("mart."))
        units |= {entry.measure: entry.unit for entry in entries}
        targets |= {entry.measure: entry.target for entry in entries}
        for place in organisations:
            levels += [
                (entry.measure, kind, place.kind, larger)
                for entry in entries for kind in entry.kinds for larger in place.larger
            ]
            counted += _counts(table, place, entries, edition)
    counts = pl.concat(counted).lazy()
    everywhere = pl.concat([counts, _rolled_up(world, counts, levels)])
    known = pl.col("withheld") == 0
    world.write("indicators", everywhere.group_by(KEYS).agg(pl.col(SUMS).sum()).select(
        *KEYS,
        numerator=pl.when(known).then("numerator"),
        denominator=pl.when(known).then("denominator"),
        unit=pl.col("measure").replace_strict(units, return_dtype=pl.String),
        target_measure=pl.col("measure").replace_strict(targets, return_dtype=pl.String),
        suppression=pl.when(~known).then(pl.lit("at_source")),
    ))


def _tumours(world: World) -> pl.LazyFrame:
    """Tumours in each month whose twelve months hold them, once under each type of organisation."""
    tumours = _people(world, world.model("early_in_month"), "diagnosis_date", AGES)
    stage = pl.col("stage_group")
    return pl.concat([
        tumours.with_columns(org_type=pl.lit(org_type), org_code=f"{org_type}_code")
        for org_type in ["trust", "sub_icb", "alliance"]
    ]).with_columns(
        stage_1_2=stage == "early", staged=stage.is_in(["early", "late"]), stageable=stage != "unstageable",
        first_presentations="first_presentation",
    )


def _waits(world: World) -> pl.LazyFrame:
    """Everybody's part of each counted wait."""
    waits = world.model("cwt_share").join(world.model("cwt_wait").drop("org_code"), on=["record_id", "standard"])
    return _people(world, waits, "month", AGES).with_columns(
        total="share", within=pl.when("within").then("share").otherwise(0))


def _people(world: World, people: pl.LazyFrame, month: str, ages: dict[str, int]) -> pl.LazyFrame:
    """The people once for each edition, with what indicators are broken down by."""
    person = world.model("person_latest").select("person_key", "birth_date", "sex", "ethnicity_group", *GROUPS)
    age = age_in_years(pl.col("birth_date"), pl.col(month).dt.month_end())
    band = pl.when(age.is_null()).then(pl.lit("unknown"))
    for name, last in ages.items():
        band = band.when(age <= last).then(pl.lit(name))
    people = (
        people.join(person, on="person_key", how="left")
        .with_columns(
            pl.col(GROUPS).fill_null(False),
            age_band=band,
            sex=pl.col("sex").fill_null("U"),
            ethnicity_group=pl.col("ethnicity_group").fill_null("Unknown"),
        )
    )
    return pl.concat([
        people.with_columns(imd_edition=pl.lit(year), imd_quintile=f"imd{year}_quintile")
        for year in [2019, 2025]
    ]).with_columns(core20plus=(pl.col("imd_quintile") == 1) | pl.any_horizontal(GROUPS))


def _parts(entry: Indicator) -> dict[str, pl.Expr]:
    """What each row adds to an indicator, by the names of the columns that are summed up."""
    here = pl.sql_expr(entry.where) if entry.where else pl.lit(True)

    def added(what: str | None) -> pl.Expr:
        if what is None:
            return pl.lit(1.0)
        of_row = pl.sql_expr(what)
        return (of_row.fill_null(False) if entry.by_rows else of_row).cast(pl.Float64)

    over, under = added(entry.numerator), added(entry.denominator)
    return {
        "rows": here.cast(pl.Int64),
        "numerator": pl.when(here).then(over),
        "denominator": pl.when(here).then(under),
        "withheld": (here & (over.is_null() | under.is_null())).cast(pl.Int64),
    }


def _counts(table: pl.LazyFrame, place: Organisations, entries: list[Indicator], edition: int) -> list[pl.DataFrame]:
    """The counts of a table's indicators for one type of organisation, one frame a breakdown."""
    table = table.filter(pl.sql_expr(place.where)) if place.where else table
    kinds = list(dict.fromkeys(kind for entry in entries for kind in entry.kinds))
    breakdowns = [kind for kind in kinds if kind != "all"]
    edition_of_row = pl.col("imd_edition") if entries[0].edition else pl.lit(edition)
    parts = {f"{entry.measure} {part}": expr for entry in entries for part, expr in _parts(entry).items()}
    rows = table.select(
        pl.col(breakdowns).cast(pl.String).fill_null("unknown"),
        all=pl.lit("all"), month=pl.col(entries[0].month), org_code=pl.col(place.column).fill_null("UNKNOWN"),
        imd_edition=edition_of_row.cast(pl.Int64), **parts,
    ).collect(engine="streaming").lazy()
    of_edition = rows.filter(pl.col("imd_edition") == edition).with_columns(imd_edition=pl.lit(0, pl.Int64))
    frames = []
    for breakdown in kinds:
        shown = [entry.measure for entry in entries if breakdown in entry.kinds]
        counts = [
            pl.struct(pl.lit(measure).alias("measure"),
                      *[pl.col(f"{measure} {part}").alias(part) for part in ["rows", *SUMS]])
            for measure in shown
        ]
        frames.append(
            (rows if breakdown in BY_EDITION else of_edition)
            .group_by("month", "org_code", "imd_edition", breakdown_value=breakdown)
            .agg(pl.col(f"{measure} {part}").sum() for measure in shown for part in ["rows", *SUMS])
            .select("month", "org_code", "breakdown_value", "imd_edition", counts=pl.concat_list(counts))
            .explode("counts").unnest("counts").filter(pl.col("rows") > 0)
            .with_columns(org_type=pl.lit(place.kind), breakdown_type=pl.lit(breakdown))
            .select(*KEYS, *SUMS)
        )
    return pl.collect_all(frames)


def _rolled_up(world: World, counts: pl.LazyFrame, levels: list[tuple[str, str, str, str]]) -> pl.LazyFrame:
    """Counts of larger organisations, by where the smaller lie; who lies nowhere counts at home."""
    larger = pl.LazyFrame(levels, schema=["measure", "breakdown_type", "org_type", "larger"], orient="row")
    homes = {
        "pcn": "UNKNOWN", "sub_icb": world.parameters["home_sub_icb"], "icb": world.parameters["home_icb"],
        "alliance": world.parameters["home_alliance"],
    }
    places = world.mart("dim_organisation").select(
        "org_type", "org_code", *[pl.col(f"{kind}_code").alias(kind) for kind in homes])
    placed = counts.join(places, on=["org_type", "org_code"], how="left")
    return pl.concat([
        placed.join(larger.filter(pl.col("larger") == kind), on=["measure", "breakdown_type", "org_type"], how="semi")
        .with_columns(org_type=pl.lit(kind), org_code=pl.col(kind).fill_null(home))
        .group_by(KEYS).agg(pl.col(SUMS).sum())
        for kind, home in homes.items()
    ])
