-- One row per day from $first_day to $last_day.
--
-- The financial year starts on 1 April and the academic year on 1 September. A census
-- is the last day of a month.
WITH days AS (
    SELECT UNNEST(GENERATE_SERIES($first_day, $last_day, INTERVAL '1' DAY)) AS date
)

SELECT
    date,
    month_start(date) AS month,
    TO_CHAR(date, '%B %Y') AS month_name,
    DATE_PART('year', date) AS calendar_year,
    DATE_PART('quarter', date) AS calendar_quarter,
    fin_year(date) AS fin_year,
    DATE_PART('quarter', add_months(month_start(date), -3)) AS fin_quarter,
    DATE_PART('month', add_months(month_start(date), -3)) AS fin_month,
    academic_year(date) AS academic_year,
    date = month_end(date) AS is_census
FROM days
