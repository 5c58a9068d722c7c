-- The counts of the screening mart by the groups that people are in, as the project's, from the tests and
-- invitations of duckdb_sql/screening_counts.sql.
WITH cohorts AS (
    SELECT
        programme,
        cohort,
        sex,
        window_months,
        UNNEST(RANGE(min_age, max_age + 1)) AS age
    FROM model.screening_cohort
),

banded AS (
    SELECT
        *,
        CASE
            WHEN age BETWEEN 25 AND 34 THEN '25-34'
            WHEN age BETWEEN 35 AND 44 THEN '35-44'
            WHEN age BETWEEN 45 AND 54 THEN '45-54'
            WHEN age BETWEEN 55 AND 64 THEN '55-64'
            WHEN age BETWEEN 65 AND 74 THEN '65-74'
        END AS age_band
    FROM cohorts
),

slices AS (
    SELECT
        *,
        CAST(DENSE_RANK() OVER (ORDER BY cohort, age_band) AS INTEGER) AS slice
    FROM banded
),

slice_names AS (
    SELECT DISTINCT
        slice,
        programme,
        cohort,
        age_band
    FROM slices
),

people AS (
    SELECT
        person_key,
        COALESCE(sex, 'U') AS sex,
        COALESCE(ethnicity_group, 'Unknown') AS ethnicity_group,
        ethnic_minority IS TRUE AS ethnic_minority,
        learning_disability IS TRUE AS learning_disability,
        severe_mental_illness IS TRUE AS severe_mental_illness,
        inclusion_health IS TRUE AS inclusion_health,
        coastal IS TRUE AS coastal
    FROM model.person_latest
),

found AS (
    SELECT DISTINCT
        sex,
        ethnicity_group,
        ethnic_minority,
        learning_disability,
        severe_mental_illness,
        inclusion_health,
        coastal
    FROM people
),

combinations AS (
    SELECT
        *,
        ethnic_minority
            OR learning_disability
            OR severe_mental_illness
            OR inclusion_health
            OR coastal AS plus,
        ROW_NUMBER() OVER (
            ORDER BY
                sex,
                ethnicity_group,
                ethnic_minority,
                learning_disability,
                severe_mental_illness,
                inclusion_health,
                coastal
        ) AS number
    FROM found
),

-- Kind 0 is unknown and in no group, as is one who is in no snapshot.
kinds AS (
    SELECT
        *,
        CASE
            WHEN sex = 'U' AND ethnicity_group = 'Unknown' AND NOT plus THEN 0
            ELSE CAST(number AS INTEGER)
        END AS kind
    FROM combinations
),

kind_of_person AS (
    SELECT
        people.person_key,
        kinds.kind,
        kinds.plus
    FROM people
    INNER JOIN kinds
        ON kinds.sex = people.sex
        AND kinds.ethnicity_group = people.ethnicity_group
        AND kinds.ethnic_minority = people.ethnic_minority
        AND kinds.learning_disability = people.learning_disability
        AND kinds.severe_mental_illness = people.severe_mental_illness
        AND kinds.inclusion_health = people.inclusion_health
        AND kinds.coastal = people.coastal
),

eligible AS (
    SELECT
        person.month,
        person.census_date,
        person.person_key,
        cohort.programme,
        cohort.slice,
        COALESCE(practice.sub_icb_code, $home_sub_icb) AS sub_icb_code,
        COALESCE(groups.kind, 0) AS kind,
        person.imd2019_quintile = 1 OR groups.plus IS TRUE AS core20plus_2019,
        person.imd2025_quintile = 1 OR groups.plus IS TRUE AS core20plus_2025,
        window_start(person.census_date, cohort.window_months) AS window_from,
        window_start(person.census_date, $uptake_months) AS uptake_from
    FROM model.person_month AS person
    INNER JOIN slices AS cohort
        ON cohort.age = person.age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    LEFT JOIN kind_of_person AS groups
        ON groups.person_key = person.person_key
    LEFT JOIN model.practice AS practice
        ON practice.practice_code = person.practice_code
    WHERE person.in_scope
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = person.person_key
                AND (gone.opted_out OR gone.death_date <= person.census_date)
        )
),

counted AS (
    SELECT
        eligible.month,
        eligible.slice,
        eligible.sub_icb_code,
        eligible.kind,
        eligible.core20plus_2019,
        eligible.core20plus_2025,
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
),

by_edition AS (
    SELECT
        counted.month,
        counted.slice,
        counted.sub_icb_code,
        counted.kind,
        editions.imd_edition,
        CASE editions.imd_edition
            WHEN 2019 THEN counted.core20plus_2019
            ELSE counted.core20plus_2025
        END AS core20plus,
        counted.eligible,
        counted.covered,
        counted.invited_12m,
        counted.adequately_screened_6m,
        counted.never_screened
    FROM counted
    CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
),

summed AS (
    SELECT
        month,
        slice,
        sub_icb_code,
        kind,
        imd_edition,
        core20plus,
        CAST(SUM(eligible) AS DECIMAL(12, 1)) AS eligible,
        CAST(SUM(covered) AS DECIMAL(12, 1)) AS covered,
        CAST(SUM(invited_12m) AS DECIMAL(12, 1)) AS invited_12m,
        CAST(SUM(adequately_screened_6m) AS DECIMAL(12, 1)) AS adequately_screened_6m,
        CAST(SUM(never_screened) AS DECIMAL(12, 1)) AS never_screened
    FROM by_edition
    GROUP BY
        month,
        slice,
        sub_icb_code,
        kind,
        imd_edition,
        core20plus
)

SELECT
    summed.month,
    slice_names.programme,
    slice_names.cohort,
    summed.sub_icb_code,
    summed.imd_edition,
    summed.core20plus,
    COALESCE(kinds.sex, 'U') AS sex,
    slice_names.age_band,
    COALESCE(kinds.ethnicity_group, 'Unknown') AS ethnicity_group,
    kinds.ethnic_minority IS TRUE AS ethnic_minority,
    kinds.learning_disability IS TRUE AS learning_disability,
    kinds.severe_mental_illness IS TRUE AS severe_mental_illness,
    kinds.inclusion_health IS TRUE AS inclusion_health,
    kinds.coastal IS TRUE AS coastal,
    summed.eligible,
    summed.covered,
    summed.invited_12m,
    summed.adequately_screened_6m,
    summed.never_screened
FROM summed
INNER JOIN slice_names
    ON slice_names.slice = summed.slice
LEFT JOIN kinds
    ON kinds.kind = summed.kind
