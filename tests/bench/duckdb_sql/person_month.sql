-- One row per person per monthly snapshot, as the project's, without what no mart reads.
--
-- A number that stands twice in a snapshot is rare, so the few are looked for first: a window over
-- everybody would sort them all. The first row in the file stands.
WITH repeated AS (
    SELECT
        period,
        person_key,
        MIN(_file) AS _file,
        MIN_BY(_line, (_file, _line)) AS _line
    FROM source.people
    WHERE person_key IS NOT NULL
    GROUP BY ALL
    HAVING COUNT(*) > 1
),

people AS (
    SELECT
        people.* EXCLUDE (period, national_opt_out, type1_opt_out, _file, _line),
        period AS month,
        month_end(period) AS census_date,
        death_date IS NULL OR death_date > month_end(period) AS alive,
        COALESCE(registered_from <= month_end(period), FALSE)
            AND (registered_to IS NULL OR registered_to > month_end(period)) AS registered,
        national_opt_out OR type1_opt_out AS opted_out
    FROM source.people AS people
    LEFT JOIN repeated
        USING (period, person_key)
    WHERE person_key IS NOT NULL
        AND (repeated._line IS NULL OR (repeated._file = people._file AND repeated._line = people._line))
),

quintile_2011 AS (
    SELECT lsoa_code, imd2019_quintile, imd2019_match = 'own' AS own, imd2025_quintile
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2011
),

quintile_2021 AS (
    SELECT lsoa_code, imd2019_quintile, imd2025_match = 'own' AS own, imd2025_quintile
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2021
)

SELECT
    people.* EXCLUDE (practice_code),
    age_in_years(birth_date, census_date) AS age,
    alive AND registered AND NOT opted_out AS in_scope,
    CASE WHEN practice.followed_until < census_date THEN practice.current_code
        WHEN practice.close_date < census_date THEN COALESCE(practice.followed_by, practice.practice_code)
        ELSE COALESCE(practice.practice_code, 'UNKNOWN') END AS practice_code,
    CASE WHEN from_2011.own THEN from_2011.imd2019_quintile ELSE COALESCE(from_2021.imd2019_quintile, 0) END
        AS imd2019_quintile,
    CASE WHEN from_2021.own THEN from_2021.imd2025_quintile ELSE COALESCE(from_2011.imd2025_quintile, 0) END
        AS imd2025_quintile
FROM people
LEFT JOIN quintile_2011 AS from_2011
    ON from_2011.lsoa_code = people.lsoa11_code
LEFT JOIN quintile_2021 AS from_2021
    ON from_2021.lsoa_code = people.lsoa21_code
LEFT JOIN model.practice AS practice
    ON practice.practice_code = people.practice_code
