-- What is not known of the people of each snapshot: one row for each month and rule.
--
-- Of all persons of the snapshot, whether in scope or not. Unknown quintile: of neither
-- code's LSOA, or of one that was split or merged into several quintiles.
SELECT
    person.month,
    kinds.rule,
    CAST(SUM(CASE kinds.rule
        WHEN 'unknown_lsoa' THEN CAST(person.lsoa11_code IS NULL AND person.lsoa21_code IS NULL AS INT)
        WHEN 'unknown_quintile_2019' THEN CAST(person.imd2019_quintile = 0 AS INT)
        WHEN 'unknown_quintile_2025' THEN CAST(person.imd2025_quintile = 0 AS INT)
        WHEN 'unknown_practice' THEN CAST(person.practice_code = 'UNKNOWN' AS INT)
        WHEN 'unknown_ethnicity' THEN CAST(COALESCE(person.ethnicity_code, 'Z') IN ('Z', '99') AS INT)
        ELSE CAST(person.birth_date_conflict AS INT)
    END) AS DOUBLE) AS found,
    CAST(COUNT(*) AS DOUBLE) AS out_of
FROM model.person_month AS person
CROSS JOIN (
    VALUES
    ('unknown_lsoa'),
    ('unknown_quintile_2019'),
    ('unknown_quintile_2025'),
    ('unknown_practice'),
    ('unknown_ethnicity'),
    ('two_birth_dates')
) AS kinds (rule)
GROUP BY
    person.month,
    kinds.rule
