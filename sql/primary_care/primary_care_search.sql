-- What each search found at each practice, by the month it tells of.
--
-- A search that was not run at a practice has no counts: null is not nought.
SELECT
    period AS month,
    search,
    practice_code,
    CAST(found AS DECIMAL(12, 1)) AS found,
    CAST(parent AS DECIMAL(12, 1)) AS parent,
    status = 'Completed' AS completed
FROM source.primary_care_searches
