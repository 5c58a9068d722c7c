-- Everybody invited to a lung health check once for each edition of the IMD, with what
-- indicators are broken down by: keep to one edition.
--
-- Groups are those of the newest snapshot. Core20PLUS is national quintile 1 of the
-- edition, or a PLUS group. Age is that on the last day of the month of the first letter.
WITH groups AS (
    SELECT
        pathway.person_key,
        pathway.cohort_month,
        pathway.lad_code,
        pathway.imd2019_quintile,
        pathway.imd2025_quintile,
        person.sex,
        age_in_years(person.birth_date, month_end(pathway.cohort_month)) AS age,
        person.ethnicity_group,
        person.ethnic_minority,
        person.learning_disability,
        person.severe_mental_illness,
        person.inclusion_health,
        person.coastal,
        pathway.accepted,
        pathway.attended,
        pathway.high_risk,
        pathway.scanned_baseline,
        pathway.followed_up_3m,
        pathway.followed_up_12m,
        pathway.followed_up_24m,
        pathway.cancer,
        pathway.cancer_stage_1_2,
        pathway.cancer_staged,
        pathway.smoking_offered,
        pathway.smoking_started
    FROM model.lung_pathway AS pathway
    INNER JOIN model.person_latest AS person
        ON person.person_key = pathway.person_key
)

SELECT
    groups.person_key,
    groups.cohort_month,
    groups.lad_code,
    editions.imd_edition,
    CASE editions.imd_edition
        WHEN 2019 THEN groups.imd2019_quintile
        ELSE groups.imd2025_quintile
    END AS imd_quintile,
    groups.sex,
    CASE
        WHEN groups.age < 60 THEN '55-59'
        WHEN groups.age < 65 THEN '60-64'
        WHEN groups.age < 70 THEN '65-69'
        ELSE '70-74'
    END AS age_band,
    groups.ethnicity_group,
    groups.ethnic_minority,
    groups.learning_disability,
    groups.severe_mental_illness,
    groups.inclusion_health,
    groups.coastal,
    CASE editions.imd_edition
        WHEN 2019 THEN groups.imd2019_quintile
        ELSE groups.imd2025_quintile
    END = 1
        OR groups.ethnic_minority
        OR groups.learning_disability
        OR groups.severe_mental_illness
        OR groups.inclusion_health
        OR groups.coastal AS core20plus,
    groups.accepted,
    groups.attended,
    groups.high_risk,
    groups.scanned_baseline,
    groups.followed_up_3m,
    groups.followed_up_12m,
    groups.followed_up_24m,
    groups.cancer,
    groups.cancer_stage_1_2,
    groups.cancer_staged,
    groups.smoking_offered,
    groups.smoking_started
FROM groups
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
