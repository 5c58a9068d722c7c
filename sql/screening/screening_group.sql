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

eligible AS (
    SELECT
        person.month,
        person.census_date,
        cohort.programme,
        cohort.cohort,
        cohort.age_band,
        COALESCE(practice.sub_icb_code, $home_sub_icb) AS sub_icb_code,
        person.imd2019_quintile = 1 AS core20_2019,
        person.imd2025_quintile = 1 AS core20_2025,
        COALESCE(groups.sex, 'U') AS sex,
        COALESCE(groups.ethnicity_group, 'Unknown') AS ethnicity_group,
        groups.ethnic_minority IS TRUE AS ethnic_minority,
        groups.learning_disability IS TRUE AS learning_disability,
        groups.severe_mental_illness IS TRUE AS severe_mental_illness,
        groups.inclusion_health IS TRUE AS inclusion_health,
        groups.coastal IS TRUE AS coastal,
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
    INNER JOIN banded AS cohort
        ON cohort.age = person.age
        AND (cohort.sex IS NULL OR cohort.sex = person.sex)
    LEFT JOIN model.practice AS practice
        ON practice.practice_code = person.practice_code
    LEFT JOIN model.person_latest AS groups
        ON groups.person_key = person.person_key
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
        *,
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
        month, programme, cohort, sub_icb_code, core20_2019, core20_2025, sex, age_band, ethnicity_group,
        ethnic_minority, learning_disability, severe_mental_illness, inclusion_health, coastal,
        COUNT(*) AS eligible,
        COUNT(*) FILTER (WHERE is_covered) AS covered,
        COUNT(*) FILTER (WHERE is_invited) AS invited_12m,
        COUNT(*) FILTER (WHERE is_invited AND is_answered) AS adequately_screened_6m,
        COUNT(*) FILTER (WHERE tested_on IS NULL) AS never_screened
    FROM answered
    GROUP BY
        month, programme, cohort, sub_icb_code, core20_2019, core20_2025, sex, age_band, ethnicity_group,
        ethnic_minority, learning_disability, severe_mental_illness, inclusion_health, coastal
),

by_edition AS (
    SELECT
        counted.*,
        editions.imd_edition,
        CASE editions.imd_edition WHEN 2019 THEN core20_2019 ELSE core20_2025 END
            OR ethnic_minority
            OR learning_disability
            OR severe_mental_illness
            OR inclusion_health
            OR coastal AS core20plus
    FROM counted
    CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
)

SELECT
    month,
    programme,
    cohort,
    sub_icb_code,
    imd_edition,
    core20plus,
    sex,
    age_band,
    ethnicity_group,
    ethnic_minority,
    learning_disability,
    severe_mental_illness,
    inclusion_health,
    coastal,
    CAST(SUM(eligible) AS DECIMAL(12, 1)) AS eligible,
    CAST(SUM(covered) AS DECIMAL(12, 1)) AS covered,
    CAST(SUM(invited_12m) AS DECIMAL(12, 1)) AS invited_12m,
    CAST(SUM(adequately_screened_6m) AS DECIMAL(12, 1)) AS adequately_screened_6m,
    CAST(SUM(never_screened) AS DECIMAL(12, 1)) AS never_screened
FROM by_edition
GROUP BY
    month,
    programme,
    cohort,
    sub_icb_code,
    imd_edition,
    core20plus,
    sex,
    age_band,
    ethnicity_group,
    ethnic_minority,
    learning_disability,
    severe_mental_illness,
    inclusion_health,
    coastal
