-- Referrals of people, one row per person and day, and whether a FIT came in time.
--
-- In time is a result dated 0 to $fit_days days before the referral, both ends in. A kit of
-- the screening programme is another test at another threshold and never counts. A reason
-- not to test counts only where there is no result at all, in time or not: whoever has one
-- could be tested. Unlinked records are nobody.
-- Source: Investment and Impact Fund, CAN04.
WITH referrals AS (
    SELECT
        person_key,
        referral_date,
        practice_code,
        CASE WHEN fit_exclusion IS DISTINCT FROM 'screening_kit' THEN fit_result_date END AS fit_date,
        fit_exclusion IN ('fit_not_indicated', 'patient_choice') AS excused
    FROM source.lower_gi_referrals
    WHERE person_key IS NOT NULL
)

SELECT
    person_key,
    referral_date,
    MIN(practice_code) AS practice_code,
    BOOL_OR(referral_date - fit_date BETWEEN 0 AND $fit_days) IS TRUE AS fit_in_time,
    BOOL_OR(excused) IS TRUE AND COUNT(fit_date) = 0 AS excluded
FROM referrals
GROUP BY
    person_key,
    referral_date
