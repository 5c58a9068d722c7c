-- Official waiting times, read from the workbooks by us and by others: do the totals agree?
--
-- Ours are the published rows of the mart added up: its leaves must give the trust's total. Theirs are
-- the totals that stand in the workbook, ALL ROUTES or ALL STAGES, all cancers, all modalities; of the
-- alliance, those of its trusts together. Only months that both have; a total that only one of the two
-- has does not agree.
-- Source: NHS England, Cancer Waiting Times, provider based.
WITH ours AS (
    SELECT
        month,
        basis,
        org_code,
        standard,
        SUM(total) AS total,
        SUM(within) AS within
    FROM mart.waiting_times
    WHERE source = 'published'
    GROUP BY
        month,
        basis,
        org_code,
        standard
),

listed AS (
    SELECT
        published.month,
        published.org_code,
        trust.alliance_code,
        CASE published.standard
            WHEN '28-day FDS' THEN 'fds_28'
            WHEN '31-day' THEN 'd31'
            WHEN '62-day' THEN 'd62'
        END AS standard,
        published.total,
        published.within_standard
    FROM source.published_waiting_times AS published
    INNER JOIN reference.trusts AS trust
        ON trust.trust_code = published.org_code
    WHERE published.route LIKE 'ALL %'
        AND published.cancer_type LIKE 'ALL %'
        AND published.treatment_modality LIKE 'ALL %'
),

of_both AS (
    SELECT month, 'provider' AS basis, org_code, standard, total, within_standard
    FROM listed

    UNION ALL

    SELECT month, 'alliance' AS basis, alliance_code AS org_code, standard, total, within_standard
    FROM listed
),

theirs AS (
    SELECT
        month,
        basis,
        org_code,
        standard,
        SUM(total) AS total,
        SUM(within_standard) AS within
    FROM of_both
    GROUP BY
        month,
        basis,
        org_code,
        standard
),

months AS (
    SELECT month FROM ours
    INTERSECT
    SELECT month FROM theirs
)

SELECT
    COALESCE(ours.month, theirs.month) AS month,
    COALESCE(ours.basis, theirs.basis) AS basis,
    COALESCE(ours.org_code, theirs.org_code) AS org_code,
    COALESCE(ours.standard, theirs.standard) AS standard,
    ours.total,
    ours.within,
    theirs.total AS total_of_others,
    theirs.within AS within_of_others,
    COALESCE(ours.total = theirs.total AND ours.within = theirs.within, FALSE) AS agrees
FROM ours
FULL JOIN theirs
    ON theirs.month = ours.month
    AND theirs.basis = ours.basis
    AND theirs.org_code = ours.org_code
    AND theirs.standard = ours.standard
WHERE COALESCE(ours.month, theirs.month) IN (SELECT month FROM months)
