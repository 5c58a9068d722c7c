-- The people invited, counted by cohort month alone. The mart must add up to this in
-- both editions: its joins neither lose nor double anybody.
WITH counted AS (
    SELECT
        cohort_month,
        CAST(COUNT(*) AS DECIMAL(12, 1)) AS invited
    FROM model.lung_invited
    GROUP BY cohort_month
)

SELECT cohort_month, 2019 AS imd_edition, invited
FROM counted

UNION ALL

SELECT cohort_month, 2025 AS imd_edition, invited
FROM counted
