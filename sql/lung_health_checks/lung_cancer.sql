-- People invited whose lung cancer is attributed to the programme.
--
-- A diagnosis is attributed when it falls 0 to $attribution_days days after a check the
-- person attended or a scan they had, both ends in. Early = stage 1 or 2 (1A, 2B, ...);
-- staged = stage 1 to 4. A stage that is not known is neither.
-- Source: national evaluation of the Targeted Lung Health Check programme; data item
-- dictionary, items 6a to 6e.
WITH contacts AS (
    SELECT person_key, attended_on AS contact_on FROM model.lung_attended
    UNION
    SELECT person_key, scanned_on AS contact_on FROM model.lung_scan
)

SELECT
    contacts.person_key,
    BOOL_OR(LEFT(diagnosis.cancer_stage, 1) IN ('1', '2')) IS TRUE AS early,
    BOOL_OR(LEFT(diagnosis.cancer_stage, 1) IN ('1', '2', '3', '4')) IS TRUE AS staged
FROM contacts
INNER JOIN source.lung_diagnostics AS diagnosis
    ON diagnosis.person_key = contacts.person_key
WHERE diagnosis.cancer_diagnosis_date - contacts.contact_on BETWEEN 0 AND $attribution_days
GROUP BY contacts.person_key
