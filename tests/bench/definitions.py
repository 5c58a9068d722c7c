"""The indicators as the pipelines define them, for those who count them otherwise than by our SQL."""

import pathlib
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Indicator:
    """One entry: SQL says which rows count, and above and below the line what of them.

    A count is a column's sum where `numerator` (or `denominator`) is a name and `by_rows` false,
    else the number of rows for which it holds; None counts every row. Of a table with further
    breakdowns of an entry, what is not broken down is not counted: `with_all` is false.
    """

    measure: str
    table: str
    where: str | None
    by_rows: bool
    numerator: str | None
    denominator: str | None
    month: str
    edition: str | None
    breakdowns: tuple[str, ...]
    with_all: bool
    target: str | None
    unit: str

    @property
    def kinds(self) -> tuple[str, ...]:
        """What stands as `breakdown_type` in its rows."""
        return ("all", *self.breakdowns) if self.with_all else self.breakdowns


@dataclass(frozen=True)
class Organisations:
    """Organisations of one type in a table, which rows are theirs, and what they add up to."""

    kind: str
    column: str
    where: str | None
    larger: tuple[str, ...]


def indicators(project: pathlib.Path) -> dict[tuple[str, tuple[Organisations, ...]], list[Indicator]]:
    """All indicators of a project, those of one table and the same organisations together; one that has further
    breakdowns stands with both its tables."""
    found: dict[tuple[str, tuple[Organisations, ...]], list[Indicator]] = {}
    for path in sorted(project.glob("pipelines/*.yaml")):
        pipeline = yaml.load(path.read_text(), yaml.CSafeLoader)
        for measure, entry in (pipeline.get("indicators") or {}).items():
            over, under = entry["numerator"], entry["denominator"]
            for part in filter(None, [entry, entry.get("further")]):
                organisations = tuple(
                    Organisations(place["type"], place["column"], place.get("where"), tuple(place.get("rolls_up", [])))
                    for place in part["organisations"])
                found.setdefault((part["from"], organisations), []).append(Indicator(
                    measure, part["from"], entry.get("where"), "column" not in over,
                    over.get("column") or over.get("where"), under.get("column") or under.get("where"),
                    entry["month"]["column"], entry.get("edition"), tuple(part["breakdowns"]), part is entry,
                    entry.get("target"), entry.get("unit", "proportion"),
                ))
    return found
