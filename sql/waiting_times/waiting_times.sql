-- Waiting times by month, organisation, standard, route, cancer, modality and quintile.
--
-- Every row is a leaf: there are no rows for all routes or all cancers, so rows of one
-- basis, one source and one edition add up. What never adds up: two bases, two sources
-- (our records and the official statistics) and two editions hold the same people.
-- The official statistics know no deprivation and no modality beside the cancer: they stand
-- once, under edition 2025 and quintile 0, with modality `all`.
-- median_days and p90_days: the fewest days within which at least half (nine tenths) of the
-- row's people had their answer, a half patient weighing a half. Always a whole number of
-- days that somebody waited; they cannot be added up: for wider groups go by the bands.
-- Bands are those of the official workbooks; null where the standard has none.
-- Definitions: model.cwt_wait, model.cwt_share. Rates are worked out at publish.
WITH waits AS (
    SELECT
        wait.month,
        share.org_code,
        share.basis,
        wait.standard,
        wait.route,
        wait.cancer_group,
        wait.modality_group,
        editions.imd_edition,
        CASE editions.imd_edition WHEN 2019 THEN wait.imd2019_quintile ELSE wait.imd2025_quintile END AS imd_quintile,
        wait.wait_days,
        wait.within,
        share.share AS people
    FROM model.cwt_share AS share
    INNER JOIN model.cwt_wait AS wait
        ON wait.record_id = share.record_id
        AND wait.standard = share.standard
    CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
),

counted AS (
    SELECT
        month, org_code, basis, standard, route, cancer_group, modality_group, imd_edition, imd_quintile,
        SUM(people) AS total,
        SUM(people) FILTER (WHERE within) AS within,
        SUM(people) FILTER (WHERE NOT within) AS breached,
        weighted_percentile(wait_days, people, 0.5) AS median_days,
        weighted_percentile(wait_days, people, 0.9) AS p90_days,
        SUM(people) FILTER (WHERE wait_days <= 14) AS to_14,
        SUM(people) FILTER (WHERE wait_days BETWEEN 15 AND 28) AS to_28,
        SUM(people) FILTER (WHERE wait_days BETWEEN 29 AND 42) AS to_42,
        SUM(people) FILTER (WHERE wait_days BETWEEN 43 AND 62) AS from_43_to_62,
        SUM(people) FILTER (WHERE wait_days <= 31) AS to_31,
        SUM(people) FILTER (WHERE wait_days BETWEEN 32 AND 38) AS to_38,
        SUM(people) FILTER (WHERE wait_days BETWEEN 39 AND 48) AS to_48,
        SUM(people) FILTER (WHERE wait_days BETWEEN 49 AND 62) AS from_49_to_62,
        SUM(people) FILTER (WHERE wait_days BETWEEN 63 AND 76) AS to_76,
        SUM(people) FILTER (WHERE wait_days BETWEEN 77 AND 90) AS to_90,
        SUM(people) FILTER (WHERE wait_days BETWEEN 91 AND 104) AS to_104,
        SUM(people) FILTER (WHERE wait_days > 62) AS after_62,
        SUM(people) FILTER (WHERE wait_days > 104) AS after_104
    FROM waits
    GROUP BY
        month, org_code, basis, standard, route, cancer_group, modality_group, imd_edition, imd_quintile
),

both_sources AS (
    SELECT
        month, org_code, basis, 'records' AS source, standard, route, cancer_group, modality_group,
        imd_edition, imd_quintile, total, COALESCE(within, 0) AS within, COALESCE(breached, 0) AS breached,
        median_days, p90_days,
        CASE WHEN standard = 'fds_28' THEN COALESCE(to_14, 0) END AS band_0_14,
        CASE WHEN standard = 'fds_28' THEN COALESCE(to_28, 0) END AS band_15_28,
        CASE WHEN standard = 'fds_28' THEN COALESCE(to_42, 0) END AS band_29_42,
        CASE WHEN standard = 'fds_28' THEN COALESCE(from_43_to_62, 0) END AS band_43_62,
        CASE WHEN standard <> 'fds_28' THEN COALESCE(to_31, 0) END AS band_0_31,
        CASE WHEN standard <> 'fds_28' THEN COALESCE(to_38, 0) END AS band_32_38,
        CASE WHEN standard <> 'fds_28' THEN COALESCE(to_48, 0) END AS band_39_48,
        CASE WHEN standard <> 'fds_28' THEN COALESCE(from_49_to_62, 0) END AS band_49_62,
        CASE WHEN standard = 'd62' THEN COALESCE(to_76, 0) END AS band_63_76,
        CASE WHEN standard = 'd62' THEN COALESCE(to_90, 0) END AS band_77_90,
        CASE WHEN standard = 'd62' THEN COALESCE(to_104, 0) END AS band_91_104,
        CASE WHEN standard <> 'd62' THEN COALESCE(after_62, 0) END AS band_after_62,
        CASE WHEN standard = 'd62' THEN COALESCE(after_104, 0) END AS band_after_104
    FROM counted

    UNION ALL

    SELECT
        month, org_code, basis, 'published' AS source, standard, route, cancer_group, modality_group,
        2025 AS imd_edition, 0 AS imd_quintile, total, within_standard AS within, after_standard AS breached,
        CAST(NULL AS BIGINT) AS median_days, CAST(NULL AS BIGINT) AS p90_days,
        within_14_days AS band_0_14,
        in_15_to_28_days AS band_15_28,
        in_29_to_42_days AS band_29_42,
        in_43_to_62_days AS band_43_62,
        within_31_days AS band_0_31,
        in_32_to_38_days AS band_32_38,
        in_39_to_48_days AS band_39_48,
        in_49_to_62_days AS band_49_62,
        in_63_to_76_days AS band_63_76,
        in_77_to_90_days AS band_77_90,
        in_91_to_104_days AS band_91_104,
        after_62_days AS band_after_62,
        after_104_days AS band_after_104
    FROM model.cwt_published_leaf
)

SELECT
    month,
    org_code,
    basis,
    source,
    standard,
    route,
    cancer_group,
    modality_group,
    imd_edition,
    imd_quintile,
    CAST(total AS DECIMAL(12, 1)) AS total,
    CAST(within AS DECIMAL(12, 1)) AS within,
    CAST(breached AS DECIMAL(12, 1)) AS breached,
    median_days,
    p90_days,
    CAST(band_0_14 AS DECIMAL(12, 1)) AS band_0_14,
    CAST(band_15_28 AS DECIMAL(12, 1)) AS band_15_28,
    CAST(band_29_42 AS DECIMAL(12, 1)) AS band_29_42,
    CAST(band_43_62 AS DECIMAL(12, 1)) AS band_43_62,
    CAST(band_0_31 AS DECIMAL(12, 1)) AS band_0_31,
    CAST(band_32_38 AS DECIMAL(12, 1)) AS band_32_38,
    CAST(band_39_48 AS DECIMAL(12, 1)) AS band_39_48,
    CAST(band_49_62 AS DECIMAL(12, 1)) AS band_49_62,
    CAST(band_63_76 AS DECIMAL(12, 1)) AS band_63_76,
    CAST(band_77_90 AS DECIMAL(12, 1)) AS band_77_90,
    CAST(band_91_104 AS DECIMAL(12, 1)) AS band_91_104,
    CAST(band_after_62 AS DECIMAL(12, 1)) AS band_after_62,
    CAST(band_after_104 AS DECIMAL(12, 1)) AS band_after_104
FROM both_sources
