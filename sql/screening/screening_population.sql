-- The eligible people of each cohort, counted without practices, quintiles, tests or
-- invitations. The mart must add up to this in both editions: its joins neither lose
-- nor double anybody.
WITH counted AS (
    SELECT
        person.month,
        cohort.programme,
        cohort.cohort,
        COUNT(*) AS eligible
    FROM model.person_month AS person
    INNER JOIN model.screening_cohort AS cohort
        ON person.age BETWEEN cohort.min_age AND cohort.max_age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    LEFT JOIN model.screening_ceased AS ceased
        ON ceased.person_key = person.person_key
        AND ceased.programme = cohort.programme
    WHERE person.in_scope
        AND (ceased.ceased_on IS NULL OR ceased.ceased_on > person.census_date)
    GROUP BY
        person.month,
        cohort.programme,
        cohort.cohort
)

SELECT month, programme, cohort, 2019 AS imd_edition, CAST(eligible AS DECIMAL(12, 1)) AS eligible
FROM counted

UNION ALL

SELECT month, programme, cohort, 2025 AS imd_edition, CAST(eligible AS DECIMAL(12, 1)) AS eligible
FROM counted
