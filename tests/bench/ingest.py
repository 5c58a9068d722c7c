"""From a file of events to checked Parquet and quarantine: martlet, Polars and DuckDB in turn.

Each round runs all of them once, so that a busy machine is busy for all. Printed are medians of
wall time, the ratio to martlet's, processor time and the highest memory of any round.
Usage: ingest.py MARTLET [ROWS] [ROUNDS]
"""

import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile

from measure import Measured, timed

HERE = pathlib.Path(__file__).parent
PYTHON = sys.executable


def project(folder: pathlib.Path, events: pathlib.Path) -> None:
    """A project with one source: the events, under a full contract."""
    shutil.copytree(HERE / "project", folder)
    (folder / "inbox").mkdir()
    os.link(events, folder / "inbox" / "events.csv")


def main() -> None:
    martlet = sys.argv[1]
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000_000
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as work:
        work = pathlib.Path(work)
        events = work / "events.csv"
        subprocess.run([PYTHON, HERE / "generate_events.py", str(rows), events], check=True)
        project(work / "project", events)
        found: dict[str, list[Measured]] = {}
        for _ in range(rounds):
            shutil.rmtree(work / "project" / "lake", ignore_errors=True)
            out = work / "out"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir()
            ours = [martlet, "--project", str(work / "project"), "run", "source:screening_events", "--no-publish"]
            found.setdefault("martlet, full contract and pseudonyms", []).append(timed(ours))
            for name in ["polars", "duckdb"]:
                command = [PYTHON, str(HERE / f"{name}_ingest.py"), str(events), str(out)]
                found.setdefault(name, []).append(timed(command))
        size = events.stat().st_size / 1e9
        print(f"{rows:,} rows, {size:.2f} GB, {os.cpu_count()} cores, {rounds} rounds")
        print(f"{'':40} {'median s':>9} {'ratio':>6} {'cpu s':>7} {'peak MiB':>9}")
        base = statistics.median(m.wall for m in next(iter(found.values())))
        for name, measured in found.items():
            wall = statistics.median(m.wall for m in measured)
            cpu = statistics.median(m.cpu for m in measured)
            peak = max(m.peak for m in measured) / 1024
            print(f"{name:40} {wall:9.2f} {wall / base:6.2f} {cpu:7.2f} {peak:9.0f}")


main()
