"""Waiting times from records: pathways, their waits, and whose each wait is."""

import polars as pl

from .calendar import days
from .people import with_quintiles
from .world import World

D62 = pl.col("standard") == "d62"


def _text(value: str) -> pl.Expr:
    return pl.lit(value)


def make(world: World) -> None:
    """Keeps `cwt_pathway`, `cwt_wait`, `cwt_allocation` and `cwt_share`."""
    world.keep(cwt_pathway=_pathways(world))
    world.keep(cwt_wait=_waits(world))
    world.keep(cwt_allocation=_allocation(world))
    world.keep(cwt_share=_shares(world))


def _pathways(world: World) -> pl.LazyFrame:
    """Each pathway as the newest month has it, with its route, cancer, modality, person and payer."""
    newest = (
        world.source("cwt_records")
        .sort(pl.col("period").to_physical() * -1, "provider", "_file", "_line")
        .unique("record_id", keep="first", maintain_order=True)
        .with_columns(icd10_code=pl.col("icd10").str.replace_all(".", "", literal=True).str.to_uppercase().str.head(3))
    )
    icb = (
        world.model("area").sort("lsoa_vintage", descending=True)
        .unique("lsoa_code", keep="first", maintain_order=True).select("lsoa_code", icb_of_home="icb_code")
    )
    groups = world.reference("icd10_cancer_groups").select("icd10_code", site="cancer_group")
    practice = world.model("practice").select("practice_code", "icb_code")
    person = world.model("person_latest").select("person_key", "opted_out")
    screened = pl.col("referral_source").eq_missing(_text("17"))
    code, treatment, modality = pl.col("icd10_code"), pl.col("treatment_event"), pl.col("treatment_modality")
    return (
        with_quintiles(world, newest, "lsoa_code", "lsoa_code")
        .join(person, on="person_key", how="left")
        .join(groups, on="icd10_code", how="left")
        .join(practice, on="practice_code", how="left")
        .join(icb, on="lsoa_code", how="left")
        .with_columns(
            pl.col("opted_out").fill_null(False),
            pl.col("first_seen_adjustment", "treatment_adjustment").fill_null(0),
            record_line="_line",
            route=pl.when(pl.col("referral_type") == "16").then(_text("breast_symptomatic"))
            .when((pl.col("priority_type") == "2") & screened).then(_text("screening"))
            .when(pl.col("upgrade_date").is_not_null() & ~screened).then(_text("consultant_upgrade"))
            .when((pl.col("priority_type") == "3") & ~screened).then(_text("urgent_suspected_cancer")),
            stage=pl.when(treatment.is_in(["01", "07", "12"])).then(_text("first_treatment"))
            .when(treatment.is_not_null()).then(_text("subsequent_treatment")),
            cancer_group=pl.when(code.is_null()).then(_text("No diagnosis"))
            .when(code == "D05").then(_text("Breast")).otherwise(pl.col("site").fill_null("Other")),
            cwt_cancer=(code.is_between(_text("C00"), _text("C97")) | (code == "D05")).fill_null(False),
            modality_group=pl.when(modality.is_in(["01", "23", "24"])).then(_text("surgery"))
            .when(modality.is_in(["02", "03", "14", "15"])).then(_text("drugs"))
            .when(modality.is_in(["04", "05", "06", "13"])).then(_text("radiotherapy"))
            .otherwise(_text("other")),
            treatment_declined=modality.eq_missing(_text("98")),
            icb_code=pl.coalesce("icb_code", "icb_of_home"),
        )
    )


