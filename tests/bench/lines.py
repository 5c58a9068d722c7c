"""The lines of the bench's table: which of our tables each stands for, and which marts.

A line is timed for all three. `tables` are ours; the others make what they please on the way, but
the same marts. A model that several pipelines read is on the line `SHARED`; one that only indicators
are counted from is on theirs.

Left out, since the others have nothing to set against them: `inequality` and `control_chart` (statistics),
`dim_measure` (words), and all of data quality, which reads our own ledgers, with the models that only it
reads.
"""

SHARED = "reference and people"
CHECKS = "checks"

LINES: dict[str, list[str]] = {
    SHARED: [
        "model.lsoa_quintile", "model.lsoa_area", "model.practice", "model.person_month", "model.person_latest",
        "model.person_left_out",
    ],
    "dim_cancer_site": ["mart.dim_cancer_site"],
    "dim_date": ["mart.dim_date"],
    "dim_geography": ["mart.dim_geography"],
    "dim_organisation": ["mart.dim_organisation"],
    "screening_coverage": [
        "model.screening_cohort", "model.screening_history", "model.screening_counts",
        "mart.screening_coverage",
    ],
    "screening_due": ["mart.screening_due"],
    "lung_health_checks": [
        "model.lung_invited", "model.lung_attended", "model.lung_scan", "model.lung_cancer",
        "model.lung_pathway", "mart.lung_health_checks",
    ],
    "liver_surveillance": [
        "model.liver_register_current", "model.liver_activity_at_census", "mart.liver_surveillance",
    ],
    "personalised_care": [
        "model.care_tumour", "model.care_event", "model.care_submitter", "model.care_pathway",
        "mart.personalised_care", "mart.personalised_care_submitters",
    ],
    "waiting_times": [
        "model.cwt_record_current", "model.cwt_pathway", "model.cwt_wait", "model.cwt_allocation",
        "model.cwt_share", "model.cwt_published_long", "model.cwt_published_leaf", "mart.waiting_times",
    ],
    "waiting_times_breaches": ["mart.waiting_times_breaches"],
    "hpv_vaccination": ["model.hpv_long", "mart.hpv_vaccination"],
    "early_diagnosis": [
        "model.tumour_current", "model.early_month", "model.early_tumour", "mart.early_diagnosis",
    ],
    "fit_before_referral": ["model.lower_gi_referral", "model.fit_patient", "mart.fit_before_referral"],
    "indicators": [
        "model.lung_person", "model.liver_person", "model.care_person", "model.hpv_year", "model.early_resident",
        "model.early_breakdown", "model.fit_person", "model.cwt_person", "model.screening_group", "mart.indicators",
    ],
    # Tables that only our checks read: a second count to hold a mart against. Nobody else has them.
    CHECKS: [
        "model.screening_population", "model.screening_due_expected", "model.lung_population",
        "model.liver_population", "model.care_population", "model.cwt_population",
        "model.early_population", "model.fit_population",
    ],
}

# What DuckDB makes in place of a table of ours: joins of its own are quicker there than lists of days.
DUCKDB: dict[str, list[str]] = {
    "model.screening_history": [
        "model.screening_test", "model.screening_last_test", "model.screening_invitation", "model.screening_ceased",
    ],
}

TABLES = [table for tables in LINES.values() for table in tables]
MARTS = [table for table in TABLES if table.startswith("mart.")]

# Made on the way, since indicators are held against it, and on no line.
UNTIMED = ["mart.dim_measure"]
