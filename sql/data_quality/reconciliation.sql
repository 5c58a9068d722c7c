-- Numbers that two ways of counting must agree on: what is expected, what is found. It is a sum of
-- people or, where single rows are compared, how many there are and how many of them agree.
-- Where nothing was compared, nothing has passed: `passed` is null.
--
-- indicators_<mart>: the indicator's counts for trusts, practices or districts together are
--   those of the mart that is published beside it, by month.
-- indicator_breakdowns: groups whose parts add up to the whole, of all that are broken down.
-- screening_coverage_<cohort>: practices that the dashboard shows for a census that we count, and
--   those of which we count as many people eligible and covered, give or take one and the share
--   $coverage_tolerance: the dashboard's first word on a month lacks results that come late.
-- <table>_<check>: groups that a `reconciles` check looked at, and those that agree.
-- All others: rows of lists that others publish, see model.published_agreement.
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
        'indicators_liver_surveillance' AS what,
        month,
        'liver_overdue' AS measure,
        SUM(overdue) AS numerator,
        SUM(eligible) AS denominator
    FROM mart.liver_surveillance
    WHERE imd_edition = 2025
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_liver_surveillance' AS what,
        month,
        'liver_hcc_early' AS measure,
        SUM(hcc_early) AS numerator,
        SUM(hcc_diagnosed) AS denominator
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

    UNION ALL

    SELECT
        'indicators_early_diagnosis' AS what,
        month,
        'stage_1_2' AS measure,
        SUM(stage_1_2) AS numerator,
        SUM(staged) AS denominator
    FROM mart.early_diagnosis
    WHERE imd_edition = 2025
        AND org_type = 'trust'
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_early_diagnosis' AS what,
        month,
        'staging_completeness' AS measure,
        SUM(staged) AS numerator,
        SUM(stageable) AS denominator
    FROM mart.early_diagnosis
    WHERE imd_edition = 2025
        AND org_type = 'trust'
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_early_diagnosis' AS what,
        month,
        'emergency_presentation' AS measure,
        SUM(emergency) AS numerator,
        SUM(first_presentations) AS denominator
    FROM mart.early_diagnosis
    WHERE imd_edition = 2025
        AND org_type = 'trust'
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_fit_before_referral' AS what,
        month,
        'fit_before_referral' AS measure,
        SUM(patients_with_fit_21d) AS numerator,
        SUM(patients_referred) AS denominator
    FROM mart.fit_before_referral
    WHERE imd_edition = 2025
    GROUP BY month

    UNION ALL

    SELECT
        'indicators_waiting_times' AS what,
        month,
        standard AS measure,
        SUM(within) AS numerator,
        SUM(total) AS denominator
    FROM mart.waiting_times
    WHERE imd_edition = 2025
        AND basis = 'provider'
        AND source = 'records'
    GROUP BY
        month,
        standard
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
        organisation_code AS practice_code,
        denominator,
        numerator
    FROM model.screening_published_current
    WHERE NOT is_region
        AND numerator IS NOT NULL
),

ours AS (
    SELECT
        month,
        cohort,
        practice_code,
        SUM(eligible) AS eligible,
        SUM(covered) AS covered
    FROM mart.screening_coverage
    WHERE imd_edition = 2025
    GROUP BY
        month,
        cohort,
        practice_code
),

practices AS (
    SELECT
        shown.cohort,
        shown.month,
        COALESCE(
            ABS(ours.eligible - shown.denominator) <= 1 + $coverage_tolerance * shown.denominator
            AND ABS(ours.covered - shown.numerator) <= 1 + $coverage_tolerance * shown.numerator,
            FALSE
        ) AS agrees
    FROM shown
    LEFT JOIN ours
        ON ours.month = shown.month
        AND ours.cohort = shown.cohort
        AND ours.practice_code = shown.practice_code
    WHERE shown.month IN (SELECT month FROM ours)
),

as_shown AS (
    SELECT
        'screening_coverage_' || cohort AS what,
        month,
        COUNT(*) AS expected,
        COUNT(*) FILTER (WHERE agrees) AS found
    FROM practices
    GROUP BY
        cohort,
        month

    UNION ALL

    -- Bowel is shown six months late: a short series of ours may not have come so far.
    SELECT DISTINCT
        'screening_coverage_' || cohort AS what,
        CAST(NULL AS DATE) AS month,
        0 AS expected,
        0 AS found
    FROM shown
    WHERE cohort NOT IN (SELECT cohort FROM practices)
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
        CAST(expected AS DOUBLE) AS expected,
        CAST(found AS DOUBLE) AS found,
        expected = found AS passed
    FROM as_shown

    UNION ALL

    SELECT
        what,
        CAST(NULL AS DATE) AS month,
        CAST(compared AS DOUBLE) AS expected,
        CAST(agreeing AS DOUBLE) AS found,
        compared = agreeing AS passed
    FROM model.published_agreement

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
    CASE WHEN expected > 0 THEN passed END AS passed
FROM compared