def _waits(world: World) -> pl.LazyFrame:
    """Every wait that stopped: one row per pathway and standard, counted or left out."""
    pathway = world.model("cwt_pathway")
    told, decision, treated = pl.col("told_date"), pl.col("decision_date"), pl.col("treatment_date")
    route, upgrade = pl.col("route"), pl.col("upgrade_date")
    upgraded = route == "consultant_upgrade"
    fds = pathway.filter(
        told.is_not_null(),
        route.is_in(["urgent_suspected_cancer", "breast_symptomatic", "screening"]),
    ).with_columns(
        standard=_text("fds_28"), standard_days=world.number("fds_days"), modality_group=_text("none"),
        month=told.dt.month_start(), org_code="told_org", shared_with=pl.lit(None, pl.String),
        started_on="received_date", stopped_on=pl.when(decision < told).then(decision).otherwise(told),
        adjustment_days="first_seen_adjustment",
        incomplete=pl.col("received_date").is_null() | pl.col("end_reason").is_null(),
        excluded=pl.col("end_reason") == "03", treated=False,
    )
    d31 = pathway.filter(treated.is_not_null()).with_columns(
        standard=_text("d31"), standard_days=world.number("d31_days"),
        route=pl.col("stage").fill_null("unknown"),
        month=treated.dt.month_start(), org_code="treating_org", shared_with=pl.lit(None, pl.String),
        started_on=pl.when(decision > treated).then(treated).otherwise(decision), stopped_on=treated,
        adjustment_days=pl.when(decision >= treated).then(0).otherwise("treatment_adjustment"),
        incomplete=decision.is_null() | pl.col("stage").is_null(), excluded=False, treated=True,
    )
    start = pl.when(upgraded).then(upgrade).otherwise("received_date")
    both = ~upgraded | (upgrade <= pl.col("first_seen_date"))
    d62 = pathway.filter(
        treated.is_not_null(), pl.col("stage") == "first_treatment", route.is_not_null(),
    ).with_columns(
        standard=_text("d62"), standard_days=world.number("d62_days"),
        month=treated.dt.month_start(), org_code="treating_org",
        shared_with=pl.coalesce("investigating_org", "upgrading_org", "first_seen_org"),
        started_on=start, stopped_on=treated,
        adjustment_days=pl.col("treatment_adjustment") + pl.when(both).then("first_seen_adjustment").otherwise(0),
        incomplete=start.is_null(), excluded=False, treated=True,
    )
    first_month = world.source("cwt_records").select(pl.col("period").min()).collect().item()
    waited = days(pl.col("stopped_on"), pl.col("started_on"))
    columns = [
        "record_id", "standard", "standard_days", "month", "org_code", "shared_with", "icb_code", "route",
        "cancer_group", "modality_group", "imd2019_quintile", "imd2025_quintile", "started_on", "stopped_on",
        "adjustment_days", "investigating_org", "transfer_date", "treatment_adjustment", "provider", "period",
        "record_line", "person_key",
    ]
    left_out = (
        pl.when("opted_out").then(_text("opted_out"))
        .when("excluded").then(_text("excluded"))
        .when(pl.col("treated") & pl.col("treatment_declined")).then(_text("treatment_declined"))
        .when(pl.col("treated") & ~pl.col("cwt_cancer")).then(_text("not_cancer"))
        .when("incomplete").then(_text("incomplete"))
        .when(waited < 0).then(_text("stop_before_start"))
        .when(waited < pl.col("adjustment_days")).then(_text("adjustment_longer_than_wait"))
        .when(pl.col("month") < first_month).then(_text("before_the_records"))
    )
    # The marts want the counted alone; what was left out is told by its reason.
    return (
        pl.concat([fds, d31, d62], how="vertical_relaxed")
        .with_columns(left_out=left_out)
        .filter(pl.col("left_out").is_null())
        .select(*columns, wait_days=waited - pl.col("adjustment_days"))
        .with_columns(within=pl.col("wait_days") <= pl.col("standard_days"))
    )


