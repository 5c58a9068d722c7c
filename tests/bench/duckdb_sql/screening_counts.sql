-- The counts of the screening mart, as the project's, but people find their cohorts by an equi-join on
-- each age of it: DuckDB joins on a range of ages two and a half times as slowly.
WITH cohorts AS (
    SELECT
        UNNEST(RANGE(min_age, max_age + 1)) AS age,
        sex,
        programme,
        cohort,
        window_months
    FROM model.screening_cohort
),

eligible AS (
    SELECT
        person.month,
        person.census_date,
        person.person_key,
        person.practice_code,
        person.imd2019_quintile,
        person.imd2025_quintile,
        cohorts.programme,
        cohorts.cohort,
        window_start(person.census_date, cohorts.window_months) AS window_from,
        window_start(person.census_date, $uptake_months) AS uptake_from
    FROM model.person_month AS person
    INNER JOIN cohorts
        ON cohorts.age = person.age
        AND (cohorts.sex IS NULL OR cohorts.sex = person.sex)
    WHERE person.in_scope
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = person.person_key
                AND (gone.opted_out OR gone.death_date <= person.census_date)
        )
)

SELECT
    eligible.month,
    eligible.programme,
    eligible.cohort,
    eligible.practice_code,
    eligible.imd2019_quintile,
    eligible.imd2025_quintile,
    COUNT(*) AS eligible,
    COUNT(*) FILTER (WHERE test.tested_on >= eligible.window_from) AS covered,
    COUNT(invitation.invited_on) AS invited_12m,
    COUNT(*) FILTER (WHERE invitation.screened_on <= eligible.census_date) AS adequately_screened_6m,
    COUNT(*) FILTER (WHERE test.tested_on IS NULL) AS never_screened
FROM eligible
LEFT JOIN model.screening_ceased AS ceased
    ON ceased.person_key = eligible.person_key
    AND ceased.programme = eligible.programme
LEFT JOIN model.screening_last_test AS test
    ON test.person_key = eligible.person_key
    AND test.programme = eligible.programme
    AND test.tested_on <= eligible.census_date
    AND (test.next_tested_on IS NULL OR test.next_tested_on > eligible.census_date)
LEFT JOIN model.screening_invitation AS invitation
    ON invitation.person_key = eligible.person_key
    AND invitation.programme = eligible.programme
    AND invitation.invited_on BETWEEN eligible.uptake_from AND eligible.census_date
    AND (invitation.previous_invited_on IS NULL OR invitation.previous_invited_on < eligible.uptake_from)
WHERE ceased.ceased_on IS NULL
    OR ceased.ceased_on > eligible.census_date
GROUP BY ALL
