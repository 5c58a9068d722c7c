-- Each tumour as in the newest snapshot that has it; a row sent twice is one tumour.
--
-- Stage groups: 1 and 2 are early, 3 and 4 late. What cannot be staged (U) and what is not
-- known yet (blank) are two things, and neither is in a share of early stages.
-- Counted are C00 to C97 less C44 and those known from the death certificate alone.
WITH ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY tumour_key ORDER BY period DESC, _line) AS newest
    FROM source.tumours
)

SELECT
    tumour_key,
    person_key,
    period AS snapshot,
    diagnosis_date,
    REPLACE(UPPER(icd10), '.', '') AS icd10,
    stage,
    CASE
        WHEN stage IS NULL OR stage LIKE '0%' THEN 'missing'
        WHEN stage = 'U' THEN 'unstageable'
        WHEN stage LIKE '1%' OR stage LIKE '2%' THEN 'early'
        ELSE 'late'
    END AS stage_group,
    route,
    trust_code,
    UPPER(icd10) BETWEEN 'C00' AND 'C97Z'
        AND UPPER(icd10) NOT LIKE 'C44%'
        AND route IS DISTINCT FROM 'death_certificate_only' AS counted
FROM ranked
WHERE newest = 1
