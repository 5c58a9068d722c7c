-- From when until when each adequate test was the person's latest.
--
-- At a census the latest test is the one row with
--     tested_on <= census AND (next_tested_on IS NULL OR next_tested_on > census)
-- so a person joins at most one row. Tests already followed by another at the first
-- census we hold can never be the latest and are left out: a long history costs little.
WITH first_census AS (
    SELECT month_end(MIN(month)) AS census_date
    FROM model.person_month
),

followed AS (
    SELECT
        person_key,
        programme,
        tested_on,
        LEAD(tested_on) OVER (PARTITION BY person_key, programme ORDER BY tested_on) AS next_tested_on
    FROM model.screening_test
)

SELECT
    followed.person_key,
    followed.programme,
    followed.tested_on,
    followed.next_tested_on
FROM followed
CROSS JOIN first_census
WHERE followed.next_tested_on IS NULL
    OR followed.next_tested_on > first_census.census_date
