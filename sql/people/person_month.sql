-- One row per person per monthly snapshot, as they stand at that month's census.
--
-- The census is the last day of the month. A person is alive when they died after it
-- or not at all; registered when their registration has begun and not ended; opted out
-- by the national opt-out or a type 1 opt-out. In scope = alive, registered and not
-- opted out. Records without a valid NHS number are no person and are left out.
--
-- The same NHS number twice in one snapshot is one person: the first row in the file
-- stands, and is marked where another row of that number gives another birth date. A birth
-- date known by its month alone is the 15th, and is marked; a date in that month is no other.
--
-- Quintiles: the person's own LSOA of the edition's vintage, else the other vintage's
-- code as model.lsoa_quintile resolves it, else 0. The joins add and drop nobody.
-- Practice: the one in the snapshot; after the day it closed, its successor, and after that
-- one closed as well, the one that has its patients now; UNKNOWN where the list has none.
WITH repeated AS (
    SELECT
        period,
        person_key,
        MIN(_line) AS first_line,
        month_start(MIN(birth_date)) <> month_start(MAX(birth_date))
            OR (
                MIN(birth_date) FILTER (WHERE birth_date_note IS NULL)
                <> MAX(birth_date) FILTER (WHERE birth_date_note IS NULL)
            ) IS TRUE AS birth_date_conflict
    FROM source.people
    WHERE person_key IS NOT NULL
    GROUP BY
        period,
        person_key
    HAVING COUNT(*) > 1
),

people AS (
    SELECT
        person.period AS month,
        month_end(person.period) AS census_date,
        person.person_key,
        person.birth_date,
        (person.birth_date_note = 'month') IS TRUE AS birth_date_estimated,
        person.death_date,
        person.sex,
        person.ethnicity_code,
        person.lsoa11_code,
        person.lsoa21_code,
        person.practice_code,
        person.learning_disability,
        person.severe_mental_illness,
        person.inclusion_health,
        person.smoking_status,
        person.national_opt_out OR person.type1_opt_out AS opted_out,
        person.death_date IS NULL OR person.death_date > month_end(person.period) AS alive,
        (person.registered_from <= month_end(person.period)) IS TRUE
            AND (person.registered_to IS NULL OR person.registered_to > month_end(person.period)) AS registered,
        repeated.birth_date_conflict IS TRUE AS birth_date_conflict
    FROM source.people AS person
    LEFT JOIN repeated
        ON repeated.period = person.period
        AND repeated.person_key = person.person_key
    -- A row without a number is no person; of rows that share one, the first stands.
    WHERE (repeated.first_line IS NULL AND person.person_key IS NOT NULL)
        OR repeated.first_line = person._line
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
    COALESCE(
        CASE
            WHEN practice.followed_until < people.census_date THEN practice.current_code
            WHEN practice.close_date < people.census_date THEN practice.followed_by
        END,
        practice.practice_code,
        'UNKNOWN'
    ) AS practice_code,
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
    people.birth_date_estimated,
    people.birth_date_conflict
FROM people
LEFT JOIN quintile_2011 AS from_2011
    ON from_2011.lsoa_code = people.lsoa11_code
LEFT JOIN quintile_2021 AS from_2021
    ON from_2021.lsoa_code = people.lsoa21_code
LEFT JOIN model.practice AS practice
    ON practice.practice_code = people.practice_code
