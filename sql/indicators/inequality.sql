-- How far apart the most and the least deprived are, for every indicator by month and
-- organisation, in each edition of the IMD.
--
-- Gap = quintile 1 less quintile 5, with Newcombe's limits; ratio = quintile 1 over 5, with
-- Katz's. SII and RII are the same of a line through all five, by mid-rank and weight, told
-- as most less least deprived, and most over least. The unknown quintile is left out of all
-- of them, and its share is shown. Null where a quintile has nobody. Practices and networks
-- are too small to have all five, and are left out.
-- Source: Newcombe 1998, method 10; Katz 1978; slope and relative index as
-- PHEindicatormethods, with exact limits.
WITH quintiles AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        TRY_CAST(breakdown_value AS BIGINT) AS quintile,
        numerator,
        denominator,
        proportion(numerator, denominator) AS value,
        wilson_lower(numerator, denominator) AS lower,
        wilson_upper(numerator, denominator) AS upper
    FROM mart.indicators
    WHERE breakdown_type = 'imd_quintile'
        AND org_type NOT IN ('practice', 'pcn')
),

slopes AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        sii(quintile, value, lower, upper, denominator, 'proportion', FALSE, -1) AS slope
    FROM quintiles
    WHERE quintile > 0
        AND denominator > 0
    GROUP BY
        measure,
        month,
        org_type,
        org_code,
        imd_edition
),

sides AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        SUM(denominator) AS denominator,
        COALESCE(SUM(denominator) FILTER (WHERE quintile = 0), 0) AS unknown,
        COALESCE(SUM(numerator) FILTER (WHERE quintile = 1), 0) AS q1_numerator,
        COALESCE(SUM(denominator) FILTER (WHERE quintile = 1), 0) AS q1_denominator,
        COALESCE(SUM(numerator) FILTER (WHERE quintile = 5), 0) AS q5_numerator,
        COALESCE(SUM(denominator) FILTER (WHERE quintile = 5), 0) AS q5_denominator,
        MAX(value) FILTER (WHERE quintile = 1) AS q1,
        MAX(value) FILTER (WHERE quintile = 2) AS q2,
        MAX(value) FILTER (WHERE quintile = 3) AS q3,
        MAX(value) FILTER (WHERE quintile = 4) AS q4,
        MAX(value) FILTER (WHERE quintile = 5) AS q5,
        COUNT(value) FILTER (WHERE quintile > 0) AS quintiles
    FROM quintiles
    GROUP BY
        measure,
        month,
        org_type,
        org_code,
        imd_edition
)

SELECT
    sides.measure,
    sides.month,
    sides.org_type,
    sides.org_code,
    sides.imd_edition,
    sides.quintiles,
    CASE WHEN sides.denominator > 0
        THEN CAST(sides.unknown AS DOUBLE) / CAST(sides.denominator AS DOUBLE)
    END AS unknown_share,
    sides.q1,
    sides.q2,
    sides.q3,
    sides.q4,
    sides.q5,
    proportion_gap(sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator) AS gap,
    proportion_gap_lower(
        sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator
    ) AS gap_lower,
    proportion_gap_upper(
        sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator
    ) AS gap_upper,
    proportion_ratio(sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator) AS ratio,
    proportion_ratio_lower(
        sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator
    ) AS ratio_lower,
    proportion_ratio_upper(
        sides.q1_numerator, sides.q1_denominator, sides.q5_numerator, sides.q5_denominator
    ) AS ratio_upper,
    slopes.slope['sii'] AS sii,
    slopes.slope['sii_lower'] AS sii_lower,
    slopes.slope['sii_upper'] AS sii_upper,
    slopes.slope['rii'] AS rii,
    slopes.slope['rii_lower'] AS rii_lower,
    slopes.slope['rii_upper'] AS rii_upper
FROM sides
LEFT JOIN slopes
    ON slopes.measure = sides.measure
    AND slopes.month = sides.month
    AND slopes.org_type = sides.org_type
    AND slopes.org_code = sides.org_code
    AND slopes.imd_edition = sides.imd_edition
