-- Liver surveillance of people with cirrhosis, by census month, trust and deprivation quintile.
--
-- Every person is counted once under IMD 2019 and once under IMD 2025: keep to one
-- edition. Definitions are in model.liver_register_current and
-- model.liver_activity_at_census. A person has a row only where they count for
-- something: a death or a transplant without a diagnosis this month is in no column.
-- Advanced fibrosis has measures of its own, in mart.indicators.
-- Rates are worked out at publish, from these counts.
WITH status AS (
    SELECT
        register.month,
        register.trust_code,
        register.imd2019_quintile,
        register.imd2025_quintile,
        register.eligible,
        register.unsuitable,
        register.eligible AND activity.invited_6m AS invited_6m,
        register.eligible AND activity.scanned_6m AS scanned_6m,
        register.eligible AND (activity.scanned_7m IS NULL OR NOT activity.scanned_7m) AS overdue,
        activity.hcc_diagnosed,
        activity.hcc_early
    FROM model.liver_register_current AS register
    LEFT JOIN model.liver_activity_at_census AS activity
        ON activity.month = register.month
        AND activity.person_key = register.person_key
    WHERE register.fibrosis_stage = 'F4'
),

by_edition AS (
    SELECT
        month, trust_code,
        2019 AS imd_edition, imd2019_quintile AS imd_quintile,
        eligible, unsuitable, invited_6m, scanned_6m, overdue, hcc_diagnosed, hcc_early
    FROM status

    UNION ALL

    SELECT
        month, trust_code,
        2025 AS imd_edition, imd2025_quintile AS imd_quintile,
        eligible, unsuitable, invited_6m, scanned_6m, overdue, hcc_diagnosed, hcc_early
    FROM status
)

SELECT
    month,
    trust_code,
    imd_edition,
    imd_quintile,
    CAST(COUNT(*) FILTER (WHERE eligible) AS DECIMAL(12, 1)) AS eligible,
    CAST(COUNT(*) FILTER (WHERE invited_6m) AS DECIMAL(12, 1)) AS invited_6m,
    CAST(COUNT(*) FILTER (WHERE scanned_6m) AS DECIMAL(12, 1)) AS scanned_6m,
    CAST(COUNT(*) FILTER (WHERE overdue) AS DECIMAL(12, 1)) AS overdue,
    CAST(COUNT(*) FILTER (WHERE unsuitable) AS DECIMAL(12, 1)) AS unsuitable,
    CAST(COUNT(*) FILTER (WHERE hcc_diagnosed) AS DECIMAL(12, 1)) AS hcc_diagnosed,
    CAST(COUNT(*) FILTER (WHERE hcc_early) AS DECIMAL(12, 1)) AS hcc_early
FROM by_edition
WHERE eligible
    OR unsuitable
    OR hcc_diagnosed
GROUP BY
    month,
    trust_code,
    imd_edition,
    imd_quintile
