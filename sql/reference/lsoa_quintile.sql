-- The national deprivation quintile of every LSOA code, in both editions of the IMD.
--
-- Quintile = ceil(published decile / 2), 1 = most deprived; never re-ranked locally.
-- IMD 2019 is published on LSOAs of 2011, IMD 2025 on LSOAs of 2021. A code of the
-- other vintage is resolved through the ONS exact-fit lookup:
--   own          the edition lists the code itself
--   unchanged    the same area and code in both vintages
--   parts_agree  split or merged, and all its parts share one quintile
--   ambiguous    its parts differ, so the quintile is 0
--   unknown      the code is in no list, so the quintile is 0 (or there is no row)
-- Source: MHCLG Indices of Deprivation 2019 and 2025; ONS LSOA 2011 to LSOA 2021.
WITH imd_2019 AS (
    SELECT
        lsoa_code,
        (imd_decile + 1) / 2 AS quintile        -- whole numbers, so this is ceil(decile / 2)
    FROM reference.imd_2019
),

imd_2025 AS (
    SELECT
        lsoa_code,
        (imd_decile + 1) / 2 AS quintile
    FROM reference.imd_2025
),

codes_2011 AS (
    SELECT lsoa11_code AS lsoa_code FROM reference.lsoa11_lsoa21
    UNION
    SELECT lsoa_code FROM imd_2019
),

codes_2021 AS (
    SELECT lsoa21_code AS lsoa_code FROM reference.lsoa11_lsoa21
    UNION
    SELECT lsoa_code FROM imd_2025
    UNION
    SELECT lsoa21_code AS lsoa_code FROM reference.lsoa21_areas
),

-- The 2021 parts of each 2011 code, with their IMD 2025.
parts_of_2011 AS (
    SELECT
        parts.lsoa11_code AS lsoa_code,
        BOOL_OR(parts.change_indicator = 'U') AS unchanged,
        COUNT(*) AS parts,
        COUNT(imd.quintile) AS parts_listed,
        MIN(imd.quintile) AS lowest,
        MAX(imd.quintile) AS highest
    FROM reference.lsoa11_lsoa21 AS parts
    LEFT JOIN imd_2025 AS imd
        ON imd.lsoa_code = parts.lsoa21_code
    GROUP BY parts.lsoa11_code
),

-- The 2011 parts of each 2021 code, with their IMD 2019.
parts_of_2021 AS (
    SELECT
        parts.lsoa21_code AS lsoa_code,
        BOOL_OR(parts.change_indicator = 'U') AS unchanged,
        COUNT(*) AS parts,
        COUNT(imd.quintile) AS parts_listed,
        MIN(imd.quintile) AS lowest,
        MAX(imd.quintile) AS highest
    FROM reference.lsoa11_lsoa21 AS parts
    LEFT JOIN imd_2019 AS imd
        ON imd.lsoa_code = parts.lsoa11_code
    GROUP BY parts.lsoa21_code
),

matched AS (
    SELECT
        2011 AS lsoa_vintage,
        codes.lsoa_code,
        own.quintile AS found_2019,
        CASE WHEN own.quintile IS NOT NULL THEN 'own' ELSE 'unknown' END AS imd2019_match,
        parts.lowest AS found_2025,
        CASE
            WHEN parts.parts_listed IS NULL OR parts.parts_listed = 0 THEN 'unknown'
            WHEN parts.unchanged THEN 'unchanged'
            WHEN parts.parts_listed = parts.parts AND parts.lowest = parts.highest THEN 'parts_agree'
            ELSE 'ambiguous'
        END AS imd2025_match
    FROM codes_2011 AS codes
    LEFT JOIN imd_2019 AS own
        ON own.lsoa_code = codes.lsoa_code
    LEFT JOIN parts_of_2011 AS parts
        ON parts.lsoa_code = codes.lsoa_code

    UNION ALL

    SELECT
        2021 AS lsoa_vintage,
        codes.lsoa_code,
        parts.lowest AS found_2019,
        CASE
            WHEN parts.parts_listed IS NULL OR parts.parts_listed = 0 THEN 'unknown'
            WHEN parts.unchanged THEN 'unchanged'
            WHEN parts.parts_listed = parts.parts AND parts.lowest = parts.highest THEN 'parts_agree'
            ELSE 'ambiguous'
        END AS imd2019_match,
        own.quintile AS found_2025,
        CASE WHEN own.quintile IS NOT NULL THEN 'own' ELSE 'unknown' END AS imd2025_match
    FROM codes_2021 AS codes
    LEFT JOIN imd_2025 AS own
        ON own.lsoa_code = codes.lsoa_code
    LEFT JOIN parts_of_2021 AS parts
        ON parts.lsoa_code = codes.lsoa_code
)

SELECT
    lsoa_vintage,
    lsoa_code,
    CASE WHEN imd2019_match IN ('ambiguous', 'unknown') THEN 0 ELSE found_2019 END AS imd2019_quintile,
    imd2019_match,
    CASE WHEN imd2025_match IN ('ambiguous', 'unknown') THEN 0 ELSE found_2025 END AS imd2025_quintile,
    imd2025_match
FROM matched
