-- The waits of each month, organisation and standard counted a second way, to hold the mart
-- against: records without looking at quintile, cancer or modality; the official statistics
-- by the total that the workbook itself has. The joins of the mart lose and double nobody.
WITH shared AS (
    SELECT
        wait.month,
        share.org_code,
        share.basis,
        share.standard,
        SUM(share.share) AS total,
        SUM(share.share) FILTER (WHERE wait.within) AS within
    FROM model.cwt_share AS share
    INNER JOIN model.cwt_wait AS wait
        ON wait.record_id = share.record_id
        AND wait.standard = share.standard
    GROUP BY
        wait.month,
        share.org_code,
        share.basis,
        share.standard
),

published AS (
    SELECT
        published.month,
        published.org_code,
        trust.alliance_code,
        published.standard,
        published.total,
        published.within_standard
    FROM model.cwt_published_long AS published
    INNER JOIN reference.trusts AS trust
        ON trust.trust_code = published.org_code
    WHERE published.is_total
),

counted AS (
    SELECT month, org_code, basis, 'records' AS source, standard, 2019 AS imd_edition, total, within
    FROM shared

    UNION ALL

    SELECT month, org_code, basis, 'records' AS source, standard, 2025 AS imd_edition, total, within
    FROM shared

    UNION ALL

    SELECT
        month, org_code, 'provider' AS basis, 'published' AS source, standard, 2025 AS imd_edition,
        total, within_standard AS within
    FROM published

    UNION ALL

    SELECT
        month, alliance_code AS org_code, 'alliance' AS basis, 'published' AS source, standard, 2025 AS imd_edition,
        SUM(total) AS total, SUM(within_standard) AS within
    FROM published
    GROUP BY
        month,
        alliance_code,
        standard
)

SELECT
    month,
    org_code,
    basis,
    source,
    standard,
    imd_edition,
    CAST(total AS DECIMAL(12, 1)) AS total,
    CAST(COALESCE(within, 0) AS DECIMAL(12, 1)) AS within
FROM counted
