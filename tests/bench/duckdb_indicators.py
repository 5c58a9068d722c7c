"""The SQL by which an able user of DuckDB counts all indicators: grouping sets over wide counts.

The project's own SQL multiplies each row by its indicators and breakdowns before it groups. Here each
table is grouped once for all its breakdowns, with the counts of its indicators side by side, and is made
long afterwards. The definitions are the pipelines' own.
"""

from definitions import Indicator, Organisations

BY_EDITION = ["imd_quintile", "core20plus"]
KEYS = "measure, month, org_type, org_code, breakdown_type, breakdown_value, imd_edition"
HOMES = {"pcn": "'UNKNOWN'", "sub_icb": "$home_sub_icb", "icb": "$home_icb", "alliance": "$home_alliance"}


def _parts(entry: Indicator) -> str:
    """What each row adds to an indicator, as columns named after it."""
    here = f"({entry.where})" if entry.where else "TRUE"

    def added(what: str | None) -> str:
        if what is None:
            return f"CAST({here} AS INTEGER)"
        if entry.by_rows:
            return f"CAST({here} AND coalesce(({what}), FALSE) AS INTEGER)"
        return f"CASE WHEN {here} THEN CAST({what} AS DOUBLE) END"

    over, under = added(entry.numerator), added(entry.denominator)
    return (
        f"CAST({here} AS INTEGER) AS {entry.measure}_rows, {over} AS {entry.measure}_over, "
        f"{under} AS {entry.measure}_under, "
        f"CAST({here} AND ({over} IS NULL OR {under} IS NULL) AS INTEGER) AS {entry.measure}_withheld")


def _counts(table: str, place: Organisations, entries: list[Indicator], by_edition: bool) -> str | None:
    """The counts of a table for one type of organisation: by edition, or all the other breakdowns."""
    wanted = ["everybody", *dict.fromkeys(name for entry in entries for name in entry.breakdowns)]
    breakdowns = [name for name in wanted if (name in BY_EDITION) == by_edition]
    if not breakdowns:
        return None
    edition = entries[0].edition
    values = ", ".join(
        f"coalesce(CAST({name} AS VARCHAR), 'unknown') AS {name}_value" if name != "everybody" else "'all' AS everybody_value"
        for name in breakdowns)
    conditions = [f"({place.where})"] if place.where else []
    conditions += [f"{edition} = $imd_edition"] if edition and not by_edition else []
    sums = ", ".join(
        f"sum({entry.measure}_{part}) AS {entry.measure}_{part}"
        for entry in entries for part in ["rows", "over", "under", "withheld"])
    sets = ", ".join(f"(month, org_code, edition, {name}_value)" for name in breakdowns)
    kind = " ".join(
        f"WHEN grouping({name}_value) = 0 THEN '{'all' if name == 'everybody' else name}'" for name in breakdowns)
    counts = ", ".join(
        "{" + f"'measure': '{entry.measure}', 'rows': {entry.measure}_rows, 'numerator': {entry.measure}_over,"
        f" 'denominator': {entry.measure}_under, 'withheld': {entry.measure}_withheld,"
        f" 'breakdowns': {['all', *entry.breakdowns]!r}" + "}"
        for entry in entries)
    return f"""
        SELECT count.measure, month, '{place.kind}' AS org_type, org_code, breakdown_type, breakdown_value,
            edition AS imd_edition, count.numerator, count.denominator, count.withheld
        FROM (
            SELECT month, org_code, edition, breakdown_type, breakdown_value, unnest([{counts}]) AS count
            FROM (
                SELECT month, org_code, edition, CASE {kind} END AS breakdown_type,
                    coalesce({", ".join(f"{name}_value" for name in breakdowns)}) AS breakdown_value, {sums}
                FROM (
                    SELECT {entries[0].month} AS month, coalesce({place.column}, 'UNKNOWN') AS org_code,
                        {"imd_edition" if by_edition else "0"} AS edition, {values},
                        {", ".join(_parts(entry) for entry in entries)}
                    FROM {table}
                    WHERE {" AND ".join(conditions) or "TRUE"}
                )
                GROUP BY GROUPING SETS ({sets})
            )
        )
        WHERE count.rows > 0 AND list_contains(count.breakdowns, breakdown_type)"""


def indicators_sql(found: dict[tuple[str, tuple[Organisations, ...]], list[Indicator]]) -> str:
    """One query that counts all indicators, as columns of the mart."""
    counted, levels, targets = [], [], []
    for (table, organisations), entries in found.items():
        targets += [f"('{entry.measure}', '{entry.target}')" for entry in entries if entry.target]
        for place in organisations:
            levels += [f"('{entry.measure}', '{place.kind}', '{kind}')" for entry in entries for kind in place.larger]
            counted += [sql for by in [False, True] if (sql := _counts(table, place, entries, by))]
    homes = " ".join(f"WHEN '{kind}' THEN coalesce(place.{kind}_code, {home})" for kind, home in HOMES.items())
    return f"""
        WITH counted AS MATERIALIZED ({" UNION ALL ".join(counted)}),
        levels AS (SELECT * FROM (VALUES {", ".join(levels)}) AS level (measure, org_type, larger)),
        targets AS (SELECT * FROM (VALUES {", ".join(targets)}) AS target (measure, target_measure)),
        everywhere AS (
            SELECT * FROM counted
            UNION ALL
            SELECT counted.* REPLACE (levels.larger AS org_type, CASE levels.larger {homes} END AS org_code)
            FROM counted
            INNER JOIN levels ON levels.measure = counted.measure AND levels.org_type = counted.org_type
            LEFT JOIN mart.dim_organisation AS place
                ON place.org_type = counted.org_type AND place.org_code = counted.org_code
        ),
        summed AS (
            SELECT {KEYS}, sum(numerator) AS over, sum(denominator) AS under, sum(withheld) AS withheld
            FROM everywhere
            GROUP BY ALL
        )
        SELECT {KEYS},
            CASE WHEN withheld = 0 THEN CAST(over AS DECIMAL(12, 1)) END AS numerator,
            CASE WHEN withheld = 0 THEN CAST(under AS DECIMAL(12, 1)) END AS denominator,
            target_measure, CASE WHEN withheld > 0 THEN 'at_source' END AS suppression
        FROM summed
        LEFT JOIN targets USING (measure)"""
