-- HPV vaccination by authority, academic year, school year and sex, parts only, with the
-- first month of the academic year.
SELECT
    academic_year,
    CAST(SUBSTR(academic_year, 1, 4) || '-09-01' AS DATE) AS month,
    utla_code,
    school_year,
    sex,
    eligible,
    vaccinated
FROM mart.hpv_vaccination
WHERE NOT is_total
