-- What is not known of the people of each snapshot: one row for each month and rule.
--
-- Of all persons of the snapshot, whether in scope or not. Unknown LSOA: both codes are blank
-- or on no list, so that neither edition knows the place. Unknown quintile: of neither code's
-- LSOA, or of one that was split or merged into several quintiles. Estimated birth date: the
-- extract has the month alone.
WITH counted AS (
    SELECT
        month,
        COUNT(*) FILTER (WHERE imd2019_match = 'unknown' AND imd2025_match = 'unknown') AS unknown_lsoa,
        COUNT(*) FILTER (WHERE imd2019_quintile = 0) AS unknown_quintile_2019,
        COUNT(*) FILTER (WHERE imd2025_quintile = 0) AS unknown_quintile_2025,
        COUNT(*) FILTER (WHERE practice_code = 'UNKNOWN') AS unknown_practice,
        COUNT(*) FILTER (WHERE COALESCE(ethnicity_code, 'Z') IN ('Z', '99')) AS unknown_ethnicity,
        COUNT(*) FILTER (WHERE birth_date_conflict) AS two_birth_dates,
        COUNT(*) FILTER (WHERE birth_date_estimated) AS estimated_birth_dates,
        COUNT(*) AS people
    FROM model.person_month
    GROUP BY month
)

SELECT
    counted.month,
    kinds.rule,
    CAST(CASE kinds.rule
        WHEN 'unknown_lsoa' THEN counted.unknown_lsoa
        WHEN 'unknown_quintile_2019' THEN counted.unknown_quintile_2019
        WHEN 'unknown_quintile_2025' THEN counted.unknown_quintile_2025
        WHEN 'unknown_practice' THEN counted.unknown_practice
        WHEN 'unknown_ethnicity' THEN counted.unknown_ethnicity
        WHEN 'two_birth_dates' THEN counted.two_birth_dates
        ELSE counted.estimated_birth_dates
    END AS DOUBLE) AS found,
    CAST(counted.people AS DOUBLE) AS out_of
FROM counted
CROSS JOIN (
    VALUES
    ('unknown_lsoa'),
    ('unknown_quintile_2019'),
    ('unknown_quintile_2025'),
    ('unknown_practice'),
    ('unknown_ethnicity'),
    ('two_birth_dates'),
    ('estimated_birth_dates')
) AS kinds (rule)
