-- To whom each 62-day wait belongs: the trust that investigated, the one that treated, or both.
--
-- One trust did both: it has the whole (allocation `solo`). Nobody is named as accountable
-- for the investigation, or there is no transfer between start and treatment to go by: half
-- each (`halves`). Otherwise six scenarios (`scenario`), by whether the whole was within 62
-- days, to the transfer within 38 and after it within 24:
--           whole   before   after    investigating   treating
--     1     within  within   within        0.5           0.5
--     2     within  within   late          0.5           0.5
--     3     within  late     within        0             1
--     4     late    within   late          0             1
--     5     late    late     within        1             0
--     6     late    late     late          0.5           0.5
-- Days taken off for a first appointment not attended come off before the transfer, days of
-- a pause off after it, so that the two add up to the whole and there is no other case.
-- Source: NHS England, breach allocation; the record's accountable investigating provider.
WITH legs AS (
    SELECT
        wait.record_id,
        wait.shared_with AS investigating_org,
        wait.org_code AS treating_org,
        wait.within,
        wait.shared_with IS NULL OR wait.shared_with = wait.org_code AS solo,
        pathway.investigating_org IS NOT NULL
            AND pathway.transfer_date BETWEEN wait.started_on AND wait.stopped_on AS told_apart,
        pathway.transfer_date - wait.started_on
            - (wait.adjustment_days - pathway.treatment_adjustment) AS days_before_transfer,
        wait.stopped_on - pathway.transfer_date - pathway.treatment_adjustment AS days_after_transfer
    FROM model.cwt_wait AS wait
    INNER JOIN model.cwt_pathway AS pathway
        ON pathway.record_id = wait.record_id
    WHERE wait.standard = 'd62'
        AND wait.counted
),

scenarios AS (
    SELECT
        record_id,
        investigating_org,
        treating_org,
        days_before_transfer,
        days_after_transfer,
        CASE WHEN solo THEN 'solo' WHEN told_apart IS TRUE THEN 'six_scenarios' ELSE 'halves' END AS allocation,
        CASE
            WHEN solo OR told_apart IS NOT TRUE THEN NULL
            WHEN within AND days_before_transfer > $before_transfer_days THEN 3
            WHEN within AND days_after_transfer > $after_transfer_days THEN 2
            WHEN within THEN 1
            WHEN days_before_transfer <= $before_transfer_days THEN 4
            WHEN days_after_transfer <= $after_transfer_days THEN 5
            ELSE 6
        END AS scenario
    FROM legs
)

SELECT
    record_id,
    investigating_org,
    treating_org,
    allocation,
    scenario,
    CASE WHEN scenario IS NOT NULL THEN days_before_transfer END AS days_before_transfer,
    CASE WHEN scenario IS NOT NULL THEN days_after_transfer END AS days_after_transfer,
    CAST(CASE
        WHEN allocation = 'solo' OR scenario IN (3, 4) THEN 0
        WHEN scenario = 5 THEN 1
        ELSE 0.5
    END AS DECIMAL(12, 1)) AS investigating_share
FROM scenarios
