-- Lung health checks attended by people invited, one row per person and day.
--
-- A check counts when it is marked attended and dated on or after the letter, and not
-- after a death. "Attended but did not complete" is not attended. High risk is that of
-- the day, from any of its rows: PLCOm2012 of 1.51 or more, or LLPv2 of 2.5 or more.
-- Attendance is spelt with capitals, underscores and double spaces at will.
-- Source: NHS lung cancer screening protocol.
WITH checks AS (
    SELECT
        person_key,
        lhc_date,
        BTRIM(REGEXP_REPLACE(LOWER(lhc_attendance), '[_ ]+', ' ', 'g')) AS attendance,
        plcom2012 >= 1.51 OR llpv2_risk >= 2.5 AS high_risk
    FROM source.lung_checks
    WHERE person_key IS NOT NULL
        AND lhc_date IS NOT NULL
)

SELECT
    checks.person_key,
    checks.lhc_date AS attended_on,
    BOOL_OR(checks.high_risk) IS TRUE AS high_risk
FROM checks
INNER JOIN model.lung_invited AS invited
    ON invited.person_key = checks.person_key
WHERE checks.lhc_date >= invited.letter_date
    AND (invited.death_date IS NULL OR checks.lhc_date <= invited.death_date)
GROUP BY
    checks.person_key,
    checks.lhc_date
HAVING BOOL_OR(checks.attendance = 'participant attended lhc')
