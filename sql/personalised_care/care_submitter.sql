-- Which trusts send enough holistic needs assessments to be counted.
--
-- A trust with fewer than 10 records and at most 100 patients, or fewer than 20 and
-- more than 100, does not submit: its people would pull the rate towards nought for no
-- better reason than a missing feed. It is listed, not hidden.
-- Source: NDRS and Macmillan, holistic needs assessment coverage.
WITH patients AS (
    SELECT
        trust_code,
        COUNT(*) AS patients
    FROM model.care_tumour
    GROUP BY trust_code
),

assessments AS (
    SELECT
        trust_code,
        COUNT(*) AS hna_records
    FROM model.care_event
    WHERE event_type = 'hna'
    GROUP BY trust_code
),

joined AS (
    SELECT
        patients.trust_code,
        patients.patients,
        COALESCE(assessments.hna_records, 0) AS hna_records
    FROM patients
    LEFT JOIN assessments
        ON assessments.trust_code = patients.trust_code
)

SELECT
    trust_code,
    patients,
    hna_records,
    CASE
        WHEN patients <= 100 THEN hna_records >= 10
        ELSE hna_records >= 20
    END AS submitter
FROM joined
