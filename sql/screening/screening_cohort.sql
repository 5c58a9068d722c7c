-- The published screening cohorts.
--
-- Ages are completed years at the census, both ends in. A window of k months starts on
-- the first day of the month k - 1 months before the census month. Where sex is null
-- the cohort takes everybody.
-- The age at the census decides the cervical window. Clinicians recall women of 25 to
-- 49 every 5 years since July 2025, but the published measure keeps its 42 months. From
-- $cervical_25_49_66_months_from on, when it has changed, censuses look at 66 months and
-- those before keep theirs: later_window_months, from later_from on.
-- Source: bowel screening programme standard BCSP-S01; breast screening coverage
-- BSP-S01 (2017); NHS England Cervical Screening Programme 2023-24.
SELECT
    programme,
    cohort,
    min_age,
    max_age,
    sex,
    window_months,
    later_window_months,
    later_from,
    target_measure
FROM (
    VALUES
        ('bowel',    'bowel_50_59',    50, 59, NULL, 30, NULL, NULL, NULL),        -- no standard set yet
        ('bowel',    'bowel_60_74',    60, 74, NULL, 30, NULL, NULL, 'coverage_bowel_60_74'),
        ('breast',   'breast_53_70',   53, 70, 'F',  36, NULL, NULL, 'coverage_breast_53_70'),
        ('cervical', 'cervical_25_49', 25, 49, 'F',  42, 66, $cervical_25_49_66_months_from, 'coverage_cervical_25_49'),
        ('cervical', 'cervical_50_64', 50, 64, 'F',  66, NULL, NULL, 'coverage_cervical_50_64')
) AS cohorts (
    programme, cohort, min_age, max_age, sex, window_months, later_window_months, later_from, target_measure
)
