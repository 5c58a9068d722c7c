-- Lung health checks, by month of first letter, district and deprivation quintile.
--
-- Every column counts people of the cohort: those first written to in the month. Every
-- person is counted once under IMD 2019 and once under IMD 2025: keep to one edition.
-- Definitions are in model.lung_invited and model.lung_pathway; rates are worked out at
-- publish, from these counts.
WITH by_edition AS (
    SELECT
        cohort_month, lad_code,
        2019 AS imd_edition, imd2019_quintile AS imd_quintile,
        accepted, attended, high_risk, scanned_baseline, followed_up_3m, followed_up_12m,
        followed_up_24m, referred, cancer, cancer_stage_1_2, cancer_staged, smoking_offered,
        smoking_started
    FROM model.lung_pathway

    UNION ALL

    SELECT
        cohort_month, lad_code,
        2025 AS imd_edition, imd2025_quintile AS imd_quintile,
        accepted, attended, high_risk, scanned_baseline, followed_up_3m, followed_up_12m,
        followed_up_24m, referred, cancer, cancer_stage_1_2, cancer_staged, smoking_offered,
        smoking_started
    FROM model.lung_pathway
)

SELECT
    cohort_month,
    lad_code,
    imd_edition,
    imd_quintile,
    CAST(COUNT(*) AS DECIMAL(12, 1)) AS invited,
    CAST(COUNT(*) FILTER (WHERE accepted) AS DECIMAL(12, 1)) AS accepted,
    CAST(COUNT(*) FILTER (WHERE attended) AS DECIMAL(12, 1)) AS attended,
    CAST(COUNT(*) FILTER (WHERE high_risk) AS DECIMAL(12, 1)) AS high_risk,
    CAST(COUNT(*) FILTER (WHERE scanned_baseline) AS DECIMAL(12, 1)) AS scanned_baseline,
    CAST(COUNT(*) FILTER (WHERE followed_up_3m) AS DECIMAL(12, 1)) AS followed_up_3m,
    CAST(COUNT(*) FILTER (WHERE followed_up_12m) AS DECIMAL(12, 1)) AS followed_up_12m,
    CAST(COUNT(*) FILTER (WHERE followed_up_24m) AS DECIMAL(12, 1)) AS followed_up_24m,
    CAST(COUNT(*) FILTER (WHERE referred) AS DECIMAL(12, 1)) AS referred,
    CAST(COUNT(*) FILTER (WHERE cancer) AS DECIMAL(12, 1)) AS cancers,
    CAST(COUNT(*) FILTER (WHERE cancer_stage_1_2) AS DECIMAL(12, 1)) AS cancers_stage_1_2,
    CAST(COUNT(*) FILTER (WHERE cancer_staged) AS DECIMAL(12, 1)) AS cancers_staged,
    CAST(COUNT(*) FILTER (WHERE smoking_offered) AS DECIMAL(12, 1)) AS smoking_offered,
    CAST(COUNT(*) FILTER (WHERE smoking_started) AS DECIMAL(12, 1)) AS smoking_started
FROM by_edition
GROUP BY
    cohort_month,
    lad_code,
    imd_edition,
    imd_quintile
