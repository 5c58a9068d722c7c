-- The eligible people of each cohort, counted without practices, quintiles, tests or
-- invitations. The mart must add up to this in both editions: its joins neither lose
-- nor double anybody.
WITH people AS (
    SELECT
        month,
        census_date,
        person_key,
        sex,
        age
    FROM model.person_month AS person
    WHERE in_scope
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = person.person_key
                AND (gone.opted_out OR gone.death_date <= person.census_date)
        )
),

left_programme AS (
    SELECT person_key, programme, tests, unsuitables, ceased_on
    FROM model.screening_history
    WHERE ceased_on IS NOT NULL
        OR unsuitables IS NOT NULL
),

-- Everybody by age and sex, and of them those ceased or unsuitable at the census.
everybody AS (
    SELECT
        month,
        age,
        sex,
        COUNT(*) AS people
    FROM people
    GROUP BY
        month,
        age,
        sex
),

gone AS (
    SELECT
        people.month,
        history.programme,
        people.age,
        people.sex,
        COUNT(*) AS people
    FROM people
    INNER JOIN left_programme AS history
        ON history.person_key = people.person_key
    WHERE history.ceased_on <= people.census_date
        OR (
            last_on_or_before(history.unsuitables, people.census_date) IS NOT NULL
            AND (
                last_on_or_before(history.tests, people.census_date)
                > last_on_or_before(history.unsuitables, people.census_date)
            ) IS NOT TRUE
        )
    GROUP BY
        people.month,
        history.programme,
        people.age,
        people.sex
),

counted AS (
    SELECT
        everybody.month,
        cohort.programme,
        cohort.cohort,
        SUM(everybody.people - COALESCE(gone.people, 0)) AS eligible
    FROM everybody
    INNER JOIN model.screening_cohort AS cohort
        ON everybody.age BETWEEN cohort.min_age AND cohort.max_age
        AND (cohort.sex IS NULL OR cohort.sex = everybody.sex)
    LEFT JOIN gone
        ON gone.month = everybody.month
        AND gone.programme = cohort.programme
        AND gone.age = everybody.age
        AND gone.sex IS NOT DISTINCT FROM everybody.sex
    GROUP BY
        everybody.month,
        cohort.programme,
        cohort.cohort
)

SELECT month, programme, cohort, 2019 AS imd_edition, CAST(eligible AS DECIMAL(12, 1)) AS eligible
FROM counted
WHERE eligible > 0

UNION ALL

SELECT month, programme, cohort, 2025 AS imd_edition, CAST(eligible AS DECIMAL(12, 1)) AS eligible
FROM counted
WHERE eligible > 0
