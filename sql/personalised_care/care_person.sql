-- Everybody diagnosed at a trust that submits once for each edition of the IMD, with what
-- indicators are broken down by: keep to one edition.
--
-- Groups are those of the newest snapshot; one who is in none is in no group, and of
-- unknown sex and ethnicity. Core20PLUS is national quintile 1 of the edition, or a PLUS
-- group. Age is that on the last day of the month of diagnosis.
WITH groups AS (
    SELECT
        pathway.person_key,
        pathway.month,
        pathway.trust_code,
        pathway.cancer_group,
        pathway.imd2019_quintile,
        pathway.imd2025_quintile,
        COALESCE(person.sex, 'U') AS sex,
        age_in_years(person.birth_date, month_end(pathway.month)) AS age,
        COALESCE(person.ethnicity_group, 'Unknown') AS ethnicity_group,
        person.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability IS TRUE AS learning_disability,
        person.severe_mental_illness IS TRUE AS severe_mental_illness,
        person.inclusion_health IS TRUE AS inclusion_health,
        person.coastal IS TRUE AS coastal,
        pathway.hna_offered,
        pathway.hna_completed,
        pathway.pcsp_completed,
        pathway.cns_contact,
        pathway.treatment_completed,
        pathway.end_of_treatment_summary,
        pathway.reviewed_12m,
        pathway.support_offered_3m,
        pathway.stratified_follow_up
    FROM model.care_pathway AS pathway
    INNER JOIN model.care_submitter AS trust
        ON trust.trust_code = pathway.trust_code
    LEFT JOIN model.person_latest AS person
        ON person.person_key = pathway.person_key
    WHERE trust.submitter
)

SELECT
    groups.person_key,
    groups.month,
    groups.trust_code,
    groups.cancer_group,
    editions.imd_edition,
    CASE editions.imd_edition
        WHEN 2019 THEN groups.imd2019_quintile
        ELSE groups.imd2025_quintile
    END AS imd_quintile,
    groups.sex,
    CASE
        WHEN groups.age IS NULL THEN 'unknown'
        WHEN groups.age < 45 THEN '0-44'
        WHEN groups.age < 55 THEN '45-54'
        WHEN groups.age < 65 THEN '55-64'
        WHEN groups.age < 75 THEN '65-74'
        ELSE '75+'
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
    groups.hna_offered,
    groups.hna_completed,
    groups.pcsp_completed,
    groups.cns_contact,
    groups.treatment_completed,
    groups.end_of_treatment_summary,
    groups.reviewed_12m,
    groups.support_offered_3m,
    groups.stratified_follow_up
FROM groups
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
