-- As the project's, but DuckDB's series of days is of timestamps.
WITH days AS (
    SELECT CAST(UNNEST(GENERATE_SERIES($first_day, $last_day, INTERVAL '1' DAY)) AS DATE) AS date
)

SELECT
    date,
    month_start(date) AS month,
    strftime(date, '%B %Y') AS month_name,
    year(date) AS calendar_year,
    quarter(date) AS calendar_quarter,
    fin_year(date) AS fin_year,
    quarter(add_months(month_start(date), -3)) AS fin_quarter,
    month(add_months(month_start(date), -3)) AS fin_month,
    academic_year(date) AS academic_year,
    date = month_end(date) AS is_census
FROM days
