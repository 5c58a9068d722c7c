-- One row per day from $first_day to $last_day.
--
-- The financial year starts on 1 April and the academic year on 1 September. A census
-- is the last day of a month. What all days of a month share is worked out once for it.
WITH months AS (
    SELECT
        UNNEST(
            GENERATE_SERIES(month_start($first_day), month_start($last_day), INTERVAL '1' MONTH)
        ) AS month
),

days AS (
    SELECT
        UNNEST(GENERATE_SERIES(month, month_end(month), INTERVAL '1' DAY)) AS date,
        month,
        month_end(month) AS census,
        TO_CHAR(month, '%B %Y') AS month_name,
        DATE_PART('year', month) AS calendar_year,
        DATE_PART('quarter', month) AS calendar_quarter,
        fin_year(month) AS fin_year,
        DATE_PART('quarter', add_months(month, -3)) AS fin_quarter,
        DATE_PART('month', add_months(month, -3)) AS fin_month,
        academic_year(month) AS academic_year
    FROM months
)

SELECT
    date,
    month,
    month_name,
    calendar_year,
    calendar_quarter,
    fin_year,
    fin_quarter,
    fin_month,
    academic_year,
    date = census AS is_census
FROM days
WHERE date BETWEEN $first_day AND $last_day
