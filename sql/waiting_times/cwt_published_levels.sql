-- The official waiting times added up by each breakdown, beside the provider's own total.
SELECT
    month,
    org_code,
    standard,
    breakdown,
    SUM(total) AS total,
    SUM(within_standard) AS within_standard,
    MAX(SUM(total) FILTER (WHERE is_total)) OVER (PARTITION BY month, org_code, standard) AS total_of_all,
    MAX(SUM(within_standard) FILTER (WHERE is_total)) OVER (PARTITION BY month, org_code, standard) AS within_of_all
FROM model.cwt_published_long
GROUP BY month, org_code, standard, breakdown
