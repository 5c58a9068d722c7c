-- One row for each person that screening_coverage counts as eligible at the latest census,
-- and whether as covered: the list of whom to call must have as many, practice by practice.
WITH latest AS (
    SELECT MAX(month) AS month
    FROM model.screening_counts
),

counted AS (
    SELECT
        counts.month,
        counts.programme,
        counts.cohort,
        counts.practice_code,
        counts.imd2025_quintile AS imd_quintile,
        SUM(counts.covered) AS covered,
        SUM(counts.eligible) AS eligible
    FROM model.screening_counts AS counts
    INNER JOIN latest
        ON latest.month = counts.month
    GROUP BY
        counts.month,
        counts.programme,
        counts.cohort,
        counts.practice_code,
        counts.imd2025_quintile
),

numbered AS (
    SELECT
        month,
        programme,
        cohort,
        practice_code,
        imd_quintile,
        covered,
        UNNEST(GENERATE_SERIES(1, eligible)) AS position
    FROM counted
)

SELECT
    month,
    programme,
    cohort,
    practice_code,
    imd_quintile,
    position,
    position <= covered AS up_to_date
FROM numbered
