-- The official statistics of our trusts and of the alliance, each person in one row only.
--
-- Only rows by route and cancer: the sheets' totals and their other breakdowns are the same
-- people again. The alliance is the sum of its trusts, which is how its figure is quoted;
-- the official commissioner figures are of another population (in August 2025 Kent and
-- Medway's trusts told 8,504 people and its ICB's people told were 10,300).
-- Routes and cancers are brought to the words the records have. Cancers as published are
-- finer than our groups and are added up; treatments with the modality are another breakdown
-- of the same people, so modality_group is `all`.
-- Source: NHS England, Cancer Waiting Times, provider based.
WITH named AS (
    SELECT
        published.*,
        bases.basis,
        CASE bases.basis WHEN 'provider' THEN trust.trust_code ELSE trust.alliance_code END AS basis_org_code,
        LOWER(published.route) AS route_name,
        LOWER(published.cancer_type) AS cancer_name
    FROM model.cwt_published_long AS published
    INNER JOIN reference.trusts AS trust
        ON trust.trust_code = published.org_code
    CROSS JOIN (VALUES ('provider'), ('alliance')) AS bases (basis)
    WHERE published.breakdown = 'by_route_and_cancer'
),

grouped AS (
    SELECT
        *,
        CASE
            WHEN route_name LIKE 'breast symptomatic%' THEN 'breast_symptomatic'
            WHEN route_name LIKE '%screening%' THEN 'screening'
            WHEN route_name = 'urgent suspected cancer' THEN 'urgent_suspected_cancer'
            WHEN route_name = 'consultant upgrade' THEN 'consultant_upgrade'
            WHEN route_name = 'first treatment' THEN 'first_treatment'
            WHEN route_name = 'subsequent treatment' THEN 'subsequent_treatment'
            ELSE 'unknown'
        END AS route_group,
        CASE
            WHEN cancer_name LIKE '%breast%' THEN 'Breast'
            WHEN cancer_name LIKE '%gynaecological%' THEN 'Gynaecological'
            WHEN cancer_name LIKE '%haematological%' OR cancer_name LIKE '%leukaemia%' THEN 'Haematological'
            WHEN cancer_name LIKE '%head & neck%' THEN 'Head and neck'
            WHEN cancer_name LIKE '%lower gastrointestinal%' THEN 'Lower gastrointestinal'
            WHEN cancer_name LIKE '%upper gastrointestinal%' THEN 'Upper gastrointestinal'
            WHEN cancer_name LIKE '%lung%' THEN 'Lung'
            WHEN cancer_name LIKE '%skin%' THEN 'Skin'
            WHEN cancer_name LIKE '%urological%' OR cancer_name LIKE 'suspected testicular%' THEN 'Urological'
            WHEN cancer_name LIKE '%central nervous system%' THEN 'Brain and central nervous system'
            WHEN cancer_name LIKE 'missing%' THEN 'No diagnosis'
            ELSE 'Other'
        END AS cancer_group,
        CASE WHEN standard = 'fds_28' THEN 'none' ELSE 'all' END AS modality_group
    FROM named
)

SELECT
    month,
    basis_org_code AS org_code,
    basis,
    standard,
    route_group AS route,
    cancer_group,
    modality_group,
    SUM(total) AS total,
    SUM(within_standard) AS within_standard,
    SUM(after_standard) AS after_standard,
    SUM(within_14_days) AS within_14_days,
    SUM(in_15_to_28_days) AS in_15_to_28_days,
    SUM(in_29_to_42_days) AS in_29_to_42_days,
    SUM(in_43_to_62_days) AS in_43_to_62_days,
    SUM(within_31_days) AS within_31_days,
    SUM(in_32_to_38_days) AS in_32_to_38_days,
    SUM(in_39_to_48_days) AS in_39_to_48_days,
    SUM(in_49_to_62_days) AS in_49_to_62_days,
    SUM(in_63_to_76_days) AS in_63_to_76_days,
    SUM(in_77_to_90_days) AS in_77_to_90_days,
    SUM(in_91_to_104_days) AS in_91_to_104_days,
    SUM(after_62_days) AS after_62_days,
    SUM(after_104_days) AS after_104_days
FROM grouped
GROUP BY
    month,
    basis_org_code,
    basis,
    standard,
    route_group,
    cancer_group,
    modality_group
