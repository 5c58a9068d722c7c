-- Screening coverage and uptake, by month, cohort, practice and deprivation quintile.
--
-- Every person is counted once under IMD 2019 and once under IMD 2025: keep to one
-- edition. people_to_target = max(0, ceil(standard x eligible) - covered), by the
-- acceptable standard in force at the census; null where there is none.
-- Rates are worked out at publish, from these counts.
WITH by_edition AS (
    SELECT
        month, programme, cohort, practice_code,
        2019 AS imd_edition, imd2019_quintile AS imd_quintile,
        eligible, covered, invited_12m, adequately_screened_6m, never_screened
    FROM model.screening_counts

    UNION ALL

    SELECT
        month, programme, cohort, practice_code,
        2025 AS imd_edition, imd2025_quintile AS imd_quintile,
        eligible, covered, invited_12m, adequately_screened_6m, never_screened
    FROM model.screening_counts
),

counted AS (
    SELECT
        month,
        programme,
        cohort,
        practice_code,
        imd_edition,
        imd_quintile,
        CAST(SUM(eligible) AS DECIMAL(12, 1)) AS eligible,
        CAST(SUM(covered) AS DECIMAL(12, 1)) AS covered,
        CAST(SUM(invited_12m) AS DECIMAL(12, 1)) AS invited_12m,
        CAST(SUM(adequately_screened_6m) AS DECIMAL(12, 1)) AS adequately_screened_6m,
        CAST(SUM(never_screened) AS DECIMAL(12, 1)) AS never_screened
    FROM by_edition
    GROUP BY
        month,
        programme,
        cohort,
        practice_code,
        imd_edition,
        imd_quintile
)

SELECT
    counted.month,
    counted.programme,
    counted.cohort,
    counted.practice_code,
    counted.imd_edition,
    counted.imd_quintile,
    counted.eligible,
    counted.covered,
    counted.invited_12m,
    counted.adequately_screened_6m,
    counted.never_screened,
    CASE
        WHEN standard.value IS NULL THEN NULL
        WHEN CEIL(standard.value * counted.eligible) <= counted.covered THEN 0
        ELSE CEIL(standard.value * counted.eligible) - counted.covered
    END AS people_to_target
FROM counted
LEFT JOIN model.screening_cohort AS cohort
    ON cohort.cohort = counted.cohort
LEFT JOIN reference.targets AS standard
    ON standard.measure = cohort.target_measure
    AND standard.valid_from <= month_end(counted.month)
    AND (standard.valid_to IS NULL OR standard.valid_to >= month_end(counted.month))
