-- Is last month real or noise? An XmR chart of every indicator for every organisation.
--
-- Limits are the mean and 2.66 mean moving ranges, those of 3.267 times their mean and more
-- left out once; a trend or a shift is seven points. Which way is good is the measure's
-- polarity; the target is the one in force in the month. A month without anybody breaks
-- runs. Practices and networks are left out: most of their months are too small.
-- Source: NHS England, Making Data Count; NHSRplotthedots.
WITH months AS (
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
    FROM mart.indicators AS indicator
    INNER JOIN mart.dim_measure AS measure
        ON measure.measure = indicator.measure
    LEFT JOIN reference.targets AS target
        ON target.measure = indicator.target_measure
        AND target.valid_from <= indicator.month
        AND (target.valid_to IS NULL OR target.valid_to >= indicator.month)
    WHERE indicator.breakdown_type = 'all'
        AND indicator.org_type NOT IN ('practice', 'pcn')
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
