-- Published stage at diagnosis, and whether the counts of each stage give the same shares.
--
-- Early share: stages 1 and 2 of 1 to 4. Completeness: tumours with any stage, other early and other
-- advanced too, of all tumours. Both in per cent; a share of nothing is not printed. They agree within
-- half of the last decimal printed (and a hair, for the sums of a computer): two of the early share, three of completeness of alliances, one
-- of others.
-- Source: NHS England, NDRS, Stage at diagnosis by cancer site in England.
WITH counted AS (
    SELECT
        *,
        stage_1 + stage_2 AS early,
        stage_1 + stage_2 + stage_3 + stage_4 AS staged_1_4,
        stage_1 + stage_2 + stage_3 + stage_4 + staged_other_early + staged_other_advanced AS staged,
        stage_1 + stage_2 + stage_3 + stage_4 + staged_other_early + staged_other_advanced
        + unstageable + missing_stage AS tumours
    FROM source.published_stage
),

again AS (
    SELECT
        *,
        100.0 * proportion(early, staged_1_4) AS early_share_again,
        100.0 * proportion(staged, tumours) AS completeness_again,
        CASE WHEN geography_type = 'Cancer Alliance' THEN 0.000501 ELSE 0.050001 END AS half_a_decimal
    FROM counted
)

SELECT
    geography_type,
    geography_name,
    year,
    site,
    early,
    staged_1_4,
    staged,
    tumours,
    early_share,
    completeness,
    early_share_again,
    completeness_again,
    COALESCE(
        ABS(early_share_again - early_share) <= 0.005001,
        early_share_again IS NULL AND early_share IS NULL
    ) AS early_share_agrees,
    COALESCE(
        ABS(completeness_again - completeness) <= half_a_decimal,
        completeness_again IS NULL AND completeness IS NULL
    ) AS completeness_agrees
FROM again
