-- The published screening cohorts.
--
-- Ages are completed years at the census, both ends in. A window of k months starts on
-- the first day of the month k - 1 months before the census month. Where sex is null
-- the cohort takes everybody.
-- The age at the census decides the cervical window. Clinicians recall women of 25 to
-- 49 every 5 years since July 2025, but the published measure keeps its 42 months.
-- Source: bowel screening programme standard BCSP-S01; breast screening coverage
-- BSP-S01 (2017); NHS England Cervical Screening Programme 2023-24.
SELECT
    programme,
    cohort,
    min_age,
    max_age,
    sex,
    window_months,
    target_measure
FROM (
    VALUES
        ('bowel',    'bowel_50_59',    50, 59, NULL, 30, NULL),        -- no standard set yet
        ('bowel',    'bowel_60_74',    60, 74, NULL, 30, 'coverage_bowel_60_74'),
        ('breast',   'breast_53_70',   53, 70, 'F',  36, 'coverage_breast_53_70'),
        ('cervical', 'cervical_25_49', 25, 49, 'F',  42, 'coverage_cervical_25_49'),
        ('cervical', 'cervical_50_64', 50, 64, 'F',  66, 'coverage_cervical_50_64')
) AS cohorts (programme, cohort, min_age, max_age, sex, window_months, target_measure)
