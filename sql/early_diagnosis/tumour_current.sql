-- Each tumour as in the newest snapshot that has it; a row sent twice is one tumour.
--
-- Stage groups: 1, 2 and "other early" are early, 3, 4 and "other advanced" late. What
-- cannot be staged (U) and what is not known yet (blank) are two things, and neither is
-- in a share of early stages.
-- Counted are C00 to C97 less C44, unless known from the death certificate alone, and
-- unless withdrawn. The registry withdrew a tumour that the newest snapshot lacks though
-- it reaches back to its diagnosis; one that is merely too old for it stays.
-- Source: NDRS, rapid cancer registration data; NDRS, stage at diagnosis.
WITH newest AS (
    SELECT MAX(period) AS period
    FROM source.tumours
),

reach AS (
    SELECT
        newest.period,
        MIN(tumours.diagnosis_date) AS from_date
    FROM newest
    INNER JOIN source.tumours AS tumours
        ON tumours.period = newest.period
    GROUP BY newest.period
),

ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY tumour_key ORDER BY period DESC, _line) AS newest
    FROM source.tumours
),

tumours AS (
    SELECT
        ranked.tumour_key,
        ranked.person_key,
        ranked.period AS snapshot,
        ranked.diagnosis_date,
        REPLACE(UPPER(ranked.icd10), '.', '') AS icd10,
        ranked.stage,
        LOWER(ranked.stage) AS stage_text,
        ranked.route,
        ranked.trust_code,
        (ranked.period < reach.period AND ranked.diagnosis_date >= reach.from_date) IS TRUE AS withdrawn
    FROM ranked
    CROSS JOIN reach
    WHERE ranked.newest = 1
)

SELECT
    tumour_key,
    person_key,
    snapshot,
    diagnosis_date,
    icd10,
    stage,
    CASE
        WHEN stage_text IS NULL OR stage_text LIKE '0%' THEN 'missing'
        WHEN stage_text = 'u' THEN 'unstageable'
        WHEN stage_text LIKE '1%' OR stage_text LIKE '2%' THEN 'early'
        WHEN stage_text LIKE '%other early' THEN 'early'
        ELSE 'late'
    END AS stage_group,
    route,
    trust_code,
    withdrawn,
    NOT withdrawn
        AND icd10 BETWEEN 'C00' AND 'C97Z'
        AND icd10 NOT LIKE 'C44%'
        AND route IS DISTINCT FROM 'death_certificate_only' AS counted
FROM tumours
