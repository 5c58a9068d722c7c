-- Numbers that two ways of counting must agree on: what is expected, what is found.
--
-- indicators_<mart>: the indicator's counts for trusts, practices or districts together are
--   those of the mart that is published beside it, by month.
-- indicator_breakdowns: groups whose parts add up to the whole, of all that are broken down.
-- screening_coverage_<cohort>: coverage as a share, ours over all practices against the
--   dashboard's over the practices it shows; agrees within $coverage_tolerance.
-- <table>_<check>: groups that a `reconciles` check looked at, and those that agree.
WITH whole AS (
    SELECT
        measure,
        month,
        SUM(numerator) AS numerator,
        SUM(denominator) AS denominator
    FROM mart.indicators
    WHERE breakdown_type = 'all'
        AND org_type IN ('practice', 'trust', 'lad')
    GROUP BY
        measure,
        month
),

published_beside AS (
    SELECT
        'indicators_screening_coverage' AS what,
        month,
        'coverage_' || cohort AS measure,
        SUM(covered) AS numerator,
        SUM(eligible) AS denominator
    FROM mart.screening_coverage
    WHERE imd_edition = 2025
    GROUP BY
        month,
        cohort

    UNION ALL

    SELECT
        'indicators_screening_coverage' AS what,
        month,
        'uptake_' || cohort AS measure,
        SUM(adequately_screened_6m) AS numerator,
        SUM(invited_12m) AS denominator
    FROM mart.screening_coverage
    WHERE imd_edition = 2025
    GROUP BY
        month,
        cohort

    UNION ALL

    SELECT
        'indicators_lung_health_checks' AS what,
        cohort_month AS month,
        'lung_uptake' AS measure,
        SUM(attended) AS numerator,
        SUM(invited) AS denominator
    FROM mart.lung_health_checks
    WHERE imd_edition = 2025
    GROUP BY cohort_month

    UNION ALL

    SELECT
        'indicators_liver_surveillance' AS what,
        month,
        'liver_invited' AS measure,
        SUM(invited_6m) AS numerator,
        SUM(eligible) AS denominator
    FROM mart.liver_surveillance
    WHERE imd_edition = 2025
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_liver_surveillance' AS what,
        month,
        'liver_scanned' AS measure,
        SUM(scanned_6m) AS numerator,
        SUM(eligible) AS denominator
    FROM mart.liver_surveillance
    WHERE imd_edition = 2025
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_personalised_care' AS what,
        month,
        'hna_offered' AS measure,
        SUM(hna_offered) AS numerator,
        SUM(diagnosed) AS denominator
    FROM mart.personalised_care
    WHERE imd_edition = 2025
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_personalised_care' AS what,
        month,
        'pcsp_completed' AS measure,
        SUM(pcsp_completed) AS numerator,
        SUM(diagnosed) AS denominator
    FROM mart.personalised_care
    WHERE imd_edition = 2025
    GROUP BY month
),

against_marts AS (
    SELECT
        beside.what,
        beside.month,
        SUM(beside.numerator + beside.denominator) AS expected,
        SUM(COALESCE(whole.numerator + whole.denominator, 0)) AS found,
        BOOL_AND(
            (whole.numerator IS NOT DISTINCT FROM beside.numerator)
            AND (whole.denominator IS NOT DISTINCT FROM beside.denominator)
        ) AS passed
    FROM published_beside AS beside
    LEFT JOIN whole
        ON whole.measure = beside.measure
        AND whole.month = beside.month
    WHERE beside.denominator > 0
    GROUP BY
        beside.what,
        beside.month
),

-- A part that the publisher withholds makes the sum unknown, as it does the whole.
parts AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        breakdown_type,
        imd_edition,
        CASE WHEN COUNT(numerator) = COUNT(*) THEN SUM(numerator) END AS numerator,
        CASE WHEN COUNT(denominator) = COUNT(*) THEN SUM(denominator) END AS denominator
    FROM mart.indicators
    WHERE breakdown_type <> 'all'
    GROUP BY
        measure,
        month,
        org_type,
        org_code,
        breakdown_type,
        imd_edition
),

against_whole AS (
    SELECT
        'indicator_breakdowns' AS what,
        parts.month,
        CAST(COUNT(*) AS DOUBLE) AS expected,
        CAST(COUNT(*) FILTER (
            WHERE (all_of.numerator IS NOT DISTINCT FROM parts.numerator)
                AND (all_of.denominator IS NOT DISTINCT FROM parts.denominator)
        ) AS DOUBLE) AS found
    FROM parts
    LEFT JOIN mart.indicators AS all_of
        ON all_of.measure = parts.measure
        AND all_of.month = parts.month
        AND all_of.org_type = parts.org_type
        AND all_of.org_code = parts.org_code
        AND all_of.breakdown_type = 'all'
    GROUP BY parts.month
),

shown AS (
    SELECT
        month,
        LOWER(programme) || '_' || REPLACE(cohort_age_range, '-', '_') AS cohort,
        CAST(SUM(numerator) AS DOUBLE) / CAST(SUM(denominator) AS DOUBLE) AS coverage
    FROM model.screening_published_current
    WHERE NOT is_region
        AND numerator IS NOT NULL
        AND denominator > 0
    GROUP BY
        month,
        programme,
        cohort_age_range
),

ours AS (
    SELECT
        month,
        cohort,
        CAST(SUM(covered) AS DOUBLE) / CAST(SUM(eligible) AS DOUBLE) AS coverage
    FROM mart.screening_coverage
    WHERE imd_edition = 2025
        AND eligible > 0
    GROUP BY
        month,
        cohort
),

as_shown AS (
    SELECT
        'screening_coverage_' || ours.cohort AS what,
        ours.month,
        shown.coverage AS expected,
        ours.coverage AS found
    FROM ours
    INNER JOIN shown
        ON shown.cohort = ours.cohort
        AND shown.month = ours.month
),

compared AS (
    SELECT
        what,
        month,
        CAST(expected AS DOUBLE) AS expected,
        CAST(found AS DOUBLE) AS found,
        passed
    FROM against_marts

    UNION ALL

    SELECT
        what,
        month,
        expected,
        found,
        expected = found AS passed
    FROM against_whole

    UNION ALL

    SELECT
        what,
        month,
        expected,
        found,
        ABS(expected - found) <= CAST($coverage_tolerance AS DOUBLE) AS passed
    FROM as_shown

    UNION ALL

    SELECT
        SPLIT_PART(table_name, '.', 2) || '_' || check_name AS what,
        CAST(NULL AS DATE) AS month,
        CAST(total AS DOUBLE) AS expected,
        CAST(total - broken AS DOUBLE) AS found,
        broken = 0 AS passed
    FROM system.checks
    WHERE kind = 'reconciles'
)

SELECT
    what,
    COALESCE(CAST(month AS VARCHAR), 'none') AS period,
    month,
    expected,
    found,
    passed
FROM compared
