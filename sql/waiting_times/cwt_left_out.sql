-- How many waits are counted and how many left out, and why: for data quality.
--
-- By the trust that sent the record, the month it sent it for, and standard. What every
-- reason means is in model.cwt_wait.
SELECT
    pathway.period AS month,
    pathway.provider,
    wait.standard,
    COALESCE(wait.left_out, 'counted') AS outcome,
    COUNT(*) AS waits
FROM model.cwt_wait AS wait
INNER JOIN model.cwt_pathway AS pathway
    ON pathway.record_id = wait.record_id
GROUP BY
    pathway.period,
    pathway.provider,
    wait.standard,
    COALESCE(wait.left_out, 'counted')
