-- People urgently referred with lower bowel symptoms, and those with a FIT first, by month
-- of the year's first referral, practice and deprivation quintile.
--
-- Every person is counted once a financial year under IMD 2019 and once under IMD 2025:
-- keep to one edition. Definitions are in model.lower_gi_referral and model.fit_patient;
-- the rate is worked out at publish, from these counts.
-- Source: Investment and Impact Fund, CAN04; the alliance's ambition is 80%.
WITH by_edition AS (
    SELECT month, practice_code, 2019 AS imd_edition, imd2019_quintile AS imd_quintile, fit_in_time
    FROM model.fit_patient

    UNION ALL

    SELECT month, practice_code, 2025 AS imd_edition, imd2025_quintile AS imd_quintile, fit_in_time
    FROM model.fit_patient
)

SELECT
    month,
    practice_code,
    imd_edition,
    imd_quintile,
    CAST(COUNT(*) AS DECIMAL(12, 1)) AS patients_referred,
    CAST(COUNT(*) FILTER (WHERE fit_in_time) AS DECIMAL(12, 1)) AS patients_with_fit_21d
FROM by_edition
GROUP BY
    month,
    practice_code,
    imd_edition,
    imd_quintile
