-- One row per LSOA code ever, of 2011 or of 2021.
--
-- Rank, decile, quintile and Core20 are given in an edition only where that edition
-- lists the code itself: IMD 2019 on LSOAs of 2011, IMD 2025 on LSOAs of 2021. So
-- counting the rows of one edition counts its LSOAs, once each. To look up a person,
-- whose code may be of the other vintage, use model.lsoa_quintile.
-- The areas of a code that exists only in 2011 are those of its 2021 parts.
-- Core20 = national quintile 1.
-- Residents are those of the Census 2021, on LSOAs of 2021. People registered with
-- practices, the denominators of screening, are others and not in this table.
-- Source: MHCLG Indices of Deprivation 2019 and 2025; ONS lookups; ONS Census 2021.
WITH codes_2011 AS (
    SELECT lsoa11_code AS lsoa_code FROM reference.lsoa11_lsoa21
    UNION
    SELECT lsoa_code FROM reference.imd_2019
),

codes_2021 AS (
    SELECT lsoa21_code AS lsoa_code FROM reference.lsoa11_lsoa21
    UNION
    SELECT lsoa_code FROM reference.imd_2025
    UNION
    SELECT lsoa21_code AS lsoa_code FROM reference.lsoa21_areas
),

codes AS (
    SELECT lsoa_code FROM codes_2011
    UNION
    SELECT lsoa_code FROM codes_2021
),

looked_up AS (
    SELECT lsoa11_code AS lsoa_code, lsoa11_name AS lsoa_name, change_indicator FROM reference.lsoa11_lsoa21
    UNION ALL
    SELECT lsoa21_code AS lsoa_code, lsoa21_name AS lsoa_name, change_indicator FROM reference.lsoa11_lsoa21
),

names AS (
    SELECT
        lsoa_code,
        MAX(lsoa_name) AS lsoa_name,
        MAX(change_indicator) AS change_indicator
    FROM looked_up
    GROUP BY lsoa_code
),

-- A code of both vintages is the same area in both: its 2021 row is the one to keep.
areas AS (
    SELECT
        lsoa_code,
        ward_code,
        ward_name,
        lad_code,
        lad_name,
        utla_code,
        utla_name,
        region_name,
        sub_icb_code,
        sub_icb_name,
        icb_code,
        icb_name,
        alliance_code,
        alliance_name,
        coastal,
        ROW_NUMBER() OVER (PARTITION BY lsoa_code ORDER BY lsoa_vintage DESC) AS position
    FROM model.lsoa_area
)

SELECT
    codes.lsoa_code,
    COALESCE(names.lsoa_name, imd25.lsoa_name, imd19.lsoa_name) AS lsoa_name,
    codes_2011.lsoa_code IS NOT NULL AS in_2011,
    codes_2021.lsoa_code IS NOT NULL AS in_2021,
    names.change_indicator,
    imd19.imd_rank AS imd2019_rank,
    imd19.imd_decile AS imd2019_decile,
    (imd19.imd_decile + 1) / 2 AS imd2019_quintile,
    (imd19.imd_decile + 1) / 2 = 1 AS core20_2019,
    imd25.imd_rank AS imd2025_rank,
    imd25.imd_decile AS imd2025_decile,
    (imd25.imd_decile + 1) / 2 AS imd2025_quintile,
    (imd25.imd_decile + 1) / 2 = 1 AS core20_2025,
    areas.coastal,
    CAST(population.residents AS DECIMAL(12, 1)) AS residents,
    areas.ward_code,
    areas.ward_name,
    areas.lad_code,
    areas.lad_name,
    areas.utla_code,
    areas.utla_name,
    areas.region_name,
    areas.sub_icb_code,
    areas.sub_icb_name,
    areas.icb_code,
    areas.icb_name,
    areas.alliance_code,
    areas.alliance_name
FROM codes
LEFT JOIN codes_2011
    ON codes_2011.lsoa_code = codes.lsoa_code
LEFT JOIN codes_2021
    ON codes_2021.lsoa_code = codes.lsoa_code
LEFT JOIN names
    ON names.lsoa_code = codes.lsoa_code
LEFT JOIN reference.imd_2019 AS imd19
    ON imd19.lsoa_code = codes.lsoa_code
LEFT JOIN reference.imd_2025 AS imd25
    ON imd25.lsoa_code = codes.lsoa_code
LEFT JOIN reference.resident_population AS population
    ON population.lsoa21_code = codes.lsoa_code
LEFT JOIN areas
    ON areas.lsoa_code = codes.lsoa_code
    AND areas.position = 1
