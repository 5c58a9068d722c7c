-- The areas of every LSOA code, of either vintage.
--
-- An LSOA of 2021 has its own row in the ONS lookup. An LSOA of 2011 takes the areas
-- of one of its 2021 parts: the first by district, then by code. Its ward, and
-- whether it is coastal, are given only where all its parts agree.
-- Source: ONS LSOA 2021 to ward, district, sub-ICB, ICB and Cancer Alliance, 2024.
WITH coastal AS (
    SELECT
        lsoa21_code,
        BOOL_OR(coastal) AS coastal
    FROM reference.coastal_lsoa21
    GROUP BY lsoa21_code
),

areas_2021 AS (
    SELECT
        areas.lsoa21_code,
        areas.ward24_code,
        areas.ward24_name,
        areas.lad24_code,
        areas.lad24_name,
        areas.utla_code,
        areas.utla_name,
        areas.region24_name,
        areas.sicbl24_code_nhs,
        areas.sicbl24_name,
        areas.icb24_code_nhs,
        areas.icb24_name,
        areas.cancer_alliance_code,
        areas.cancer_alliance_name,
        coastal.coastal
    FROM reference.lsoa21_areas AS areas
    LEFT JOIN coastal
        ON coastal.lsoa21_code = areas.lsoa21_code
),

parts_of_2011 AS (
    SELECT
        parts.lsoa11_code,
        areas.ward24_code,
        areas.ward24_name,
        areas.lad24_code,
        areas.lad24_name,
        areas.utla_code,
        areas.utla_name,
        areas.region24_name,
        areas.sicbl24_code_nhs,
        areas.sicbl24_name,
        areas.icb24_code_nhs,
        areas.icb24_name,
        areas.cancer_alliance_code,
        areas.cancer_alliance_name,
        areas.coastal,
        ROW_NUMBER() OVER (
            PARTITION BY parts.lsoa11_code
            ORDER BY areas.lad24_code ASC NULLS LAST, areas.lsoa21_code ASC
        ) AS position
    FROM reference.lsoa11_lsoa21 AS parts
    INNER JOIN areas_2021 AS areas
        ON areas.lsoa21_code = parts.lsoa21_code
),

agreement_of_2011 AS (
    SELECT
        lsoa11_code,
        COUNT(DISTINCT ward24_code) AS wards,
        COUNT(*) AS parts,
        COUNT(coastal) AS parts_known,
        BOOL_AND(coastal) AS all_coastal,
        BOOL_OR(coastal) AS any_coastal
    FROM parts_of_2011
    GROUP BY lsoa11_code
)

SELECT
    2021 AS lsoa_vintage,
    lsoa21_code AS lsoa_code,
    ward24_code AS ward_code,
    ward24_name AS ward_name,
    lad24_code AS lad_code,
    lad24_name AS lad_name,
    utla_code,
    utla_name,
    region24_name AS region_name,
    sicbl24_code_nhs AS sub_icb_code,
    sicbl24_name AS sub_icb_name,
    icb24_code_nhs AS icb_code,
    icb24_name AS icb_name,
    cancer_alliance_code AS alliance_code,
    cancer_alliance_name AS alliance_name,
    coastal
FROM areas_2021

UNION ALL

SELECT
    2011 AS lsoa_vintage,
    part.lsoa11_code AS lsoa_code,
    CASE WHEN agreement.wards = 1 THEN part.ward24_code END AS ward_code,
    CASE WHEN agreement.wards = 1 THEN part.ward24_name END AS ward_name,
    part.lad24_code AS lad_code,
    part.lad24_name AS lad_name,
    part.utla_code,
    part.utla_name,
    part.region24_name AS region_name,
    part.sicbl24_code_nhs AS sub_icb_code,
    part.sicbl24_name AS sub_icb_name,
    part.icb24_code_nhs AS icb_code,
    part.icb24_name AS icb_name,
    part.cancer_alliance_code AS alliance_code,
    part.cancer_alliance_name AS alliance_name,
    CASE
        WHEN agreement.parts_known = agreement.parts AND agreement.all_coastal = agreement.any_coastal
            THEN agreement.all_coastal
    END AS coastal
FROM parts_of_2011 AS part
INNER JOIN agreement_of_2011 AS agreement
    ON agreement.lsoa11_code = part.lsoa11_code
WHERE part.position = 1
