"""From staged files to marts: martlet, DuckDB and Polars in turn, on one invented world.

The world is taken in once. In each round all three make every mart again from the same staged
Parquet, each in a process of its own with two threads, and write it as zstd Parquet sorted by its
grain; then each mart of the others is held against ours, row by row, and the bench ends if one differs.
Ours also checks and hashes every table, which is in its seconds, and makes it durable beside the next one,
which is in those of the whole process. It makes everything twice in a round: one table at a time, for the
seconds of each, and as it does of itself, several at once.

Printed are medians of seconds for each line of lines.py, where it says what a line is made of and what
is left out (inequality and control charts, data quality, and the words of dim_measure), the ratio of
ours to the faster of the others, and what each process took, with that of our first night, from files
to checked marts; then the seconds of our tables.
Usage: models.py MARTLET [PEOPLE] [MONTHS] [ROUNDS]
"""

import json
import os
import pathlib
import shutil
import statistics
import sys
import tempfile

from compare import difference
from lake import Lake
from lines import CHECKS, LINES, MARTS, TABLES, UNTIMED
from measure import Measured, timed

HERE = pathlib.Path(__file__).parent
PROJECT = HERE.parent.parent
SEEDS = range(1, 9)
TWO_THREADS = {"POLARS_MAX_THREADS": "2", "PYTHONPATH": str(HERE)}


class Ours:
    """martlet, with a lake of its own."""

    def __init__(self, martlet: str, work: pathlib.Path) -> None:
        self.martlet, self.work, self.lake = martlet, work, Lake(work / "lake")
        self.command = [martlet, "--project", str(PROJECT), "run", "--no-publish", "--log-format", "json",
                        "--inbox", str(work / "world"), "--lake", str(work / "lake"),
                        "--published", str(work / "published")]

    def made(self, said: str) -> dict[str, float]:
        """The seconds of each table that a run's log says was made."""
        records = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
        return {record["table"]: record["seconds"] for record in records if record["event"] == "made"}

    def take_in(self, people: int, months: int) -> Measured:
        """Invents a world and takes it in, all that a first night does but to publish; another one where a
        file of a row or two breaks a rule in so large a share of them that its feed refuses it."""
        for seed in SEEDS:
            for name in ["world", "lake"]:
                shutil.rmtree(self.work / name, ignore_errors=True)
            timed([self.martlet, "sample", "--project", str(PROJECT), "--people", str(people),
                   "--months", str(months), "--seed", str(seed), "--out", str(self.work / "world")])
            night = timed(self.command, may_fail=True)
            if night.status == 0:
                return night
            if '"code":"threshold"' not in night.err:
                break
        sys.exit(f"the world was not taken in:\n{night.err[-2000:]}")

    def make(self, *flags: str) -> Measured:
        """Makes all models and marts again, those of the table and no others."""
        self.lake.forget_models()
        return timed([*self.command, *flags, *TABLES])


def medians(rounds: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(seconds[name] for seconds in rounds) for name in rounds[0]}


def by_line(tables: dict[str, float]) -> dict[str, float]:
    """The seconds of our tables added up by line; every table must have a line."""
    homeless = tables.keys() - {*TABLES, *UNTIMED}
    if homeless:
        sys.exit(f"lines.py has no line for {', '.join(sorted(homeless))}")
    return {line: sum(tables[table] for table in named) for line, named in LINES.items()}


def report(lines: dict[str, dict[str, float]], processes: dict[str, list[Measured]], tables: dict[str, float]) -> None:
    print(f"{'seconds':28} {'martlet':>8} {'duckdb':>8} {'polars':>8} {'ratio':>6}")
    totals = {name: sum(seconds.values()) for name, seconds in lines.items()}
    totals["martlet"] -= lines["martlet"][CHECKS]
    for line in [*LINES, "total without checks"]:
        ours, *others = (
            totals[name] if line not in LINES else seconds.get(line) for name, seconds in lines.items())
        if line == CHECKS:
            print(f"{line:28} {ours:8.2f}")
        else:
            print(f"{line:28} {ours:8.2f} {others[0]:8.2f} {others[1]:8.2f} {ours / min(others):6.2f}")
    print(f"\n{'whole process':32} {'median s':>8} {'cpu s':>8} {'peak MiB':>8}")
    for name, measured in processes.items():
        wall, cpu = (statistics.median(getattr(m, what) for m in measured) for what in ["wall", "cpu"])
        print(f"{name:32} {wall:8.2f} {cpu:8.2f} {max(m.peak for m in measured) / 1024:8.0f}")
    print(f"\n{'our tables':40} {'seconds':>8}")
    for table, seconds in sorted(tables.items(), key=lambda item: -item[1]):
        print(f"{table:40} {seconds:8.3f}")


def main() -> None:
    martlet = sys.argv[1]
    people, months, rounds = (
        int(sys.argv[n]) if len(sys.argv) > n else usual for n, usual in [(2, 1_000_000), (3, 24), (4, 3)])
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        work = pathlib.Path(work)
        indicators = work / "indicators.sql"
        indicators.write_text(timed([martlet, "--project", str(PROJECT), "indicators", "--sql"]).out)
        ours = Ours(martlet, work)
        night = ours.take_in(people, months)
        rivals = {
            "duckdb": [str(HERE / "duckdb_models.py"), str(PROJECT), str(ours.lake.folder), "OUT", str(indicators)],
            "polars": ["-m", "polars_models", str(PROJECT), str(ours.lake.folder), "OUT"],
        }
        tables: list[dict[str, float]] = []
        lines: dict[str, list[dict[str, float]]] = {name: [] for name in ["martlet", *rivals]}
        processes: dict[str, list[Measured]] = {
            name: [] for name in ["martlet", "martlet, one table at a time", *rivals]}
        for _ in range(rounds):
            one_by_one = ours.make("--jobs", "1")
            seconds = ours.made(one_by_one.err)
            tables.append(seconds)
            lines["martlet"].append(by_line(seconds))
            processes["martlet, one table at a time"].append(one_by_one)
            processes["martlet"].append(ours.make())
            for name, arguments in rivals.items():
                out = tempfile.mkdtemp(dir=work)
                command = [sys.executable, *(out if word == "OUT" else word for word in arguments)]
                measured = timed(command, TWO_THREADS)
                lines[name].append(json.loads(measured.out))
                processes[name].append(measured)
                for mart in MARTS:
                    path = f"{out}/{mart.removeprefix('mart.')}.parquet"
                    differs = difference(mart, ours.lake.files(mart), name, path, ours.lake.grain(mart))
                    if differs:
                        sys.exit(differs)
        print(f"{people:,} people, {months} months, {os.cpu_count()} cores, {rounds} rounds; every mart alike")
        processes["martlet, first night from files"] = [night]
        report({name: medians(found) for name, found in lines.items()}, processes, medians(tables))


main()
