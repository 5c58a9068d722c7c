"""What a lake's records say: the files of each table, its grain, and the parameters it was made with.

Everything is read from `state/nodes/<table>.json`, which holds what each table was last made from, so
that neither grain nor parameter stands here a second time.
"""

import json
import pathlib
import re


class Lake:
    """A lake in a folder; tables are named as in SQL, such as `source.people` or `mart.dim_date`."""

    def __init__(self, folder: str | pathlib.Path) -> None:
        self.folder = pathlib.Path(folder)
        self.nodes = self.folder / "state" / "nodes"

    def record(self, table: str) -> dict:
        return json.loads((self.nodes / f"{table}.json").read_text())

    def tables(self, *kinds: str) -> list[str]:
        """The tables of these kinds (`source`, `reference`, `model`, `mart`) that have been made."""
        names = sorted(path.stem for path in self.nodes.glob("*.json"))
        return [name for name in names if name.split(".")[0] in kinds]

    def files(self, table: str) -> list[str]:
        """The Parquet files whose rows are the table's: of a source, those that count."""
        return [str(self.folder / name) for name in self.record(table)["made"]["files"]]

    def grain(self, table: str) -> list[str]:
        """The columns that tell a table's rows apart, in the order they are sorted by."""
        for check in self.record(table)["checks"]:
            if check["name"] == "grain_unique":
                return re.findall(r"`(\w+)`", check["detail"])
        raise LookupError(f"{table} has no grain")

    def parameters(self, *kinds: str) -> dict[str, str]:
        """Every parameter of the tables of these kinds; a name means one thing in the project."""
        found: dict[str, str] = {}
        for table in self.tables(*kinds):
            for name, value in self.record(table)["ingredients"]["parameters"].items():
                if found.setdefault(name, value) != value:
                    raise LookupError(f"two pipelines give ${name} two values")
        return found

    def forget_models(self) -> None:
        """Removes records and files of models and marts, so that the next run makes them again."""
        for table in self.tables("model", "mart"):
            for path in self.files(table):
                pathlib.Path(path).unlink(missing_ok=True)
            (self.nodes / f"{table}.json").unlink()
