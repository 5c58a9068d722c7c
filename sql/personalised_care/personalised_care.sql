-- Personalised care, by month of diagnosis, trust, cancer group and deprivation quintile.
--
-- Trusts that do not submit are out of both numerator and denominator, and listed in
-- mart.personalised_care_submitters. Every person is counted once under IMD 2019 and
-- once under IMD 2025: keep to one edition. Definitions are in model.care_tumour and
-- model.care_pathway; rates are worked out at publish, from these counts.
WITH submitted AS (
    SELECT
        pathway.month,
        pathway.trust_code,
        pathway.cancer_group,
        pathway.imd2019_quintile,
        pathway.imd2025_quintile,
        pathway.hna_offered,
        pathway.hna_completed,
        pathway.pcsp_completed,
        pathway.cns_contact,
        pathway.treatment_completed,
        pathway.end_of_treatment_summary,
        pathway.reviewed_12m,
        pathway.support_offered_3m,
        pathway.stratified_follow_up
    FROM model.care_pathway AS pathway
    INNER JOIN model.care_submitter AS trust
        ON trust.trust_code = pathway.trust_code
    WHERE trust.submitter
),

by_edition AS (
    SELECT
        month, trust_code, cancer_group,
        2019 AS imd_edition, imd2019_quintile AS imd_quintile,
        hna_offered, hna_completed, pcsp_completed, cns_contact, treatment_completed,
        end_of_treatment_summary, reviewed_12m, support_offered_3m, stratified_follow_up
    FROM submitted

    UNION ALL

    SELECT
        month, trust_code, cancer_group,
        2025 AS imd_edition, imd2025_quintile AS imd_quintile,
        hna_offered, hna_completed, pcsp_completed, cns_contact, treatment_completed,
        end_of_treatment_summary, reviewed_12m, support_offered_3m, stratified_follow_up
    FROM submitted
)

SELECT
    month,
    trust_code,
    cancer_group,
    imd_edition,
    imd_quintile,
    CAST(COUNT(*) AS DECIMAL(12, 1)) AS diagnosed,
    CAST(COUNT(*) FILTER (WHERE hna_offered) AS DECIMAL(12, 1)) AS hna_offered,
    CAST(COUNT(*) FILTER (WHERE hna_completed) AS DECIMAL(12, 1)) AS hna_completed,
    CAST(COUNT(*) FILTER (WHERE pcsp_completed) AS DECIMAL(12, 1)) AS pcsp_completed,
    CAST(COUNT(*) FILTER (WHERE cns_contact) AS DECIMAL(12, 1)) AS cns_contact,
    CAST(COUNT(*) FILTER (WHERE treatment_completed) AS DECIMAL(12, 1)) AS treatment_completed,
    CAST(COUNT(*) FILTER (WHERE end_of_treatment_summary) AS DECIMAL(12, 1)) AS end_of_treatment_summary,
    CAST(COUNT(*) FILTER (WHERE reviewed_12m) AS DECIMAL(12, 1)) AS reviewed_12m,
    CAST(COUNT(*) FILTER (WHERE support_offered_3m) AS DECIMAL(12, 1)) AS support_offered_3m,
    CAST(COUNT(*) FILTER (WHERE stratified_follow_up) AS DECIMAL(12, 1)) AS stratified_follow_up
FROM by_edition
GROUP BY
    month,
    trust_code,
    cancer_group,
    imd_edition,
    imd_quintile
