-- How far apart the most and the least deprived are, for every indicator by month and
-- organisation, in each edition of the IMD.
--
-- Gap = quintile 1 less quintile 5; ratio = quintile 1 over 5. SII and RII are the same of a
-- line through all five, by mid-rank and weight, told as most less least deprived, and most
-- over least. Limits go by the unit: a gap of proportions has Newcombe's and a ratio Katz's;
-- a gap of rates has the same construction on the limits of counts (MOVER) and a ratio those
-- of two counts. The unknown quintile is left out of all of them, and its share is shown: of
-- the people of a proportion, of the events of a rate, whose unknown quintile has no
-- population. Null where a quintile has nobody. Practices and networks are too small to have
-- all five, and are left out.
-- Source: Newcombe 1998, method 10; Katz 1978; Zou and Donner 2008; slope and relative index
-- as PHEindicatormethods, with exact limits.
WITH quintiles AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        unit,
        TRY_CAST(breakdown_value AS BIGINT) AS quintile,
        numerator,
        NULLIF(denominator, 0) AS denominator,
        CASE unit WHEN 'per_100_000' THEN numerator ELSE denominator END AS placed
    FROM mart.indicators
    WHERE breakdown_type = 'imd_quintile'
        AND org_type NOT IN ('practice', 'pcn')
),

valued AS (
    SELECT
        *,
        CASE unit
            WHEN 'per_100_000' THEN rate(numerator, denominator, 100000)
            ELSE proportion(numerator, denominator)
        END AS value,
        CASE unit
            WHEN 'per_100_000' THEN rate_lower(numerator, denominator, 100000)
            ELSE wilson_lower(numerator, denominator)
        END AS lower,
        CASE unit
            WHEN 'per_100_000' THEN rate_upper(numerator, denominator, 100000)
            ELSE wilson_upper(numerator, denominator)
        END AS upper
    FROM quintiles
),

slopes AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        sii(
            quintile, value, lower, upper, denominator,
            CASE unit WHEN 'per_100_000' THEN 'rate' ELSE 'proportion' END, FALSE, -1
        ) AS slope
    FROM valued
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
        unit,
        SUM(placed) AS placed,
        COALESCE(SUM(placed) FILTER (WHERE quintile = 0), 0) AS unknown,
        SUM(numerator) FILTER (WHERE quintile = 1) AS x1,
        SUM(denominator) FILTER (WHERE quintile = 1) AS n1,
        SUM(numerator) FILTER (WHERE quintile = 5) AS x5,
        SUM(denominator) FILTER (WHERE quintile = 5) AS n5,
        MAX(value) FILTER (WHERE quintile = 1) AS q1,
        MAX(value) FILTER (WHERE quintile = 2) AS q2,
        MAX(value) FILTER (WHERE quintile = 3) AS q3,
        MAX(value) FILTER (WHERE quintile = 4) AS q4,
        MAX(value) FILTER (WHERE quintile = 5) AS q5,
        COUNT(value) FILTER (WHERE quintile > 0) AS quintiles
    FROM valued
    GROUP BY
        measure,
        month,
        org_type,
        org_code,
        imd_edition,
        unit
)

SELECT
    sides.measure,
    sides.month,
    sides.org_type,
    sides.org_code,
    sides.imd_edition,
    sides.unit,
    sides.quintiles,
    CASE WHEN sides.placed > 0
        THEN CAST(sides.unknown AS DOUBLE) / CAST(sides.placed AS DOUBLE)
    END AS unknown_share,
    sides.q1,
    sides.q2,
    sides.q3,
    sides.q4,
    sides.q5,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_gap(sides.x1, sides.n1, sides.x5, sides.n5, 100000)
        ELSE proportion_gap(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS gap,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_gap_lower(sides.x1, sides.n1, sides.x5, sides.n5, 100000)
        ELSE proportion_gap_lower(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS gap_lower,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_gap_upper(sides.x1, sides.n1, sides.x5, sides.n5, 100000)
        ELSE proportion_gap_upper(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS gap_upper,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_ratio(sides.x1, sides.n1, sides.x5, sides.n5)
        ELSE proportion_ratio(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS ratio,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_ratio_lower(sides.x1, sides.n1, sides.x5, sides.n5)
        ELSE proportion_ratio_lower(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS ratio_lower,
    CASE sides.unit
        WHEN 'per_100_000' THEN rate_ratio_upper(sides.x1, sides.n1, sides.x5, sides.n5)
        ELSE proportion_ratio_upper(sides.x1, sides.n1, sides.x5, sides.n5)
    END AS ratio_upper,
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
