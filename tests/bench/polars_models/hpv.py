"""HPV vaccination, by authority, academic year, school year and sex."""

import polars as pl

from .world import World


def hpv_vaccination(world: World) -> None:
    """As published, by authority, academic year, school year and sex; `both` where both are shown."""
    published = world.source("hpv_published")
    cohorts = []
    for year in [8, 9, 10]:
        girls, boys = f"y{year}_females", f"y{year}_males"
        for sex, columns in {"F": [girls], "M": [boys], "both": [girls, boys]}.items():
            vaccinated = [f"{column}_vaccinated" for column in columns]
            cohorts.append(published.select(
                "first_year", "local_authority", school_year=year, sex=pl.lit(sex),
                eligible=pl.sum_horizontal(columns, ignore_nulls=False),
                vaccinated=pl.sum_horizontal(vaccinated, ignore_nulls=False),
                note=pl.coalesce(*[f"{name}_note" for name in vaccinated], *[f"{name}_note" for name in columns]),
            ))
    authorities = world.reference("lsoa21_areas").group_by(name=pl.col("utla_name").str.to_lowercase()).agg(
        pl.col("utla_code").min())
    name, year = pl.col("local_authority").str.to_lowercase(), pl.col("first_year")
    england = name == "england"
    world.write("hpv_vaccination", (
        pl.concat(cohorts).join(authorities, left_on=name, right_on="name", how="left", coalesce=False)
        .filter(pl.col("utla_code").is_not_null() | england)
        .select(
            "school_year", "sex", "eligible", "vaccinated", "note",
            academic_year=pl.format("{}/{}", year, ((year + 1) % 100).cast(pl.String).str.zfill(2)),
            utla_code=pl.when(england).then(pl.lit("E92000001")).otherwise("utla_code"),
            authority=name.str.to_titlecase(),
            is_total=(pl.col("sex") == "both") | england,
        )
    ))
