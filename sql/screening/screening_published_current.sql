-- Published coverage, one row per organisation, programme, cohort and month.
--
-- Exports overlap: of a month that several of them hold, the newest export's figures stand.
-- Regions stand beside their practices (`is_region`) and are never added to them.
-- A practice too small to show has null counts, and the token in `note`.
WITH ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (
            PARTITION BY organisation_code, programme, cohort_age_range, month
            ORDER BY period DESC, _line DESC
        ) AS newest
    FROM source.screening_published
)

SELECT
    month,
    programme,
    cohort_age_range,
    organisation_code,
    organisation_name,
    regexp_like(organisation_code, '^Y[0-9]{2}$') AS is_region,
    CAST(denominator AS DECIMAL(12, 1)) AS denominator,
    CAST(numerator AS DECIMAL(12, 1)) AS numerator,
    COALESCE(numerator_note, denominator_note) AS note,
    acceptable,
    achievable,
    period AS published_in
FROM ranked
WHERE newest = 1
