-- The day each person was first ceased from a programme, for whatever reason (no colon,
-- no cervix, bilateral mastectomy, informed choice, ...). From that day on they are
-- neither in the denominator nor in the numerator.
SELECT
    person_key,
    programme,
    MIN(event_date) AS ceased_on
FROM source.screening_events
WHERE person_key IS NOT NULL
    AND event_type = 'ceased'
GROUP BY
    person_key,
    programme
