-- Referrals of people, one row per person and day, and whether a FIT came in time.
--
-- In time is a result dated 0 to $fit_days days before the referral, both ends in. A kit of
-- the screening programme is another test at another threshold and never counts. A reason
-- not to test counts only where there is no result in time. Unlinked records are nobody.
-- Source: Investment and Impact Fund, CAN04.
SELECT
    person_key,
    referral_date,
    MIN(practice_code) AS practice_code,
    BOOL_OR(
        COALESCE(referral_date - fit_result_date BETWEEN 0 AND $fit_days, FALSE)
        AND fit_exclusion IS DISTINCT FROM 'screening_kit'
    ) AS fit_in_time,
    BOOL_OR(COALESCE(fit_exclusion IN ('fit_not_indicated', 'patient_choice'), FALSE))
    AND NOT BOOL_OR(
        COALESCE(referral_date - fit_result_date BETWEEN 0 AND $fit_days, FALSE)
        AND fit_exclusion IS DISTINCT FROM 'screening_kit'
    ) AS excluded
FROM source.lower_gi_referrals
WHERE person_key IS NOT NULL
GROUP BY person_key, referral_date
