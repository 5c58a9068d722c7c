-- Every tumour that is counted, with the person's deprivation and areas, one row each.
--
-- Tumours are counted where the stage is asked, people where the presentation is: a
-- person's first presentation is their earliest counted tumour in the extract, by date
-- and then by key, and an emergency when its route says so. A route that is not known is
-- a presentation and no emergency.
-- A tumour that is linked to nobody has a stage and no presentation. People who opted
-- out are left out of every month; those who died since are not.
-- Areas are where the person lives; UNKNOWN where the extract of people does not say.
-- Source: NDRS, rapid cancer registration data; NDRS, emergency presentations of cancer.
WITH presented AS (
    SELECT
        tumour_key,
        ROW_NUMBER() OVER (PARTITION BY person_key ORDER BY diagnosis_date ASC, tumour_key ASC) AS position
    FROM model.tumour_current
    WHERE counted
        AND person_key IS NOT NULL
)

SELECT
    tumour.tumour_key,
    tumour.person_key,
    tumour.diagnosis_date,
    COALESCE(site.cancer_group, 'Other') AS cancer_group,
    COALESCE(tumour.trust_code, 'UNKNOWN') AS trust_code,
    COALESCE(person.lad_code, 'UNKNOWN') AS lad_code,
    COALESCE(person.sub_icb_code, 'UNKNOWN') AS sub_icb_code,
    COALESCE(person.alliance_code, 'UNKNOWN') AS alliance_code,
    COALESCE(person.imd2019_quintile, 0) AS imd2019_quintile,
    COALESCE(person.imd2025_quintile, 0) AS imd2025_quintile,
    tumour.stage_group,
    (presented.position = 1) IS TRUE AS first_presentation,
    (presented.position = 1 AND tumour.route = 'emergency_presentation') IS TRUE AS emergency
FROM model.tumour_current AS tumour
LEFT JOIN presented
    ON presented.tumour_key = tumour.tumour_key
LEFT JOIN model.person_latest AS person
    ON person.person_key = tumour.person_key
LEFT JOIN reference.icd10_cancer_groups AS site
    ON site.icd10_code = LEFT(tumour.icd10, 3)
WHERE tumour.counted
    AND person.opted_out IS NOT TRUE
