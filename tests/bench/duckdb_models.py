"""All marts of the bench in DuckDB, from a lake's staged Parquet.

The project's own SQL runs here too, with macros for its functions and parameters bound, so that there
is no second copy to drift. Where an able user of DuckDB would write it otherwise and be faster, the
query stands in duckdb_sql/ and takes the place of ours. Models are tables in memory; each mart is
written as zstd Parquet, sorted by its grain.
Prints the seconds of each line as JSON. Usage: duckdb_models.py PROJECT LAKE OUT INDICATORS_SQL
"""

import json
import pathlib
import re
import sys
import time

import duckdb

from lake import Lake
from lines import CHECKS, DUCKDB, LINES

HERE = pathlib.Path(__file__).parent


def bound(sql: str, parameters: dict[str, str]) -> str:
    """The query with its parameters as literals: numbers and dates as such, the rest as text. FIRST_VALUE, when
    it is of a group, is FIRST here."""

    def literal(match: re.Match) -> str:
        value = parameters[match.group(1)]
        if re.fullmatch(r"-?\d+(\.\d+)?", value):
            return value
        if re.fullmatch(r"\d{4}-\d\d-\d\d", value):
            return f"DATE '{value}'"
        return "'" + value.replace("'", "''") + "'"

    sql = re.sub(r"\bFIRST_VALUE\(", "FIRST(", re.sub(r"--.*", "", sql))
    return re.sub(r"\$([a-z]\w*)", literal, sql)


def query_of(project: pathlib.Path, table: str, indicators: pathlib.Path) -> str:
    """The text of a table's query: our own for DuckDB where there is one, else the project's."""
    name = table.split(".")[1]
    tuned = HERE / "duckdb_sql" / f"{name}.sql"
    if tuned.exists():
        return tuned.read_text()
    if name == "indicators":
        return indicators.read_text()
    [path] = project.glob(f"sql/*/{name}.sql")
    return path.read_text()


def main() -> None:
    project, lake, out, indicators = pathlib.Path(sys.argv[1]), Lake(sys.argv[2]), sys.argv[3], pathlib.Path(sys.argv[4])
    con = duckdb.connect(config={"threads": 2})
    con.execute((HERE / "duckdb_sql" / "macros.sql").read_text())
    for schema in ["source", "reference", "model", "mart"]:
        con.execute(f"CREATE SCHEMA {schema}")
    for table in lake.tables("source", "reference"):
        files = ", ".join(f"'{path}'" for path in lake.files(table))
        if not files:  # nothing has arrived, and no mart of the bench reads it
            continue
        con.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet([{files}])")
    parameters = lake.parameters("model", "mart")
    seconds: dict[str, float] = {}
    for line, tables in LINES.items():
        if line == CHECKS:
            continue
        for table in (made for table in tables for made in DUCKDB.get(table, [table])):
            sql = bound(query_of(project, table, indicators), parameters)
            started = time.perf_counter()
            if table.startswith("mart."):
                path = f"{out}/{table.split('.')[1]}.parquet"
                grain = ", ".join(lake.grain(table))
                con.execute(
                    f"COPY (SELECT * FROM ({sql}) ORDER BY {grain})"
                    f" TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
                con.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{path}')")
            else:
                con.execute(f"CREATE TABLE {table} AS {sql}")
            seconds[line] = seconds.get(line, 0) + time.perf_counter() - started
    print(json.dumps(seconds))


main()
