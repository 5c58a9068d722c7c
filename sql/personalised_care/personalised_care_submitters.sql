-- Every trust in the feed, and whether it sends enough assessments to be counted in
-- mart.personalised_care. The rule is in model.care_submitter.
SELECT
    trust_code,
    CAST(patients AS DECIMAL(12, 1)) AS patients,
    CAST(hna_records AS DECIMAL(12, 1)) AS hna_records,
    submitter
FROM model.care_submitter