def _allocation(world: World) -> pl.LazyFrame:
    """The part of each 62-day wait that is the investigating trust's: 0, half or 1, by six scenarios."""
    transfer, started, stopped = pl.col("transfer_date"), pl.col("started_on"), pl.col("stopped_on")
    solo = pl.col("shared_with").is_null() | (pl.col("shared_with") == pl.col("org_code"))
    told_apart = pl.col("investigating_org").is_not_null() & transfer.is_between(started, stopped).fill_null(False)
    before = days(transfer, started) - (pl.col("adjustment_days") - pl.col("treatment_adjustment"))
    after = days(stopped, transfer) - pl.col("treatment_adjustment")
    early, soon = before <= world.number("before_transfer_days"), after <= world.number("after_transfer_days")
    within, scenario = pl.col("within"), pl.col("scenario")
    return (
        world.model("cwt_wait").filter(D62)
        .with_columns(
            allocation=pl.when(solo).then(_text("solo")).when(told_apart).then(_text("six_scenarios"))
            .otherwise(_text("halves")),
            scenario=pl.when(solo | ~told_apart).then(None)
            .when(within & ~early).then(3).when(within & ~soon).then(2).when(within).then(1)
            .when(early).then(4).when(soon).then(5).otherwise(6),
        )
        .select(
            "record_id", "standard", "allocation", "scenario", investigated_by="shared_with",
            days_before_transfer=pl.when(scenario.is_not_null()).then(before),
            days_after_transfer=pl.when(scenario.is_not_null()).then(after),
            investigating_share=pl.when((pl.col("allocation") == "solo") | scenario.is_in([3, 4])).then(0.0)
            .when(scenario == 5).then(1.0).otherwise(0.5),
        )
    )


def _shares(world: World) -> pl.LazyFrame:
    """What part of each counted wait is whose, by provider, commissioner and alliance."""
    waits = world.model("cwt_wait").join(
        world.model("cwt_allocation").select("record_id", "standard", "investigating_share"),
        on=["record_id", "standard"], how="left",
    ).with_columns(pl.col("investigating_share").fill_null(0.0))
    trusts = world.reference("trusts")
    keys = ["record_id", "standard"]
    alliance = trusts.select("trust_code", "alliance_code")
    provided = pl.concat([
        waits.select(*keys, "org_code", share=1 - pl.col("investigating_share")),
        waits.filter(D62).select(*keys, org_code="shared_with", share="investigating_share"),
    ]).filter(pl.col("share") > 0)
    return pl.concat([
        provided.join(trusts, left_on="org_code", right_on="trust_code", how="semi")
        .with_columns(basis=_text("provider")),
        waits.join(trusts, on="icb_code", how="semi")
        .select(*keys, org_code="icb_code", share=pl.lit(1.0), basis=_text("commissioner")),
        waits.join(alliance, left_on="org_code", right_on="trust_code", how="left")
        .join(alliance, left_on="shared_with", right_on="trust_code", how="left", suffix="_investigating")
        .select(*keys, org_code=pl.coalesce("alliance_code", "alliance_code_investigating"), share=pl.lit(1.0),
                basis=_text("alliance"))
        .filter(pl.col("org_code").is_not_null()),
    ])


def breaches(world: World) -> None:
    """Every wait that broke its standard, of those that are counted on any basis."""
    keys = ["record_id", "standard"]
    allocation = world.model("cwt_allocation").select(
        *keys, "investigated_by", "allocation", "scenario", "days_before_transfer", "days_after_transfer")
    world.write("waiting_times_breaches", (
        world.model("cwt_wait").filter(~pl.col("within"))
        .join(world.model("cwt_share"), on=keys, how="semi")
        .join(allocation, on=keys, how="left")
        .select(
            "month", "standard", "record_line", "person_key", "route", "cancer_group", "modality_group",
            "wait_days", "adjustment_days", "org_code", "allocation", "scenario", "days_before_transfer",
            "days_after_transfer", sent_by="provider", sent_for="period",
            days_over=pl.col("wait_days") - pl.col("standard_days"), investigating_org="investigated_by",
            imd_edition=2025, imd_quintile="imd2025_quintile",
        )
    ))
