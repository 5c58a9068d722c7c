"""What a process took: wall and processor time, the peak of its memory, and what it said."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Measured:
    """How a process ended (0 is well), seconds of wall and of processor time, the peak of memory in KiB,
    and both outputs as text."""

    status: int
    wall: float
    cpu: float
    peak: int
    out: str
    err: str


def timed(command: list[str], environment: dict[str, str] | None = None, may_fail: bool = False) -> Measured:
    """Runs a command to its end, which must be a good one unless it `may_fail`; `environment` is added to
    ours."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=out, stderr=err, env=os.environ | (environment or {}))
        _, status, usage = os.wait4(process.pid, 0)
        took = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        said, complained = out.read().decode(), err.read().decode()
    if status != 0 and not may_fail:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{complained[-4000:]}")
    return Measured(process.returncode, took, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, said, complained)
