-- Waits that are in no number, and why: one row for each trust and month of the file, and for
-- each standard and reason as one rule, such as left_out_fds_28_stop_before_start.
--
-- Told, or decided to be treated, before the referral was received is fds_28 with
-- stop_before_start, treated before the referral or upgrade is d62; what every reason means is in
-- model.cwt_wait. There is a row where a wait was left out, and none for reasons nobody had.
-- out_of: all waits of that standard in the file, counted or left out.
WITH stopped AS (
    SELECT
        month,
        provider,
        standard,
        SUM(waits) AS waits
    FROM model.cwt_left_out
    GROUP BY
        month,
        provider,
        standard
)

SELECT
    left_out.month,
    left_out.provider,
    'left_out_' || left_out.standard || '_' || left_out.outcome AS rule,
    CAST(left_out.waits AS DOUBLE) AS found,
    CAST(stopped.waits AS DOUBLE) AS out_of
FROM model.cwt_left_out AS left_out
INNER JOIN stopped
    ON stopped.month = left_out.month
    AND stopped.provider = left_out.provider
    AND stopped.standard = left_out.standard
WHERE left_out.outcome <> 'counted'
