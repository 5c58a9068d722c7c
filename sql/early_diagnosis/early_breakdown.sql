-- Stage at diagnosis and emergency presentation by rolling twelve months and organisation, as in
-- mart.early_diagnosis, for every combination of what indicators are broken down by.
--
-- stage_1_2 of staged is the share found early, staged of stageable the completeness,
-- emergency of first_presentations the share of people found in an emergency. Every tumour
-- stands once under each type of organisation, each edition of the IMD and each month whose
-- twelve months hold it: keep to one of each, and never add months.
-- Groups are those of the newest snapshot; a tumour that is linked to nobody is in no group,
-- and of unknown sex, age and ethnicity. Core20PLUS is national quintile 1 of the edition, or
-- a PLUS group. Age is that on the last day of the month of diagnosis.
-- Combinations are counted, and not tumours listed, because each tumour is in twelve months.
-- Source: NDRS, using RCRD to measure stage; NHS England, Core20PLUS5.
WITH org_types (org_type) AS (
    VALUES ('trust'), ('sub_icb'), ('alliance')
),

editions (imd_edition) AS (
    VALUES (2019), (2025)
),

tumours AS (
    SELECT
        tumour.diagnosis_date,
        tumour.trust_code,
        tumour.sub_icb_code,
        tumour.alliance_code,
        tumour.cancer_group,
        tumour.imd2019_quintile,
        tumour.imd2025_quintile,
        COALESCE(person.sex, 'U') AS sex,
        age_in_years(person.birth_date, month_end(tumour.diagnosis_date)) AS age,
        COALESCE(person.ethnicity_group, 'Unknown') AS ethnicity_group,
        person.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability IS TRUE AS learning_disability,
        person.severe_mental_illness IS TRUE AS severe_mental_illness,
        person.inclusion_health IS TRUE AS inclusion_health,
        person.coastal IS TRUE AS coastal,
        tumour.stage_group,
        tumour.emergency,
        tumour.first_presentation
    FROM model.early_tumour AS tumour
    LEFT JOIN model.person_latest AS person
        ON person.person_key = tumour.person_key
),

placed AS (
    SELECT
        month.month,
        org_types.org_type,
        CASE org_types.org_type
            WHEN 'trust' THEN tumours.trust_code
            WHEN 'sub_icb' THEN tumours.sub_icb_code
            ELSE tumours.alliance_code
        END AS org_code,
        tumours.cancer_group,
        editions.imd_edition,
        CASE editions.imd_edition
            WHEN 2019 THEN tumours.imd2019_quintile
            ELSE tumours.imd2025_quintile
        END AS imd_quintile,
        tumours.sex,
        CASE
            WHEN tumours.age IS NULL THEN 'unknown'
            WHEN tumours.age < 45 THEN '0-44'
            WHEN tumours.age < 55 THEN '45-54'
            WHEN tumours.age < 65 THEN '55-64'
            WHEN tumours.age < 75 THEN '65-74'
            ELSE '75+'
        END AS age_band,
        tumours.ethnicity_group,
        tumours.ethnic_minority,
        tumours.learning_disability,
        tumours.severe_mental_illness,
        tumours.inclusion_health,
        tumours.coastal,
        tumours.stage_group,
        tumours.emergency,
        tumours.first_presentation
    FROM tumours
    INNER JOIN model.early_month AS month
        ON tumours.diagnosis_date BETWEEN month.from_date AND month.to_date
    CROSS JOIN org_types
    CROSS JOIN editions
)

SELECT
    month,
    org_type,
    org_code,
    cancer_group,
    imd_edition,
    imd_quintile,
    sex,
    age_band,
    ethnicity_group,
    ethnic_minority,
    learning_disability,
    severe_mental_illness,
    inclusion_health,
    coastal,
    imd_quintile = 1
        OR ethnic_minority
        OR learning_disability
        OR severe_mental_illness
        OR inclusion_health
        OR coastal AS core20plus,
    CAST(COUNT(*) FILTER (WHERE stage_group = 'early') AS DECIMAL(12, 1)) AS stage_1_2,
    CAST(COUNT(*) FILTER (WHERE stage_group IN ('early', 'late')) AS DECIMAL(12, 1)) AS staged,
    CAST(COUNT(*) FILTER (WHERE stage_group IN ('early', 'late', 'missing')) AS DECIMAL(12, 1)) AS stageable,
    CAST(COUNT(*) FILTER (WHERE emergency) AS DECIMAL(12, 1)) AS emergency,
    CAST(COUNT(*) FILTER (WHERE first_presentation) AS DECIMAL(12, 1)) AS first_presentations
FROM placed
GROUP BY
    month,
    org_type,
    org_code,
    cancer_group,
    imd_edition,
    imd_quintile,
    sex,
    age_band,
    ethnicity_group,
    ethnic_minority,
    learning_disability,
    severe_mental_illness,
    inclusion_health,
    coastal
