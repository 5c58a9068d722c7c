-- The official waiting times, the eight sheets of the workbook one below the other.
--
-- Sheets hold sums beside their parts: ALL ROUTES (or ALL STAGES) beside each route, ALL
-- CANCERS beside each cancer. `breakdown` says by what a row is told apart: rows of one
-- breakdown add up, rows of two never do. `is_total` marks the one row that a provider has
-- for a month and standard. Counts are in halves where two trusts share a pathway. A band is
-- null where its standard has none.
WITH sheets AS (
    SELECT
        period AS month,
        org_code,
        org_name,
        'fds_28' AS standard,
        route,
        'ALL CANCERS' AS cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        within_14_days,
        in_15_to_28_days,
        in_29_to_42_days,
        in_43_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS within_31_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_32_to_38_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_39_to_48_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_49_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_63_to_76_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_77_to_90_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_91_to_104_days,
        after_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_104_days
    FROM source.cwt_published

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'fds_28' AS standard,
        route,
        cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        within_14_days,
        in_15_to_28_days,
        in_29_to_42_days,
        in_43_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS within_31_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_32_to_38_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_39_to_48_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_49_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_63_to_76_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_77_to_90_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_91_to_104_days,
        after_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_104_days
    FROM source.cwt_published_fds_route

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd31' AS standard,
        route,
        cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_63_to_76_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_77_to_90_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_91_to_104_days,
        after_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_104_days
    FROM source.cwt_published_31_all

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd31' AS standard,
        route,
        cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_63_to_76_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_77_to_90_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_91_to_104_days,
        after_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_104_days
    FROM source.cwt_published_31_cancer

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd31' AS standard,
        route,
        'ALL CANCERS' AS cancer_type,
        treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_63_to_76_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_77_to_90_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_91_to_104_days,
        after_62_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_104_days
    FROM source.cwt_published_31_modality

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd62' AS standard,
        route,
        cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        in_63_to_76_days,
        in_77_to_90_days,
        in_91_to_104_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_62_days,
        after_104_days
    FROM source.cwt_published_62_all

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd62' AS standard,
        route,
        cancer_type,
        'ALL MODALITIES' AS treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        in_63_to_76_days,
        in_77_to_90_days,
        in_91_to_104_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_62_days,
        after_104_days
    FROM source.cwt_published_62_cancer

    UNION ALL

    SELECT
        period AS month,
        org_code,
        org_name,
        'd62' AS standard,
        route,
        'ALL CANCERS' AS cancer_type,
        treatment_modality,
        total,
        within_standard,
        after_standard,
        CAST(NULL AS DECIMAL(12, 1)) AS within_14_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_15_to_28_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_29_to_42_days,
        CAST(NULL AS DECIMAL(12, 1)) AS in_43_to_62_days,
        within_31_days,
        in_32_to_38_days,
        in_39_to_48_days,
        in_49_to_62_days,
        in_63_to_76_days,
        in_77_to_90_days,
        in_91_to_104_days,
        CAST(NULL AS DECIMAL(12, 1)) AS after_62_days,
        after_104_days
    FROM source.cwt_published_62_modality
),

split AS (
    SELECT
        *,
        route NOT IN ('ALL ROUTES', 'ALL STAGES') AS of_route,
        cancer_type <> 'ALL CANCERS' AS of_cancer,
        treatment_modality <> 'ALL MODALITIES' AS of_modality
    FROM sheets
)

SELECT
    month,
    org_code,
    org_name,
    standard,
    CASE
        WHEN of_route AND of_cancer THEN 'by_route_and_cancer'
        WHEN of_route AND of_modality THEN 'by_route_and_modality'
        WHEN of_route THEN 'by_route'
        WHEN of_cancer THEN 'by_cancer'
        WHEN of_modality THEN 'by_modality'
        ELSE 'all'
    END AS breakdown,
    NOT (of_route OR of_cancer OR of_modality) AS is_total,
    route,
    cancer_type,
    treatment_modality,
    total,
    within_standard,
    after_standard,
    within_14_days,
    in_15_to_28_days,
    in_29_to_42_days,
    in_43_to_62_days,
    within_31_days,
    in_32_to_38_days,
    in_39_to_48_days,
    in_49_to_62_days,
    in_63_to_76_days,
    in_77_to_90_days,
    in_91_to_104_days,
    after_62_days,
    after_104_days
FROM split
