-- How many rows of each published list were compared, and how many of them agree.
--
-- A list of which nothing was compared stands here with 0: that it says nothing must be seen.
WITH compared AS (
    SELECT 'fingertips_cervical_coverage' AS what, agrees
    FROM model.published_cervical_coverage_again
    WHERE agrees IS NOT NULL

    UNION ALL

    SELECT 'ndrs_stage_early_share' AS what, early_share_agrees AS agrees
    FROM model.published_stage_again

    UNION ALL

    SELECT 'ndrs_stage_completeness' AS what, completeness_agrees AS agrees
    FROM model.published_stage_again

    UNION ALL

    SELECT 'waiting_times_extract_' || basis AS what, agrees
    FROM model.published_waiting_times_again

    UNION ALL

    SELECT what, agrees
    FROM model.published_imd_again
),

lists AS (
    SELECT column1 AS what
    FROM (
        VALUES
        ('fingertips_cervical_coverage'),
        ('ndrs_stage_early_share'),
        ('ndrs_stage_completeness'),
        ('waiting_times_extract_provider'),
        ('waiting_times_extract_alliance'),
        ('imd_2019_areas'),
        ('imd_2019_deciles'),
        ('imd_2019_quintiles'),
        ('imd_2019_districts'),
        ('imd_2025_areas'),
        ('imd_2025_deciles'),
        ('imd_2025_quintiles'),
        ('imd_2025_districts'),
        ('imd_2025_icbs')
    )
)

SELECT
    COALESCE(lists.what, compared.what) AS what,
    COUNT(compared.what) AS compared,
    COUNT(*) FILTER (WHERE compared.agrees) AS agreeing
FROM lists
FULL JOIN compared
    ON compared.what = lists.what
GROUP BY COALESCE(lists.what, compared.what)
