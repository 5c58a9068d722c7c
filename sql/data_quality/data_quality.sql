-- Can this month be trusted? Everything that is known of feeds, people, waits, invitations and
-- totals, one row for each feed, provider, period and rule. A reconciliation for which there
-- was nothing to compare is called not_compared_, so that nobody takes it for one that holds.
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
    'cwt_records' AS feed,
    provider,
    CAST(month AS VARCHAR) AS period,
    rule,
    month,
    found,
    out_of,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS BOOLEAN) AS passed
FROM model.wait_quality

UNION ALL

SELECT
    feed,
    provider,
    CAST(month AS VARCHAR) AS period,
    rule,
    month,
    found,
    out_of,
    CAST(NULL AS DOUBLE) AS expected,
    CAST(NULL AS BOOLEAN) AS passed
FROM model.invitation_quality

UNION ALL

SELECT
    'warehouse' AS feed,
    'all' AS provider,
    period,
    CASE WHEN passed IS NULL THEN 'not_compared_' ELSE 'reconciles_' END || what AS rule,
    month,
    found,
    CAST(NULL AS DOUBLE) AS out_of,
    expected,
    passed
FROM model.reconciliation
