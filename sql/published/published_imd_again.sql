-- What is published of the Index of Multiple Deprivation, beside what mart.dim_geography gives.
--
-- imd_<edition>_areas: every area, whose rank must lie between the cut points of its decile.
-- imd_<edition>_deciles, _quintiles: how many areas of England each has; a quintile is two deciles.
-- imd_<edition>_districts, _icbs: the share of an area's LSOAs in the most deprived tenth of England,
--   0 to 1; agrees within half of the fourth decimal, the last that is printed.
-- Deciles end with rank floor(decile × N / 10) of N areas, 32,844 in 2019 and 33,755 in 2025.
-- Source: MHCLG, English Indices of Deprivation 2019 (Files 1 and 10) and 2025 (Files 1, 10 and 14).
WITH areas AS (
    SELECT
        2019 AS imd_edition,
        lsoa_code,
        imd2019_rank AS imd_rank,
        imd2019_decile AS imd_decile,
        imd2019_quintile AS imd_quintile,
        lad_code,
        icb_name
    FROM mart.dim_geography
    WHERE imd2019_decile IS NOT NULL

    UNION ALL

    SELECT
        2025 AS imd_edition,
        lsoa_code,
        imd2025_rank AS imd_rank,
        imd2025_decile AS imd_decile,
        imd2025_quintile AS imd_quintile,
        lad_code,
        icb_name
    FROM mart.dim_geography
    WHERE imd2025_decile IS NOT NULL
),

ranked AS (
    SELECT
        'areas' AS kind,
        areas.imd_edition,
        areas.lsoa_code AS of,
        CAST(areas.imd_decile AS DOUBLE) AS found,
        CAST(cut.imd_decile AS DOUBLE) AS published,
        0.0 AS tolerance
    FROM areas
    LEFT JOIN reference.imd_cut_points AS cut
        ON cut.imd_edition = areas.imd_edition
        AND areas.imd_rank BETWEEN cut.first_rank AND cut.last_rank
    WHERE areas.imd_edition IN (SELECT imd_edition FROM reference.imd_cut_points)
),

groups AS (
    SELECT 'deciles' AS kind, imd_edition, imd_decile AS place, COUNT(*) AS found
    FROM areas
    GROUP BY
        imd_edition,
        imd_decile

    UNION ALL

    SELECT 'quintiles' AS kind, imd_edition, imd_quintile AS place, COUNT(*) AS found
    FROM areas
    GROUP BY
        imd_edition,
        imd_quintile
),

published_groups AS (
    SELECT 'deciles' AS kind, imd_edition, imd_decile AS place, last_rank - first_rank + 1 AS published
    FROM reference.imd_cut_points

    UNION ALL

    SELECT
        'quintiles' AS kind,
        imd_edition,
        (imd_decile + 1) / 2 AS place,
        SUM(last_rank - first_rank + 1) AS published
    FROM reference.imd_cut_points
    GROUP BY
        imd_edition,
        (imd_decile + 1) / 2
),

counted AS (
    SELECT
        published_groups.kind,
        published_groups.imd_edition,
        CAST(published_groups.place AS VARCHAR) AS of,
        CAST(groups.found AS DOUBLE) AS found,
        CAST(published_groups.published AS DOUBLE) AS published,
        0.0 AS tolerance
    FROM published_groups
    LEFT JOIN groups
        ON groups.kind = published_groups.kind
        AND groups.imd_edition = published_groups.imd_edition
        AND groups.place = published_groups.place
),

published_shares AS (
    SELECT 'districts' AS kind, 2019 AS imd_edition, lad_code AS of, most_deprived_share AS published
    FROM source.published_imd_2019_districts

    UNION ALL

    SELECT 'districts' AS kind, 2025 AS imd_edition, lad_code AS of, most_deprived_share AS published
    FROM source.published_imd_2025_districts

    UNION ALL

    SELECT 'icbs' AS kind, 2025 AS imd_edition, icb_name AS of, most_deprived_share AS published
    FROM source.published_imd_2025_icbs
),

lying AS (
    SELECT 'districts' AS kind, imd_edition, lad_code AS of, imd_decile FROM areas
    UNION ALL
    SELECT 'icbs' AS kind, imd_edition, icb_name AS of, imd_decile FROM areas
),

shares AS (
    SELECT
        kind,
        imd_edition,
        of,
        CAST(COUNT(*) FILTER (WHERE imd_decile = 1) AS DOUBLE) / CAST(COUNT(*) AS DOUBLE) AS found
    FROM lying
    GROUP BY
        kind,
        imd_edition,
        of
),

shared AS (
    SELECT
        published_shares.kind,
        published_shares.imd_edition,
        published_shares.of,
        shares.found,
        published_shares.published,
        0.000050001 AS tolerance
    FROM published_shares
    LEFT JOIN shares
        ON shares.kind = published_shares.kind
        AND shares.imd_edition = published_shares.imd_edition
        AND shares.of = published_shares.of
),

compared AS (
    SELECT * FROM ranked
    UNION ALL
    SELECT * FROM counted
    UNION ALL
    SELECT * FROM shared
)

SELECT
    'imd_' || CAST(imd_edition AS VARCHAR) || '_' || kind AS what,
    of,
    found,
    published,
    COALESCE(ABS(found - published) <= tolerance, FALSE) AS agrees
FROM compared
