-- Stage at diagnosis and emergency presentation, by rolling twelve months, organisation,
-- cancer group and deprivation quintile.
--
-- stage_1_2 of staged is the share found early. What is not staged yet and what cannot be
-- staged are outside it: a month in which little is staged says little, so completeness =
-- staged / (staged + missing) stands beside it always. emergency of first_presentations
-- is the share of people whose cancer was found in an emergency.
-- Every tumour stands once under each type of organisation (the trust that found it; the
-- sub-ICB and the alliance where the person lives) and once under each edition of the
-- IMD: keep to one of each. Consecutive months share eleven months: never add them.
-- Source: NDRS, using RCRD to measure stage; definitions are in model.tumour_current and
-- model.early_tumour. Rates are worked out at publish, from these counts.
WITH org_types (org_type) AS (
    VALUES ('trust'), ('sub_icb'), ('alliance')
),

editions (imd_edition) AS (
    VALUES (2019), (2025)
),

placed AS (
    SELECT
        month.month,
        month.provisional,
        org_types.org_type,
        CASE org_types.org_type
            WHEN 'trust' THEN tumour.trust_code
            WHEN 'sub_icb' THEN tumour.sub_icb_code
            ELSE tumour.alliance_code
        END AS org_code,
        tumour.cancer_group,
        editions.imd_edition,
        CASE editions.imd_edition
            WHEN 2019 THEN tumour.imd2019_quintile
            ELSE tumour.imd2025_quintile
        END AS imd_quintile,
        tumour.stage_group,
        tumour.emergency,
        tumour.first_presentation
    FROM model.early_tumour AS tumour
    INNER JOIN model.early_month AS month
        ON tumour.diagnosis_date BETWEEN month.from_date AND month.to_date
    CROSS JOIN org_types
    CROSS JOIN editions
)

SELECT
    month,
    org_type,
    org_code,
    cancer_group,
    imd_edition,
    imd_quintile,
    provisional,
    CAST(COUNT(*) FILTER (WHERE stage_group = 'early') AS DECIMAL(12, 1)) AS stage_1_2,
    CAST(COUNT(*) FILTER (WHERE stage_group IN ('early', 'late')) AS DECIMAL(12, 1)) AS staged,
    CAST(COUNT(*) FILTER (WHERE stage_group = 'missing') AS DECIMAL(12, 1)) AS missing_stage,
    CAST(COUNT(*) FILTER (WHERE stage_group IN ('early', 'late', 'missing')) AS DECIMAL(12, 1)) AS stageable,
    CAST(COUNT(*) FILTER (WHERE stage_group = 'unstageable') AS DECIMAL(12, 1)) AS unstageable,
    CAST(COUNT(*) FILTER (WHERE emergency) AS DECIMAL(12, 1)) AS emergency,
    CAST(COUNT(*) FILTER (WHERE first_presentation) AS DECIMAL(12, 1)) AS first_presentations
FROM placed
GROUP BY
    month,
    org_type,
    org_code,
    cancer_group,
    imd_edition,
    imd_quintile,
    provisional
