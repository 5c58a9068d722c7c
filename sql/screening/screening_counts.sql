-- The counts of the screening mart, by the pair of quintiles a person has.
--
-- Eligible at the census: in scope (alive, registered, not opted out), of the cohort's
-- age and sex, not ceased. Events only build numerators:
--   covered                 latest adequate test is in the cohort's window
--   never_screened          no adequate test on or before the census
--   invited_12m             an invitation in the $uptake_months months to the census
--   adequately_screened_6m  that invitation answered in time, and by the census
-- Each join finds one row at most, so a person is counted once per cohort. Both editions
-- of the IMD are counted in one pass over the people; the mart separates them.
-- Source: screening programme standards; see model.screening_cohort.
WITH eligible AS (
    SELECT
        person.month,
        person.census_date,
        person.person_key,
        person.practice_code,
        person.imd2019_quintile,
        person.imd2025_quintile,
        cohort.programme,
        cohort.cohort,
        window_start(person.census_date, cohort.window_months) AS window_from,
        window_start(person.census_date, $uptake_months) AS uptake_from
    FROM model.person_month AS person
    INNER JOIN model.screening_cohort AS cohort
        ON person.age BETWEEN cohort.min_age AND cohort.max_age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    WHERE person.in_scope
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
GROUP BY
    eligible.month,
    eligible.programme,
    eligible.cohort,
    eligible.practice_code,
    eligible.imd2019_quintile,
    eligible.imd2025_quintile
