-- The months of the series, each with the twelve calendar months that end with it.
--
-- The last is the month of the newest snapshot, whose stages are still arriving:
-- provisional. All months are made from that one snapshot, so that a stage that came
-- late, and an opt-out, change all of them alike.
WITH newest AS (
    SELECT MAX(period) AS month
    FROM source.tumours
),

steps AS (
    SELECT UNNEST(GENERATE_SERIES(0, $series_months - 1)) AS months_back
)

SELECT
    add_months(newest.month, -steps.months_back) AS month,
    window_start(month_end(add_months(newest.month, -steps.months_back)), $rolling_months) AS from_date,
    month_end(add_months(newest.month, -steps.months_back)) AS to_date,
    steps.months_back = 0 AS provisional
FROM newest
CROSS JOIN steps
WHERE newest.month IS NOT NULL
