-- Whom to call: the people of each screening cohort at the latest census, one row per
-- person and programme, with the latest adequate test and how long it has been out of date.
--
-- Who is in the list: in scope (alive, registered, not opted out), of the cohort's age and
-- sex. Those ceased from the programme, or unsuitable for it, are listed as not eligible, so
-- that nobody looks for them in vain.
--   up_to_date     the latest adequate test is in the cohort's window at the census, as
--                  in screening_coverage, whose eligible and covered this must add up to
--   expiry_month   the first month at whose census that test no longer counts: the month
--                  of the test and the window's months
--   overdue_band   days from the last day on which it counted to the census
--   declined_12m   declined, or did not answer, in the $declined_months months to the census
-- The age at the census decides the cohort, and with it the window, as for coverage.
-- Quintiles are of IMD 2025. Everybody is under a pseudonym: those who call ask the
-- practice who it is.
-- Source: screening programme standards; see model.screening_cohort.
WITH latest AS (
    SELECT MAX(month) AS month
    FROM model.person_month
),

cohorts AS (
    SELECT
        programme,
        cohort,
        sex,
        window_months,
        later_window_months,
        later_from,
        UNNEST(GENERATE_SERIES(min_age, max_age)) AS age
    FROM model.screening_cohort
),

people AS (
    SELECT
        person.month,
        person.census_date,
        person.person_key,
        person.practice_code,
        person.imd2025_quintile,
        cohort.programme,
        cohort.cohort,
        CASE
            WHEN person.census_date >= cohort.later_from THEN cohort.later_window_months
            ELSE cohort.window_months
        END AS window_months
    FROM model.person_month AS person
    INNER JOIN latest
        ON latest.month = person.month
    INNER JOIN cohorts AS cohort
        ON cohort.age = person.age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    WHERE person.in_scope
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = person.person_key
                AND (gone.opted_out OR gone.death_date <= person.census_date)
        )
),

tested AS (
    SELECT
        people.month,
        people.census_date,
        people.person_key,
        people.practice_code,
        people.imd2025_quintile,
        people.programme,
        people.cohort,
        people.window_months,
        (history.ceased_on IS NULL OR history.ceased_on > people.census_date)
            AND (
                last_on_or_before(history.unsuitables, people.census_date)
                >= COALESCE(last_on_or_before(history.tests, people.census_date), DATE '0001-01-01')
            ) IS NOT TRUE AS eligible,
        last_on_or_before(history.tests, people.census_date) AS tested_on,
        (
            last_on_or_before(history.declines, people.census_date)
            >= window_start(people.census_date, $declined_months)
        ) IS TRUE AS declined_12m
    FROM people
    LEFT JOIN model.screening_history AS history
        ON history.person_key = people.person_key
        AND history.programme = people.programme
),

expiring AS (
    SELECT
        *,
        add_months(month_start(tested_on), window_months) AS expiry_month
    FROM tested
)

SELECT
    month,
    programme,
    person_key,
    cohort,
    practice_code,
    2025 AS imd_edition,
    imd2025_quintile AS imd_quintile,
    eligible,
    eligible AND (expiry_month > census_date) IS TRUE AS up_to_date,
    tested_on AS last_test_date,
    expiry_month,
    CASE
        WHEN NOT eligible THEN 'not_eligible'
        WHEN tested_on IS NULL THEN 'never_screened'
        WHEN expiry_month > census_date THEN 'up_to_date'
        WHEN census_date - expiry_month + 1 <= 90 THEN 'overdue_1_90'
        WHEN census_date - expiry_month + 1 <= 180 THEN 'overdue_91_180'
        WHEN census_date - expiry_month + 1 <= 365 THEN 'overdue_181_365'
        ELSE 'overdue_over_365'
    END AS overdue_band,
    declined_12m
FROM expiring
