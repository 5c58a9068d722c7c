-- What became of every file that counts, and of every submission: one row for each feed,
-- provider, period and rule.
--
-- received = loaded + quarantined + dropped, on every file. A rule of a contract has the
-- rows that break it: quarantined_by_, kept_by_ (a value that does not read became null) or
-- dropped_by_, the rule's name and the column. late_days: from the last day of the period
-- to the day of receipt, where it is known; the latest submission of the period counts.
WITH files AS (
    SELECT
        feed,
        COALESCE(provider, 'all') AS provider,
        COALESCE(period, 'none') AS period,
        month,
        received,
        loaded,
        quarantined,
        dropped
    FROM system.intakes
),

counted AS (
    SELECT
        feed,
        provider,
        period,
        month,
        SUM(received) AS received,
        SUM(loaded) AS loaded,
        SUM(quarantined) AS quarantined,
        SUM(dropped) AS dropped
    FROM files
    GROUP BY
        feed,
        provider,
        period,
        month
),

rows_of_files AS (
    SELECT
        counted.feed,
        counted.provider,
        counted.period,
        counted.month,
        kinds.rule,
        CASE kinds.rule
            WHEN 'received' THEN counted.received
            WHEN 'loaded' THEN counted.loaded
            WHEN 'quarantined' THEN counted.quarantined
            ELSE counted.dropped
        END AS found,
        counted.received AS out_of
    FROM counted
    CROSS JOIN (VALUES ('received'), ('loaded'), ('quarantined'), ('dropped')) AS kinds (rule)
),

broken AS (
    SELECT
        feed,
        COALESCE(provider, 'all') AS provider,
        COALESCE(period, 'none') AS period,
        month,
        CASE on_fail
            WHEN 'warn' THEN 'kept'
            WHEN 'drop' THEN 'dropped'
            ELSE 'quarantined'
        END || '_by_' || rule || COALESCE('_' || column_name, '') AS rule,
        rule = 'valid' AND column_name = 'nhs_number' AS is_nhs_number,
        broken
    FROM system.broken_rules
),

broken_rules AS (
    SELECT
        feed,
        provider,
        period,
        month,
        rule,
        SUM(broken) AS found
    FROM broken
    GROUP BY
        feed,
        provider,
        period,
        month,
        rule

    UNION ALL

    SELECT
        feed,
        provider,
        period,
        month,
        'invalid_nhs_numbers' AS rule,
        SUM(broken) AS found
    FROM broken
    WHERE is_nhs_number
    GROUP BY
        feed,
        provider,
        period,
        month
),

submissions AS (
    SELECT
        feed,
        COALESCE(provider, 'all') AS provider,
        COALESCE(period, 'none') AS period,
        month,
        status,
        received_at
    FROM system.submissions
),

rows_of_submissions AS (
    SELECT
        feed,
        provider,
        period,
        month,
        CASE status WHEN 'duplicate' THEN 'duplicates' ELSE status END AS rule,
        COUNT(*) AS found
    FROM submissions
    WHERE status <> 'accepted'
    GROUP BY
        feed,
        provider,
        period,
        month,
        status
),

late AS (
    SELECT
        feed,
        provider,
        period,
        month,
        'late_days' AS rule,
        MAX(CAST(received_at AS DATE) - month_end(month)) AS found
    FROM submissions
    WHERE status = 'accepted'
        AND received_at IS NOT NULL
        AND month IS NOT NULL
    GROUP BY
        feed,
        provider,
        period,
        month
)

SELECT
    feed, provider, period, month, rule,
    CAST(found AS DOUBLE) AS found,
    CAST(out_of AS DOUBLE) AS out_of
FROM rows_of_files

UNION ALL

SELECT
    broken_rules.feed,
    broken_rules.provider,
    broken_rules.period,
    broken_rules.month,
    broken_rules.rule,
    CAST(broken_rules.found AS DOUBLE) AS found,
    CAST(counted.received AS DOUBLE) AS out_of
FROM broken_rules
LEFT JOIN counted
    ON counted.feed = broken_rules.feed
    AND counted.provider = broken_rules.provider
    AND counted.period = broken_rules.period

UNION ALL

SELECT
    feed, provider, period, month, rule,
    CAST(found AS DOUBLE) AS found,
    CAST(NULL AS DOUBLE) AS out_of
FROM rows_of_submissions

UNION ALL

SELECT
    feed, provider, period, month, rule,
    CAST(found AS DOUBLE) AS found,
    CAST(NULL AS DOUBLE) AS out_of
FROM late
