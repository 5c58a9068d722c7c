-- People urgently referred with lower bowel symptoms, one row per person and financial
-- year, and whether a FIT came before any of that year's referrals.
--
-- CAN04 counts patients, not referrals: somebody referred twice in a year counts once,
-- with a FIT if either referral had one. They count in the month, and at the practice, of
-- the year's first referral, so that the months of a year add up to the year; a later
-- FIT changes that month. Referrals for which there need be no FIT are left out, and
-- people with no others.
-- People who opted out, and referrals after a death, are left out. A practice that is
-- not on the list is UNKNOWN; one that has closed keeps its referrals.
-- Source: Investment and Impact Fund, CAN04.
WITH referrals AS (
    SELECT
        referral.person_key,
        fin_year(referral.referral_date) AS fin_year,
        referral.referral_date,
        referral.practice_code,
        referral.fit_in_time,
        COALESCE(person.imd2019_quintile, 0) AS imd2019_quintile,
        COALESCE(person.imd2025_quintile, 0) AS imd2025_quintile
    FROM model.lower_gi_referral AS referral
    LEFT JOIN model.person_latest AS person
        ON person.person_key = referral.person_key
    WHERE NOT referral.excluded
        AND person.opted_out IS NOT TRUE
        AND (person.death_date IS NULL OR person.death_date >= referral.referral_date)
),

patients AS (
    SELECT
        person_key,
        fin_year,
        imd2019_quintile,
        imd2025_quintile,
        MIN(referral_date) AS referral_date,
        FIRST_VALUE(practice_code ORDER BY referral_date) AS practice_code,
        BOOL_OR(fit_in_time) AS fit_in_time
    FROM referrals
    GROUP BY
        person_key,
        fin_year,
        imd2019_quintile,
        imd2025_quintile
)

SELECT
    patients.person_key,
    patients.fin_year,
    month_start(patients.referral_date) AS month,
    COALESCE(practice.practice_code, 'UNKNOWN') AS practice_code,
    patients.fit_in_time,
    patients.imd2019_quintile,
    patients.imd2025_quintile
FROM patients
LEFT JOIN model.practice AS practice
    ON practice.practice_code = patients.practice_code
