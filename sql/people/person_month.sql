-- One row per person per monthly snapshot, as they stand at that month's census.
--
-- The census is the last day of the month. A person is alive when they died after it
-- or not at all; registered when their registration has begun and not ended; opted out
-- by the national opt-out or a type 1 opt-out. In scope = alive, registered and not
-- opted out. Records without a valid NHS number are no person and are left out.
--
-- The same NHS number twice in one snapshot is one person: the first row in the file
-- stands, and is marked where the next row of that number gives another birth date.
--
-- Quintiles: the person's own LSOA of the edition's vintage, else the other vintage's
-- code as model.lsoa_quintile resolves it, else 0. The joins add and drop nobody.
WITH numbered AS (
    SELECT
        period AS month,
        person_key,
        birth_date,
        death_date,
        sex,
        ethnicity_code,
        lsoa11_code,
        lsoa21_code,
        practice_code,
        registered_from,
        registered_to,
        learning_disability,
        severe_mental_illness,
        inclusion_health,
        smoking_status,
        national_opt_out OR type1_opt_out AS opted_out,
        ROW_NUMBER() OVER (PARTITION BY period, person_key ORDER BY _file, _line) AS position,
        LEAD(birth_date) OVER (PARTITION BY period, person_key ORDER BY _file, _line) AS next_birth_date
    FROM source.people
    WHERE person_key IS NOT NULL
),

people AS (
    SELECT
        month,
        month_end(month) AS census_date,
        person_key,
        birth_date,
        death_date,
        sex,
        ethnicity_code,
        lsoa11_code,
        lsoa21_code,
        practice_code,
        learning_disability,
        severe_mental_illness,
        inclusion_health,
        smoking_status,
        opted_out,
        death_date IS NULL OR death_date > month_end(month) AS alive,
        (registered_from <= month_end(month)) IS TRUE
            AND (registered_to IS NULL OR registered_to > month_end(month)) AS registered,
        next_birth_date IS NOT NULL AND next_birth_date <> birth_date AS birth_date_conflict
    FROM numbered
    WHERE position = 1
),

quintile_2011 AS (
    SELECT lsoa_code, imd2019_quintile, imd2019_match, imd2025_quintile, imd2025_match
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2011
),

quintile_2021 AS (
    SELECT lsoa_code, imd2019_quintile, imd2019_match, imd2025_quintile, imd2025_match
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2021
)

SELECT
    people.month,
    people.census_date,
    people.person_key,
    people.birth_date,
    people.death_date,
    people.sex,
    age_in_years(people.birth_date, people.census_date) AS age,
    people.alive,
    people.registered,
    people.opted_out,
    people.alive AND people.registered AND NOT people.opted_out AS in_scope,
    COALESCE(practice.practice_code, 'UNKNOWN') AS practice_code,
    people.lsoa11_code,
    people.lsoa21_code,
    CASE WHEN from_2011.imd2019_match = 'own' THEN from_2011.imd2019_quintile
         ELSE COALESCE(from_2021.imd2019_quintile, 0) END AS imd2019_quintile,
    CASE WHEN from_2011.imd2019_match = 'own' THEN 'own'
         ELSE COALESCE(from_2021.imd2019_match, 'unknown') END AS imd2019_match,
    CASE WHEN from_2021.imd2025_match = 'own' THEN from_2021.imd2025_quintile
         ELSE COALESCE(from_2011.imd2025_quintile, 0) END AS imd2025_quintile,
    CASE WHEN from_2021.imd2025_match = 'own' THEN 'own'
         ELSE COALESCE(from_2011.imd2025_match, 'unknown') END AS imd2025_match,
    people.ethnicity_code,
    people.learning_disability,
    people.severe_mental_illness,
    people.inclusion_health,
    people.smoking_status,
    people.birth_date_conflict
FROM people
LEFT JOIN quintile_2011 AS from_2011
    ON from_2011.lsoa_code = people.lsoa11_code
LEFT JOIN quintile_2021 AS from_2021
    ON from_2021.lsoa_code = people.lsoa21_code
LEFT JOIN model.practice AS practice
    ON practice.practice_code = people.practice_code
