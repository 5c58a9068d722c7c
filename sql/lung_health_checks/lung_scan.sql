-- Low-dose CT scans performed on people invited, one row per person and day.
--
-- The day is that of the scan; where it is blank or precedes the letter, the day of the
-- report stands in if that is on or after the letter; otherwise the scan is not counted.
-- Nobody is scanned after their death.
-- Referred = the scan's row carries a date of referral to the lung cancer pathway.
-- Source: programme data item dictionary; national evaluation.
WITH performed AS (
    SELECT
        person_key,
        ldct_date,
        ldct_reportdate1 AS report_date,
        date_referral_lung_cancer IS NOT NULL AS referred
    FROM source.lung_scans
    WHERE person_key IS NOT NULL
        AND BTRIM(REGEXP_REPLACE(LOWER(ldct_outcome), '[_ ]+', ' ', 'g')) = 'ldct performed'
),

dated AS (
    SELECT
        performed.person_key,
        CASE
            WHEN performed.ldct_date >= invited.letter_date THEN performed.ldct_date
            WHEN performed.report_date >= invited.letter_date THEN performed.report_date
        END AS scanned_on,
        invited.death_date,
        performed.referred
    FROM performed
    INNER JOIN model.lung_invited AS invited
        ON invited.person_key = performed.person_key
)

SELECT
    person_key,
    scanned_on,
    BOOL_OR(referred) AS referred
FROM dated
WHERE scanned_on IS NOT NULL
    AND (death_date IS NULL OR scanned_on <= death_date)
GROUP BY
    person_key,
    scanned_on
