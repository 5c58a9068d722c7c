-- Each person as they stand in the newest snapshot they appear in.
--
-- For facts dated by an event (a letter, a diagnosis) and not by a census.
-- District, sub-ICB and alliance: where they live, by the LSOA 2021; else by the LSOA
-- 2011's parts, the first by code; else UNKNOWN.
-- Core20PLUS: Core20 is national quintile 1 of IMD 2025; PLUS is ethnic minority,
-- learning disability, severe mental illness, inclusion health or a coastal LSOA. A
-- coast or an ethnicity that is not known puts nobody in a group.
-- Source: NHS England Core20PLUS5; coastal by the NDRS definition.
WITH newest AS (
    SELECT
        person_key,
        MAX(month) AS month
    FROM model.person_month
    GROUP BY person_key
),

area_2011 AS (
    SELECT lsoa_code, lad_code, sub_icb_code, alliance_code, coastal
    FROM model.lsoa_area
    WHERE lsoa_vintage = 2011
),

area_2021 AS (
    SELECT lsoa_code, lad_code, sub_icb_code, alliance_code, coastal
    FROM model.lsoa_area
    WHERE lsoa_vintage = 2021
),

people AS (
    SELECT
        person.person_key,
        person.month,
        person.birth_date,
        person.death_date,
        person.sex,
        person.opted_out,
        person.smoking_status,
        person.practice_code,
        person.imd2019_quintile,
        person.imd2025_quintile,
        COALESCE(area_2021.lad_code, area_2011.lad_code, 'UNKNOWN') AS lad_code,
        COALESCE(area_2021.sub_icb_code, area_2011.sub_icb_code, 'UNKNOWN') AS sub_icb_code,
        COALESCE(area_2021.alliance_code, area_2011.alliance_code, 'UNKNOWN') AS alliance_code,
        person.imd2025_quintile = 1 AS core20,
        COALESCE(ethnicity.ethnicity_group, 'Unknown') AS ethnicity_group,
        ethnicity.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability,
        person.severe_mental_illness,
        person.inclusion_health,
        COALESCE(area_2021.coastal, area_2011.coastal) IS TRUE AS coastal
    FROM model.person_month AS person
    INNER JOIN newest
        ON newest.person_key = person.person_key
        AND newest.month = person.month
    LEFT JOIN area_2021
        ON area_2021.lsoa_code = person.lsoa21_code
    LEFT JOIN area_2011
        ON area_2011.lsoa_code = person.lsoa11_code
    LEFT JOIN reference.ethnicity_groups AS ethnicity
        ON ethnicity.ethnicity_code = person.ethnicity_code
)

SELECT
    person_key,
    month,
    birth_date,
    death_date,
    sex,
    opted_out,
    smoking_status,
    practice_code,
    lad_code,
    sub_icb_code,
    alliance_code,
    imd2019_quintile,
    imd2025_quintile,
    core20,
    ethnicity_group,
    ethnic_minority,
    learning_disability,
    severe_mental_illness,
    inclusion_health,
    coastal,
    core20
        OR ethnic_minority
        OR learning_disability
        OR severe_mental_illness
        OR inclusion_health
        OR coastal AS core20plus
FROM people
