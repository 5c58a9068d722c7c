"""What there is to work on: staged tables of a lake, frames made so far, and where marts go."""

import pathlib

import polars as pl

from lake import Lake


class World:
    """Tables are lazy: a source or a mart is scanned where it is used, a frame kept is in memory."""

    def __init__(self, lake: Lake, out: pathlib.Path, indicators: dict) -> None:
        self.lake, self.out, self.definitions = lake, out, indicators
        self.parameters = lake.parameters("model", "mart")
        self.kept: dict[str, pl.DataFrame] = {}

    def source(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(self.lake.files(f"source.{name}"))

    def reference(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(self.lake.files(f"reference.{name}"))

    def mart(self, name: str) -> pl.LazyFrame:
        return pl.scan_parquet(self.out / f"{name}.parquet")

    def number(self, name: str) -> int:
        """A parameter that is a whole number."""
        return int(self.parameters[name])

    def keep(self, **frames: pl.LazyFrame) -> None:
        """Makes frames, all at once, for others to read."""
        made = pl.collect_all(list(frames.values()), engine="streaming")
        self.kept.update(zip(frames, made, strict=True))

    def model(self, name: str) -> pl.LazyFrame:
        return self.kept[name].lazy()

    def write(self, name: str, frame: pl.LazyFrame) -> None:
        """Writes a mart as zstd Parquet, sorted by its grain."""
        frame.sort(self.lake.grain(f"mart.{name}")).sink_parquet(
            self.out / f"{name}.parquet", compression="zstd", engine="streaming")
