-- Is last month real or noise? An XmR chart of an indicator for an organisation.
--
-- Limits are the mean and 2.66 mean moving ranges, those of 3.267 times their mean and more
-- left out once; a trend or a shift is seven points. Which way is good is the measure's
-- polarity; the target is the one in force in the month. A month without anybody breaks
-- runs: it has a row without a value, where others have numbers for the month.
-- Practices and networks are left out: most of their months are too small. So are measures
-- of twelve months each, of which neighbours share eleven: their points move together, and
-- seven in ten would be called special of a process that does not change at all. What
-- looks back from a census over months, such as coverage or invitations of six months, has
-- a chart and is to be read with the same care: a run there is the window's before it is
-- the service's.
-- Source: NHS England, Making Data Count; NHSRplotthedots.
WITH overlapping (measure) AS (
    VALUES
    ('stage_1_2'),
    ('staging_completeness'),
    ('emergency_presentation'),
    ('cancers_per_100_000'),
    ('emergency_presentations_per_100_000'),
    ('uptake_bowel_50_59'),
    ('uptake_bowel_60_74'),
    ('uptake_breast_53_70'),
    ('uptake_cervical_25_49'),
    ('uptake_cervical_50_64')
),

counted AS (
    SELECT measure, month, org_type, org_code, numerator, denominator, unit, target_measure
    FROM mart.indicators
    WHERE breakdown_type = 'all'
        AND org_type NOT IN ('practice', 'pcn')
        AND measure NOT IN (SELECT measure FROM overlapping)
),

series AS (
    SELECT
        measure,
        org_type,
        org_code,
        unit,
        target_measure,
        MIN(month) AS first_month,
        MAX(month) AS last_month
    FROM counted
    GROUP BY
        measure,
        org_type,
        org_code,
        unit,
        target_measure
),

months_of_measure AS (
    SELECT DISTINCT measure, month
    FROM counted
),

-- Every month of a series from its first to its last, with or without numbers.
indicators AS (
    SELECT
        series.measure,
        months_of_measure.month,
        series.org_type,
        series.org_code,
        counted.numerator,
        counted.denominator,
        series.unit,
        series.target_measure
    FROM series
    INNER JOIN months_of_measure
        ON months_of_measure.measure = series.measure
        AND months_of_measure.month BETWEEN series.first_month AND series.last_month
    LEFT JOIN counted
        ON counted.measure = series.measure
        AND counted.org_type = series.org_type
        AND counted.org_code = series.org_code
        AND counted.month = months_of_measure.month
),

months AS (
    SELECT
        indicator.measure,
        indicator.month,
        indicator.org_type,
        indicator.org_code,
        indicator.numerator,
        indicator.denominator,
        indicator.unit,
        CASE indicator.unit
            WHEN 'per_100_000' THEN rate(indicator.numerator, NULLIF(indicator.denominator, 0), 100000)
            ELSE proportion(indicator.numerator, indicator.denominator)
        END AS value,
        CASE measure.polarity
            WHEN 'higher_is_better' THEN 'increase'
            WHEN 'lower_is_better' THEN 'decrease'
            ELSE 'neutral'
        END AS improvement,
        CAST(target.value AS DOUBLE) AS target
    FROM indicators AS indicator
    INNER JOIN mart.dim_measure AS measure
        ON measure.measure = indicator.measure
    LEFT JOIN reference.targets AS target
        ON target.measure = indicator.target_measure
        AND target.valid_from <= indicator.month
        AND (target.valid_to IS NULL OR target.valid_to >= indicator.month)
),

charts AS (
    SELECT
        measure,
        month,
        org_type,
        org_code,
        numerator,
        denominator,
        unit,
        value,
        target,
        xmr(month, value, improvement, target) OVER (PARTITION BY measure, org_type, org_code) AS chart
    FROM months
)

SELECT
    measure,
    month,
    org_type,
    org_code,
    numerator,
    denominator,
    unit,
    value,
    target,
    chart['centre'] AS centre,
    chart['lower_limit'] AS lower_limit,
    chart['upper_limit'] AS upper_limit,
    chart['near_lower'] AS near_lower,
    chart['near_upper'] AS near_upper,
    chart['moving_range'] AS moving_range,
    CAST(chart['points'] AS BIGINT) AS points,
    chart['point_type'] AS point_type,
    chart['rule'] AS rule,
    chart['variation'] AS variation,
    chart['assurance'] AS assurance
FROM charts
