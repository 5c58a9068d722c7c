-- Everybody on a register at each census once for each edition of the IMD, with what
-- indicators are broken down by: keep to one edition.
--
-- Groups are those of the newest snapshot; one who is in none is in no group, and of
-- unknown sex and ethnicity. Core20PLUS is national quintile 1 of the edition, or a PLUS
-- group. A status is that of mart.liver_surveillance, which is of cirrhosis (stage F4).
WITH status AS (
    SELECT
        register.month,
        register.census_date,
        register.person_key,
        register.trust_code,
        register.fibrosis_stage,
        register.imd2019_quintile,
        register.imd2025_quintile,
        register.eligible,
        register.eligible AND activity.invited_6m IS TRUE AS invited_6m,
        register.eligible AND activity.scanned_6m IS TRUE AS scanned_6m,
        register.eligible AND activity.scanned_7m IS NOT TRUE AS overdue,
        activity.hcc_diagnosed IS TRUE AS hcc_diagnosed,
        activity.hcc_early IS TRUE AS hcc_early
    FROM model.liver_register_current AS register
    LEFT JOIN model.liver_activity_at_census AS activity
        ON activity.month = register.month
        AND activity.person_key = register.person_key
),

groups AS (
    SELECT
        status.month,
        status.person_key,
        status.trust_code,
        status.fibrosis_stage,
        status.imd2019_quintile,
        status.imd2025_quintile,
        COALESCE(person.sex, 'U') AS sex,
        age_in_years(person.birth_date, status.census_date) AS age,
        COALESCE(person.ethnicity_group, 'Unknown') AS ethnicity_group,
        person.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability IS TRUE AS learning_disability,
        person.severe_mental_illness IS TRUE AS severe_mental_illness,
        person.inclusion_health IS TRUE AS inclusion_health,
        person.coastal IS TRUE AS coastal,
        status.eligible,
        status.invited_6m,
        status.scanned_6m,
        status.overdue,
        status.hcc_diagnosed,
        status.hcc_early
    FROM status
    LEFT JOIN model.person_latest AS person
        ON person.person_key = status.person_key
)

SELECT
    groups.month,
    groups.person_key,
    groups.trust_code,
    groups.fibrosis_stage,
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
    groups.eligible,
    groups.invited_6m,
    groups.scanned_6m,
    groups.overdue,
    groups.hcc_diagnosed,
    groups.hcc_early
FROM groups
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
