-- The tumours with a stage or without one yet, counted by the calendar alone, without
-- sites, areas or quintiles. The mart must add up to this under every type of
-- organisation and in both editions: its joins neither lose nor double any.
WITH counted AS (
    SELECT
        month.month,
        CAST(COUNT(*) AS DECIMAL(12, 1)) AS stageable
    FROM model.tumour_current AS tumour
    INNER JOIN model.early_month AS month
        ON month_start(tumour.diagnosis_date) > add_months(month.month, -$rolling_months)
        AND month_start(tumour.diagnosis_date) <= month.month
    WHERE tumour.counted
        AND tumour.stage_group <> 'unstageable'
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_latest AS person
            WHERE person.person_key = tumour.person_key
                AND person.opted_out
        )
    GROUP BY month.month
)

SELECT
    counted.month,
    org_types.org_type,
    editions.imd_edition,
    counted.stageable
FROM counted
CROSS JOIN (VALUES ('trust'), ('sub_icb'), ('alliance')) AS org_types (org_type)
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
