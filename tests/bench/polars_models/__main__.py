"""All marts of the bench in Polars, from a lake's staged Parquet: lazy frames, the streaming engine.

Prints the seconds of each line as JSON. Usage: python -m polars_models PROJECT LAKE OUT
"""

import json
import pathlib
import sys
import time

import definitions
from lake import Lake
from lines import SHARED

from . import (
    care, early, fit, hpv, indicators, liver, lung, people, reference, screening, waiting_times, waits,
)
from .world import World

STEPS = {
    SHARED: people.make,
    "dim_cancer_site": reference.dim_cancer_site,
    "dim_date": reference.dim_date,
    "dim_geography": reference.dim_geography,
    "dim_organisation": reference.dim_organisation,
    "screening_coverage": screening.coverage,
    "screening_due": screening.due,
    "lung_health_checks": lung.health_checks,
    "liver_surveillance": liver.surveillance,
    "personalised_care": care.personalised_care,
    "waiting_times": waiting_times.make,
    "waiting_times_breaches": waits.breaches,
    "hpv_vaccination": hpv.hpv_vaccination,
    "early_diagnosis": early.early_diagnosis,
    "fit_before_referral": fit.fit_before_referral,
    "indicators": indicators.make,
}


def main() -> None:
    project, lake, out = pathlib.Path(sys.argv[1]), Lake(sys.argv[2]), pathlib.Path(sys.argv[3])
    world = World(lake, out, definitions.indicators(project))
    seconds = {}
    for line, step in STEPS.items():
        started = time.perf_counter()
        step(world)
        seconds[line] = time.perf_counter() - started
    print(json.dumps(seconds))


main()
