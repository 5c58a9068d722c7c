-- Cancers and emergency presentations of the people who live here, and how many people do,
-- by rolling twelve months, district, sub-ICB, alliance and deprivation quintile.
--
-- The population is everybody who lived there at the Census 2021, of all ages. It is not
-- the people registered with practices, of whom the extract of people tells: a person
-- counts where they live, wherever they are registered and whichever trust found the
-- cancer. Twelve months of cancers over it are a crude rate a year: it is not standardised
-- for age, and an older place has more cancer.
-- The census counts LSOAs of 2021, as the IMD 2025 ranks. The IMD 2019 ranks those of 2011,
-- which it does not count: edition 2019 has no rows.
-- Whoever's address or quintile is not known is in no population: their cancers stand at
-- quintile 0, of nobody, and are spread over no other. Who lives in another alliance is left
-- out, because the extract need not have all cancers of the people there.
-- A place that the census does not list leaves the sum of its residents null, never smaller.
-- Source: ONS Census 2021; NDRS, rapid cancer registration data; what counts as a cancer and
-- as an emergency is in model.tumour_current and model.early_tumour.
WITH counted AS (
    SELECT
        month.month,
        place.lad_code,
        place.sub_icb_code,
        place.alliance_code,
        COALESCE(place.imd2025_quintile, 0) AS imd_quintile,
        0 AS cancers,
        0 AS emergencies,
        place.residents
    FROM mart.dim_geography AS place
    CROSS JOIN model.early_month AS month
    WHERE place.in_2021
        AND place.alliance_code = $home_alliance

    UNION ALL

    SELECT
        month.month,
        tumour.lad_code,
        tumour.sub_icb_code,
        tumour.alliance_code,
        tumour.imd2025_quintile AS imd_quintile,
        1 AS cancers,
        CASE WHEN tumour.emergency THEN 1 ELSE 0 END AS emergencies,
        0 AS residents
    FROM model.early_tumour AS tumour
    INNER JOIN model.early_month AS month
        ON tumour.diagnosis_date BETWEEN month.from_date AND month.to_date
    WHERE tumour.alliance_code IN ($home_alliance, 'UNKNOWN')
)

SELECT
    month,
    lad_code,
    sub_icb_code,
    alliance_code,
    2025 AS imd_edition,
    imd_quintile,
    CAST(SUM(cancers) AS DECIMAL(12, 1)) AS cancers,
    CAST(SUM(emergencies) AS DECIMAL(12, 1)) AS emergencies,
    CASE WHEN COUNT(residents) = COUNT(*) THEN CAST(SUM(residents) AS DECIMAL(12, 1)) END AS residents
FROM counted
GROUP BY
    month,
    lad_code,
    sub_icb_code,
    alliance_code,
    imd_quintile
