-- Can this month be trusted? Everything that is known of feeds, people and totals, one row
-- for each feed, provider, period and rule.
SELECT
    feed,
    provider,
    period,
    rule,
    month,
    found,
    out_of,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS BOOLEAN) AS passed
FROM model.feed_quality

UNION ALL

SELECT
    'people' AS feed,
    'all' AS provider,
    CAST(month AS VARCHAR) AS period,
    rule,
    month,
    found,
    out_of,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS BOOLEAN) AS passed
FROM model.people_quality

UNION ALL

SELECT
    'warehouse' AS feed,
    'all' AS provider,
    period,
    'reconciles_' || what AS rule,
    month,
    found,
    CAST(NULL AS DOUBLE) AS out_of,
    expected,
    passed
FROM model.reconciliation
