-- Each pathway as it stands: the row of the newest month that has it.
--
-- A trust sends a pathway when the person is told and again, often another trust, when they
-- are treated. Within a month two trusts say the same: the first by code stands. Which of
-- several submissions of a trust for a month counts was settled before.
WITH ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY record_id ORDER BY period DESC, provider, _file, _line) AS newest
    FROM source.cwt_records
)

SELECT
    record_id,
    period,
    provider,
    person_key,
    priority_type,
    referral_source,
    referral_type,
    received_date,
    upgrade_date,
    first_seen_date,
    first_seen_org,
    told_date,
    told_org,
    end_reason,
    exclusion_reason,
    COALESCE(first_seen_adjustment, 0) AS first_seen_adjustment,
    decision_date,
    treatment_date,
    COALESCE(treatment_adjustment, 0) AS treatment_adjustment,
    treatment_adjustment_reason,
    treatment_event,
    treatment_modality,
    icd10,
    patient_status,
    investigating_org,
    upgrading_org,
    treating_org,
    transfer_date,
    practice_code,
    lsoa_code,
    _line AS record_line
FROM ranked
WHERE newest = 1
