-- The people diagnosed at trusts that submit, counted by month and trust alone. The mart
-- must add up to this in both editions: its joins neither lose nor double anybody.
WITH counted AS (
    SELECT
        tumour.month,
        tumour.trust_code,
        CAST(COUNT(*) AS DECIMAL(12, 1)) AS diagnosed
    FROM model.care_tumour AS tumour
    INNER JOIN model.care_submitter AS trust
        ON trust.trust_code = tumour.trust_code
    WHERE trust.submitter
    GROUP BY
        tumour.month,
        tumour.trust_code
)

SELECT month, trust_code, 2019 AS imd_edition, diagnosed
FROM counted

UNION ALL

SELECT month, trust_code, 2025 AS imd_edition, diagnosed
FROM counted
