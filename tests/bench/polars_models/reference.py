"""The dimensions: days, cancers, LSOAs and organisations."""

from datetime import date

import polars as pl

from .calendar import add_months, year_name
from .world import World


def dim_cancer_site(world: World) -> None:
    world.write("dim_cancer_site", world.reference("icd10_cancer_groups").select(
        "icd10_code", "icd10_name", "cancer_group", "counted"))


def dim_date(world: World) -> None:
    first, last = (date.fromisoformat(world.parameters[name]) for name in ["first_day", "last_day"])
    day = pl.col("date")
    in_year = add_months(day.dt.month_start(), -3)
    world.write("dim_date", pl.LazyFrame({"date": pl.date_range(first, last, eager=True)}).select(
        "date",
        month=day.dt.month_start(),
        month_name=day.dt.strftime("%B %Y"),
        calendar_year=day.dt.year(),
        calendar_quarter=day.dt.quarter(),
        fin_year=year_name(day, 4),
        fin_quarter=in_year.dt.quarter(),
        fin_month=in_year.dt.month(),
        academic_year=year_name(day, 9),
        is_census=day == day.dt.month_end(),
    ))


def dim_geography(world: World) -> None:
    lookup, areas_2021 = world.reference("lsoa11_lsoa21"), world.reference("lsoa21_areas")
    imd = {year: world.reference(f"imd_{year}") for year in [2019, 2025]}
    codes_2011 = pl.concat([
        lookup.select(lsoa_code="lsoa11_code"), imd[2019].select("lsoa_code"),
    ]).unique().with_columns(in_2011=True)
    codes_2021 = pl.concat([
        lookup.select(lsoa_code="lsoa21_code"), imd[2025].select("lsoa_code"),
        areas_2021.select(lsoa_code="lsoa21_code"),
    ]).unique().with_columns(in_2021=True)
    names = pl.concat([
        lookup.select("change_indicator", lsoa_code=f"{code}_code", name=f"{code}_name")
        for code in ["lsoa11", "lsoa21"]
    ]).group_by("lsoa_code").agg(pl.col("name", "change_indicator").max())
    areas = (
        world.model("area").sort("lsoa_vintage", descending=True)
        .unique("lsoa_code", keep="first", maintain_order=True).drop("lsoa_vintage")
    )
    frame = codes_2011.join(codes_2021, on="lsoa_code", how="full", coalesce=True)
    frame = frame.join(names, on="lsoa_code", how="left")
    for year, edition in imd.items():
        quintile = (pl.col("imd_decile") + 1) // 2
        frame = frame.join(edition.select(
            "lsoa_code", pl.col("lsoa_name").alias(f"name_{year}"),
            pl.col("imd_rank").alias(f"imd{year}_rank"), pl.col("imd_decile").alias(f"imd{year}_decile"),
            quintile.alias(f"imd{year}_quintile"), (quintile == 1).alias(f"core20_{year}"),
        ), on="lsoa_code", how="left")
    residents = world.reference("resident_population").select(lsoa_code="lsoa21_code", residents="residents")
    frame = frame.join(residents, on="lsoa_code", how="left").join(areas, on="lsoa_code", how="left")
    world.write("dim_geography", frame.with_columns(
        pl.col("in_2011", "in_2021").fill_null(False),
        lsoa_name=pl.coalesce("name", "name_2025", "name_2019"),
    ).drop("name", "name_2025", "name_2019"))


def dim_organisation(world: World) -> None:
    def areas(org_type: str, code: str, name: str, **others: pl.Expr) -> pl.LazyFrame:
        return (
            world.model("area").filter(pl.col(code).is_not_null())
            .group_by(org_code=pl.col(code)).agg(org_name=pl.col(name).max(), **others)
            .with_columns(org_type=pl.lit(org_type))
        )

    def newest(column: str) -> pl.Expr:
        return pl.col(column).max()

    def only(column: str) -> pl.Expr:
        return pl.when(pl.col(column).min() == pl.col(column).max()).then(pl.col(column).max())

    icbs = areas("icb", "icb_code", "icb_name", alliance_code=newest("alliance_code"))
    sub_icbs = areas("sub_icb", "sub_icb_code", "sub_icb_name",
                     icb_code=newest("icb_code"), alliance_code=newest("alliance_code"))
    districts = areas("lad", "lad_code", "lad_name", sub_icb_code=only("sub_icb_code"),
                      icb_code=only("icb_code"), alliance_code=only("alliance_code"))
    counties = areas("utla", "utla_code", "utla_name",
                     icb_code=only("icb_code"), alliance_code=only("alliance_code"))
    alliances = areas("alliance", "alliance_code", "alliance_name")
    code = pl.col("org_code")
    pcns = (
        world.reference("pcns").group_by(org_code="pcn_code").agg(
            org_name=pl.col("pcn_name").max(), sub_icb_code=pl.col("sicbl_code").max(),
            valid_from=pl.col("open_date").min(),
            valid_to=pl.when(pl.col("close_date").count() == pl.len()).then(pl.col("close_date").max()),
        )
        .join(sub_icbs.select("icb_code", "alliance_code", sub_icb_code="org_code"), on="sub_icb_code", how="left")
        .with_columns(org_type=pl.lit("pcn"), pcn_code=code)
    )
    practices = (
        world.model("practice").drop("followed_by", "followed_until")
        .join(icbs.select("alliance_code", icb_code="org_code"), on="icb_code", how="left")
        .rename({"practice_code": "org_code", "practice_name": "org_name", "open_date": "valid_from",
                 "close_date": "valid_to"})
        .with_columns(org_type=pl.lit("practice"))
    )
    unknown = pl.LazyFrame(
        {"org_type": ["practice"], "org_code": ["UNKNOWN"], "org_name": ["Practice not on the list"]})
    trusts = world.reference("trusts").select(
        "icb_code", "alliance_code", "successor_code", org_type=pl.lit("trust"), org_code="trust_code",
        org_name="trust_name", valid_from="open_date", valid_to="close_date",
        current_code=pl.coalesce("successor_code", "trust_code"))
    everything = pl.concat([
        practices, unknown, pcns, trusts, districts, counties,
        sub_icbs.with_columns(sub_icb_code=code), icbs.with_columns(icb_code=code),
        alliances.with_columns(alliance_code=code),
    ], how="diagonal")
    world.write("dim_organisation", everything.with_columns(current_code=pl.coalesce("current_code", "org_code")))
