-- The eligible people with cirrhosis of each census, counted by month alone. The mart must add up to
-- this in both editions: its joins neither lose nor double anybody.
WITH counted AS (
    SELECT
        month,
        CAST(COUNT(*) FILTER (WHERE eligible) AS DECIMAL(12, 1)) AS eligible
    FROM model.liver_register_current
    WHERE fibrosis_stage = 'F4'
    GROUP BY month
)

SELECT month, 2019 AS imd_edition, eligible
FROM counted

UNION ALL

SELECT month, 2025 AS imd_edition, eligible
FROM counted
