-- Adequate screening tests, one row per person, programme and day.
--
-- A kit spoilt and sent again is two events but one test: only adequate ones count.
-- For bowel the test must be a FIT. Unlinked records are nobody's test.
SELECT
    person_key,
    programme,
    event_date AS tested_on
FROM source.screening_events
WHERE person_key IS NOT NULL
    AND event_type = 'screened_adequate'
    AND (programme <> 'bowel' OR test_type = 'FIT')
GROUP BY
    person_key,
    programme,
    event_date
