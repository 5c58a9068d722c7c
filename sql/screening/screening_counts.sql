-- The counts of the screening mart, by the pair of quintiles a person has.
--
-- Eligible at the census: in scope (alive, registered, not opted out, then or since), of
-- the cohort's age and sex, not ceased, not unsuitable. Events only build numerators:
--   covered                 latest adequate test is in the cohort's window
--   never_screened          no adequate test on or before the census
--   invited_12m             an invitation in the $uptake_months months to the census
--   adequately_screened_6m  the earliest of those answered within $answer_months calendar
--                           months, both days in, and by the census
-- Each join finds one row at most, so a person is counted once per cohort. Both editions
-- of the IMD are counted in one pass over the people; the mart separates them.
-- Source: screening programme standards; see model.screening_cohort.
WITH cohorts AS (
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

eligible AS (
    SELECT
        person.month,
        person.census_date,
        person.practice_code,
        person.imd2019_quintile,
        person.imd2025_quintile,
        cohort.programme,
        cohort.cohort,
        window_start(
            person.census_date,
            CASE
                WHEN person.census_date >= cohort.later_from THEN cohort.later_window_months
                ELSE cohort.window_months
            END
        ) AS window_from,
        history.tests,
        last_on_or_before(history.tests, person.census_date) AS tested_on,
        last_on_or_before(history.unsuitables, person.census_date) AS unsuitable_on,
        first_on_or_after(history.invitations, window_start(person.census_date, $uptake_months)) AS invited_on
    FROM model.person_month AS person
    INNER JOIN cohorts AS cohort
        ON cohort.age = person.age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    LEFT JOIN model.screening_history AS history
        ON history.person_key = person.person_key
        AND history.programme = cohort.programme
    WHERE person.in_scope
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = person.person_key
                AND (gone.opted_out OR gone.death_date <= person.census_date)
        )
        AND (history.ceased_on IS NULL OR history.ceased_on > person.census_date)
),

answered AS (
    SELECT
        month,
        programme,
        cohort,
        practice_code,
        imd2019_quintile,
        imd2025_quintile,
        tested_on,
        tested_on >= window_from AS is_covered,
        invited_on <= census_date AS is_invited,
        first_on_or_after(tests, invited_on)
            <= LEAST(add_months(invited_on, $answer_months), census_date) AS is_answered
    FROM eligible
    WHERE unsuitable_on IS NULL
        OR unsuitable_on < tested_on
)

SELECT
    month,
    programme,
    cohort,
    practice_code,
    imd2019_quintile,
    imd2025_quintile,
    COUNT(*) AS eligible,
    COUNT(*) FILTER (WHERE is_covered) AS covered,
    COUNT(*) FILTER (WHERE is_invited) AS invited_12m,
    COUNT(*) FILTER (WHERE is_invited AND is_answered) AS adequately_screened_6m,
    COUNT(*) FILTER (WHERE tested_on IS NULL) AS never_screened
FROM answered
GROUP BY
    month,
    programme,
    cohort,
    practice_code,
    imd2019_quintile,
    imd2025_quintile
