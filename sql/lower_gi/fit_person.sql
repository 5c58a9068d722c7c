-- People urgently referred with lower bowel symptoms, once a financial year and once for each
-- edition of the IMD, with what indicators are broken down by: keep to one edition.
--
-- patients_with_fit_21d of patients_referred is the share with a FIT first; each row is one
-- person, so the first is 0 or 1 and the second 1. Who counts, in which month and where, is in
-- model.fit_patient.
-- Groups are those of the newest snapshot; one who is in none is in no group, and of
-- unknown sex, age and ethnicity. Core20PLUS is national quintile 1 of the edition, or a PLUS
-- group. Age is that on the last day of the month of the year's first referral.
-- Source: Investment and Impact Fund, CAN04; NHS England, Core20PLUS5.
WITH groups AS (
    SELECT
        patient.person_key,
        patient.fin_year,
        patient.month,
        patient.practice_code,
        patient.fit_in_time,
        patient.imd2019_quintile,
        patient.imd2025_quintile,
        COALESCE(person.sex, 'U') AS sex,
        age_in_years(person.birth_date, month_end(patient.month)) AS age,
        COALESCE(person.ethnicity_group, 'Unknown') AS ethnicity_group,
        person.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability IS TRUE AS learning_disability,
        person.severe_mental_illness IS TRUE AS severe_mental_illness,
        person.inclusion_health IS TRUE AS inclusion_health,
        person.coastal IS TRUE AS coastal
    FROM model.fit_patient AS patient
    LEFT JOIN model.person_latest AS person
        ON person.person_key = patient.person_key
)

SELECT
    groups.person_key,
    groups.fin_year,
    groups.month,
    groups.practice_code,
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
    CAST(1 AS DECIMAL(12, 1)) AS patients_referred,
    CAST(CASE WHEN groups.fit_in_time THEN 1 ELSE 0 END AS DECIMAL(12, 1)) AS patients_with_fit_21d
FROM groups
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
