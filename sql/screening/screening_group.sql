-- The counts of the screening mart by the groups that people are in, at the sub-ICB of the
-- practice they are with.
--
-- Who is counted, and as what, is as in model.screening_counts, step for step. A sub-ICB is
-- that of the practice of the month; people of a practice that is on no list, or lies in
-- none, count at $home_sub_icb, as they do where practices are added up.
-- Groups are those of the newest snapshot, as for liver and lung; one who is in none is in
-- no group, and of unknown sex and ethnicity. So a cohort of women may hold a few of another
-- sex: it is the sex of the month that says who belongs to it. Bands are of the age at the
-- census: 25-34, 35-44, 45-54, 55-64 and 65-74 have all cohorts between them.
-- Core20PLUS is national quintile 1 of the edition, at the census, or a PLUS group.
-- Everybody is counted once under IMD 2019 and once under IMD 2025: keep to one edition.
-- People are counted by two numbers, that of a slice (cohort and band) and that of a kind
-- (the groups of a person); names and editions come to the counts.
-- Source: screening programme standards; NHS England Core20PLUS5.
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
        cohort.slice,
        COALESCE(practice.sub_icb_code, $home_sub_icb) AS sub_icb_code,
        COALESCE(groups.kind, 0) AS kind,
        person.imd2019_quintile = 1 OR groups.plus IS TRUE AS core20plus_2019,
        person.imd2025_quintile = 1 OR groups.plus IS TRUE AS core20plus_2025,
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
    INNER JOIN slices AS cohort
        ON cohort.age = person.age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    LEFT JOIN model.screening_history AS history
        ON history.person_key = person.person_key
        AND history.programme = cohort.programme
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
        AND (history.ceased_on IS NULL OR history.ceased_on > person.census_date)
),

answered AS (
    SELECT
        month,
        slice,
        sub_icb_code,
        kind,
        core20plus_2019,
        core20plus_2025,
        tested_on,
        tested_on >= window_from AS is_covered,
        invited_on <= census_date AS is_invited,
        first_on_or_after(tests, invited_on)
            <= LEAST(add_months(invited_on, $answer_months), census_date) AS is_answered
    FROM eligible
    WHERE unsuitable_on IS NULL
        OR unsuitable_on < tested_on
),

counted AS (
    SELECT
        month,
        slice,
        sub_icb_code,
        kind,
        core20plus_2019,
        core20plus_2025,
        COUNT(*) AS eligible,
        COUNT(*) FILTER (WHERE is_covered) AS covered,
        COUNT(*) FILTER (WHERE is_invited) AS invited_12m,
        COUNT(*) FILTER (WHERE is_invited AND is_answered) AS adequately_screened_6m,
        COUNT(*) FILTER (WHERE tested_on IS NULL) AS never_screened
    FROM answered
    GROUP BY
        month,
        slice,
        sub_icb_code,
        kind,
        core20plus_2019,
        core20plus_2025
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
