-- Published cervical screening coverage, and whether its counts give the same value and limits.
--
-- Coverage is covered over eligible in per cent, its limits Wilson's at 95%. A row agrees when all
-- three come out within 0.0001 points, the last decimal that is printed. Some rows are printed to two
-- decimals, none of the three figures longer: those agree within half of the second decimal (and a
-- hair, which is what the sums of a computer may be off).
-- Source: OHID, Fingertips, indicators 93560 (ages 25 to 49) and 93561 (50 to 64) and their method.
WITH again AS (
    SELECT
        *,
        100.0 * proportion(covered, eligible) AS coverage_again,
        100.0 * wilson_lower(covered, eligible) AS lower_again,
        100.0 * wilson_upper(covered, eligible) AS upper_again,
        CASE
            WHEN coverage * 100 = FLOOR(coverage * 100)
                AND coverage_lower * 100 = FLOOR(coverage_lower * 100)
                AND coverage_upper * 100 = FLOOR(coverage_upper * 100)
                THEN CAST(0.005001 AS DOUBLE)
            ELSE CAST(0.0001 AS DOUBLE)
        END AS tolerance
    FROM source.published_cervical_coverage
)

SELECT
    CAST(_line AS BIGINT) AS line,
    indicator_id,
    area_code,
    area_name,
    category_type,
    category,
    year,
    covered,
    eligible,
    coverage,
    coverage_lower,
    coverage_upper,
    coverage_again,
    lower_again,
    upper_again,
    CASE
        WHEN covered IS NOT NULL THEN COALESCE(
            ABS(coverage_again - CAST(coverage AS DOUBLE)) <= tolerance
            AND ABS(lower_again - CAST(coverage_lower AS DOUBLE)) <= tolerance
            AND ABS(upper_again - CAST(coverage_upper AS DOUBLE)) <= tolerance,
            FALSE
        )
    END AS agrees
FROM again
