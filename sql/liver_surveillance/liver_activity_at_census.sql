-- What had happened to each person of the register by each census, at any trust.
--
-- Invited: an invitation dated in the $surveillance_months calendar months to the
-- census; two letters are one person. Scanned: an ultrasound, CT or MRI in the same
-- window, with or without an invitation. Scanned lately: one in $overdue_months months.
-- Liver cancer: diagnosed in the census month; early = BCLC 0 or A, or TNM 1 or 2.
-- Activity counts whichever month's workbook brought it.
-- Source: NICE QS152 statement 4; Cancer Alliance plan.
WITH activity AS (
    SELECT
        register.month,
        register.person_key,
        activity.invite_date
            BETWEEN window_start(register.census_date, $surveillance_months)
            AND register.census_date AS invited,
        activity.modality IN ('US', 'CT', 'MRI')
            AND activity.scan_date
            BETWEEN window_start(register.census_date, $surveillance_months)
            AND register.census_date AS scanned,
        activity.modality IN ('US', 'CT', 'MRI')
            AND activity.scan_date
            BETWEEN window_start(register.census_date, $overdue_months)
            AND register.census_date AS scanned_lately,
        activity.hcc_diagnosis_date BETWEEN register.month AND register.census_date AS hcc_diagnosed,
        activity.bclc_stage IN ('0', 'A')
            OR activity.tnm_stage LIKE '1%'
            OR activity.tnm_stage LIKE '2%' AS early
    FROM model.liver_register_current AS register
    INNER JOIN source.liver_activity AS activity
        ON activity.person_key = register.person_key
)

SELECT
    month,
    person_key,
    BOOL_OR(invited) IS TRUE AS invited_6m,
    BOOL_OR(scanned) IS TRUE AS scanned_6m,
    BOOL_OR(scanned_lately) IS TRUE AS scanned_7m,
    BOOL_OR(hcc_diagnosed) IS TRUE AS hcc_diagnosed,
    BOOL_OR(hcc_diagnosed AND early) IS TRUE AS hcc_early
FROM activity
GROUP BY
    month,
    person_key
