-- Every wait that broke its standard, one row per pathway and standard: where did the time go?
--
-- Of the waits that the mart counts on any basis, those not within. Restricted: a row is about one
-- person. The pathway is named by the trust, month and line of the file it came in, by which
-- the trust finds it; its own number and the person's stay out. Quintile: IMD 2025.
-- For 62 days the row says how the breach is shared and how long each part took.
-- Definitions: model.cwt_wait, model.cwt_allocation.
SELECT
    wait.month,
    wait.standard,
    pathway.provider AS sent_by,
    pathway.period AS sent_for,
    pathway.record_line,
    pathway.person_key,
    wait.route,
    wait.cancer_group,
    wait.modality_group,
    wait.wait_days,
    wait.adjustment_days,
    wait.wait_days - wait.standard_days AS days_over,
    wait.org_code,
    allocation.investigating_org,
    allocation.allocation,
    allocation.scenario,
    allocation.days_before_transfer,
    allocation.days_after_transfer,
    2025 AS imd_edition,
    wait.imd2025_quintile AS imd_quintile
FROM model.cwt_wait AS wait
INNER JOIN model.cwt_pathway AS pathway
    ON pathway.record_id = wait.record_id
LEFT JOIN model.cwt_allocation AS allocation
    ON allocation.record_id = wait.record_id
    AND wait.standard = 'd62'
WHERE wait.counted
    AND NOT wait.within
    AND EXISTS (
        SELECT 1
        FROM model.cwt_share AS share
        WHERE share.record_id = wait.record_id
            AND share.standard = wait.standard
    )
