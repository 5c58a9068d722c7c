"""Invented screening events for the bench: nine columns, seeded, with planted faults.

One row in a thousand holds a quoted line feed; one in a hundred each breaks modulus 11, has an
event type nobody accepts, an impossible date, no date, or a practice code that is none.
Usage: generate_events.py ROWS FILE
"""

import sys

import numpy as np
import polars as pl

SEED = 1
BATCH = 1_000_000
PEOPLE = 1_000_000
PROGRAMMES = ["bowel", "breast", "cervical"]
EVENTS = [
    "invited", "reminder", "responded", "kit_returned", "attended",
    "screened_adequate", "screened_inadequate", "result_normal", "declined", "dna",
]
TESTS = ["FIT", "mammogram", "HPV_primary"]


def nhs_numbers(random: np.random.Generator) -> np.ndarray:
    """Ten-digit numbers that pass modulus 11."""
    nine = random.choice(599_999_999, size=PEOPLE * 12 // 10, replace=False) + 400_000_000
    total, rest = np.zeros_like(nine), nine.copy()
    for weight in range(2, 11):
        total += (rest % 10) * weight
        rest //= 10
    check = 11 - total % 11
    nine, check = nine[check != 10], check[check != 10]
    return (nine * 10 + np.where(check == 11, 0, check))[:PEOPLE]


def batch(random: np.random.Generator, people: np.ndarray, first: int, rows: int) -> pl.DataFrame:
    person = people[random.integers(0, PEOPLE, rows)]
    fault = random.integers(0, 100, rows)
    programme = random.integers(0, 3, rows)
    days = random.integers(0, 7 * 365, rows)
    comment = random.integers(0, 1000, rows)
    date = pl.Series(np.datetime64("2019-01-01") + days).dt.strftime("%d/%m/%Y")
    frame = pl.DataFrame({
        "fault": fault,
        # One more than a good number is never a good one.
        "nhs_number": np.where(fault == 0, person + 1, person),
        "programme": np.array(PROGRAMMES)[programme],
        "event_type": np.array(EVENTS)[random.integers(0, len(EVENTS), rows)],
        "event_date": date,
        "episode_id": np.arange(first, first + rows) * 7 + 13,
        "test_type": np.array(TESTS)[programme],
        "practice_code": 82000 + random.integers(0, 200, rows),
        "ceased_reason": np.where(comment == 7, "no_cervix", ""),
        "comment": comment,
    })
    wrong = pl.col("fault")
    return frame.select(
        "nhs_number",
        "programme",
        pl.when(wrong == 1).then(pl.lit("screend")).otherwise("event_type").alias("event_type"),
        pl.when(wrong == 2).then(pl.lit("31/02/2024"))
        .when(wrong == 3).then(pl.lit(""))
        .otherwise("event_date").alias("event_date"),
        pl.format("E{}", pl.col("episode_id").cast(pl.String).str.zfill(10)).alias("episode_id"),
        "test_type",
        pl.when(wrong == 4).then(pl.lit("??"))
        .otherwise(pl.format("G{}", "practice_code")).alias("practice_code"),
        "ceased_reason",
        pl.when(pl.col("comment") == 0).then(pl.lit("left a message\nwill ring back"))
        .when(pl.col("comment") < 300).then(pl.lit("seen by the nurse"))
        .otherwise(pl.lit("")).alias("comment"),
    )


def main() -> None:
    rows, path = int(sys.argv[1]), sys.argv[2]
    random = np.random.default_rng(SEED)
    people = nhs_numbers(random)
    with open(path, "wb") as out:
        for first in range(0, rows, BATCH):
            frame = batch(random, people, first, min(BATCH, rows - first))
            out.write(frame.write_csv(include_header=first == 0, quote_style="necessary").encode())


main()
