-- The first invasive cancer of each person, one row each.
--
-- A tumour is a person and a tumour key. Cancer is ICD-10 C00 to C97, except C44. Where
-- the rows of a tumour disagree its earliest diagnosis date stands. The person's first
-- tumour is by diagnosis date, then by key. People known only from a death certificate
-- (dead on the day of diagnosis or before) and people who opted out are left out.
-- The trust is the one whose submission brought the tumour first.
-- A person who is not in the population has quintile 0.
-- Source: NDRS and Macmillan, holistic needs assessment coverage.
WITH rows_of_tumours AS (
    SELECT
        person_key,
        tumour_key,
        diagnosis_date,
        LEFT(UPPER(REPLACE(icd10, '.', '')), 3) AS icd10_code,
        provider,
        period
    FROM source.personalised_care
    WHERE person_key IS NOT NULL
        AND tumour_key IS NOT NULL
),

tumours AS (
    SELECT
        person_key,
        tumour_key,
        MIN(diagnosis_date) AS diagnosis_date,
        MIN(icd10_code) AS icd10_code,
        FIRST_VALUE(provider ORDER BY period ASC, provider ASC) AS trust_code
    FROM rows_of_tumours
    GROUP BY
        person_key,
        tumour_key
),

cancers AS (
    SELECT
        person_key,
        tumour_key,
        diagnosis_date,
        icd10_code,
        trust_code,
        ROW_NUMBER() OVER (PARTITION BY person_key ORDER BY diagnosis_date ASC, tumour_key ASC) AS position
    FROM tumours
    WHERE icd10_code BETWEEN 'C00' AND 'C97'
        AND icd10_code <> 'C44'
        AND diagnosis_date IS NOT NULL
)

SELECT
    cancers.person_key,
    cancers.tumour_key,
    cancers.diagnosis_date,
    month_start(cancers.diagnosis_date) AS month,
    cancers.icd10_code,
    COALESCE(site.cancer_group, 'Other') AS cancer_group,
    cancers.trust_code,
    COALESCE(person.imd2019_quintile, 0) AS imd2019_quintile,
    COALESCE(person.imd2025_quintile, 0) AS imd2025_quintile
FROM cancers
LEFT JOIN model.person_latest AS person
    ON person.person_key = cancers.person_key
LEFT JOIN reference.icd10_cancer_groups AS site
    ON site.icd10_code = cancers.icd10_code
WHERE cancers.position = 1
    AND (person.death_date IS NULL OR person.death_date > cancers.diagnosis_date)
    AND (person.person_key IS NULL OR NOT person.opted_out)
