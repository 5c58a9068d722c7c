-- The functions of docs/functions.md that the pipelines' SQL uses, in DuckDB's words, and some of
-- PostgreSQL's that DuckDB has under another name.
SET integer_division = true;

CREATE MACRO month_start(d) AS CAST(date_trunc('month', d) AS DATE);
CREATE MACRO month_end(d) AS last_day(d);
CREATE MACRO add_months(d, n) AS CAST(d + to_months(CAST(n AS INTEGER)) AS DATE);
CREATE MACRO window_start(census, k) AS
    CAST(date_trunc('month', census) - to_months(CAST(k - 1 AS INTEGER)) AS DATE);

-- Completed years. As numbers, 20080229 to 20250228 are 16 years and to 20250301 are 17.
CREATE MACRO as_number(d) AS year(d) * 10000 + month(d) * 100 + day(d);
CREATE MACRO age_in_years(birth, on_day) AS
    CASE WHEN on_day >= birth THEN (as_number(on_day) - as_number(birth)) // 10000 END;

CREATE MACRO year_from(d, first_month) AS
    CASE WHEN month(d) >= first_month THEN year(d) ELSE year(d) - 1 END;
CREATE MACRO year_name(y) AS y || '/' || lpad(CAST((y + 1) % 100 AS VARCHAR), 2, '0');
CREATE MACRO fin_year(d) AS year_name(year_from(d, 4));
CREATE MACRO academic_year(d) AS year_name(year_from(d, 9));

CREATE MACRO btrim(t) AS trim(t);
CREATE MACRO initcap(t) AS array_to_string(
    list_transform(string_split(lower(t), ' '), lambda w: upper(w[1]) || w[2:]), ' ');

-- Weights here are halves and wholes: a value stands as often as it has halves.
CREATE MACRO weighted_percentile(v, weight, share) AS
    list_aggregate(flatten(list(repeat([v], CAST(weight * 2 AS INTEGER)))), 'quantile_disc', share);
