"""Dates as docs/functions.md has them, and months as whole numbers."""

import polars as pl


def window_start(census: pl.Expr, months: int) -> pl.Expr:
    """The first day of the month `months` - 1 before the census month."""
    return census.dt.month_start().dt.offset_by(f"-{months - 1}mo")


def add_months(date: pl.Expr, months: int) -> pl.Expr:
    """The same day so many months on, clamped to the month's end."""
    return date.dt.offset_by(f"{months}mo")


def month_number(date: pl.Expr) -> pl.Expr:
    """Months since the year 0: a window of k months ends k - 1 after it starts."""
    return date.dt.year() * 12 + date.dt.month().cast(pl.Int32) - 1


def age_in_years(birth: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Completed years; as numbers, 20080229 to 20250228 are 16 years and to 20250301 are 17."""
    return pl.when(on >= birth).then((_as_number(on) - _as_number(birth)) // 10000)


def _as_number(date: pl.Expr) -> pl.Expr:
    return date.dt.year() * 10000 + date.dt.month().cast(pl.Int32) * 100 + date.dt.day()


def year_name(date: pl.Expr, first_month: int) -> pl.Expr:
    """Such as 2025/26, of a year that starts with `first_month`: April financial, September academic."""
    year = date.dt.year() - (date.dt.month() < first_month).cast(pl.Int32)
    return pl.format("{}/{}", year, ((year + 1) % 100).cast(pl.String).str.zfill(2))


def days(later: pl.Expr, earlier: pl.Expr) -> pl.Expr:
    """Days from one date to another."""
    return later.to_physical() - earlier.to_physical()
