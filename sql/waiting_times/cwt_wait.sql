-- Every wait: one row per pathway and standard whose clock stopped, counted or left out.
--
-- fds_28  from referral received to the earlier of told and decision to treat, less days for
--         a first appointment not attended; by month and organisation of being told. Routes:
--         urgent suspected cancer, breast symptoms, screening.
-- d31     from decision to treat to treatment, less days of a pause; first and subsequent
--         treatments. A decision dated after the treatment is no wait: 0 days.
-- d62     from referral received, or upgrade, to first treatment, less both adjustments; the
--         first only for an upgrade on or before the day first seen.
-- d31 and d62 are by month and organisation of treatment.
-- left_out says why a wait is not counted, above and below the line alike:
--   opted_out                     the person's data is not to be used
--   excluded                      end of pathway 03; told within 28 days only
--   treatment_declined            modality 98
--   not_cancer                    no diagnosis, or one that waiting times do not count
--   incomplete                    no start, no end reason or no event
--   stop_before_start             a slip, which no clock may count
--   adjustment_longer_than_wait   more days taken off than there were
--   before_the_records            told in a month before our first files: known only of those
--                                 treated since, who waited longer than most
-- Source: NHS England, National Cancer Waiting Times Monitoring Dataset guidance v12.1.
WITH held AS (
    SELECT MIN(period) AS first_month
    FROM source.cwt_records
),

clocks AS (
    SELECT
        record_id,
        'fds_28' AS standard,
        $fds_days AS standard_days,
        route,
        'none' AS modality_group,
        cancer_group,
        imd2019_quintile,
        imd2025_quintile,
        icb_code,
        month_start(told_date) AS month,
        told_org AS org_code,
        CAST(NULL AS VARCHAR) AS shared_with,
        received_date AS started_on,
        CASE WHEN decision_date < told_date THEN decision_date ELSE told_date END AS stopped_on,
        first_seen_adjustment AS adjustment_days,
        opted_out,
        end_reason = '03' AS excluded,
        FALSE AS declined,
        FALSE AS not_cancer,
        received_date IS NULL OR end_reason IS NULL AS incomplete
    FROM model.cwt_pathway
    WHERE told_date IS NOT NULL
        AND route IN ('urgent_suspected_cancer', 'breast_symptomatic', 'screening')

    UNION ALL

    SELECT
        record_id,
        'd31' AS standard,
        $d31_days AS standard_days,
        COALESCE(stage, 'unknown') AS route,
        modality_group,
        cancer_group,
        imd2019_quintile,
        imd2025_quintile,
        icb_code,
        month_start(treatment_date) AS month,
        treating_org AS org_code,
        CAST(NULL AS VARCHAR) AS shared_with,
        CASE WHEN decision_date > treatment_date THEN treatment_date ELSE decision_date END AS started_on,
        treatment_date AS stopped_on,
        CASE WHEN decision_date >= treatment_date THEN 0 ELSE treatment_adjustment END AS adjustment_days,
        opted_out,
        FALSE AS excluded,
        treatment_declined AS declined,
        NOT cwt_cancer AS not_cancer,
        decision_date IS NULL OR stage IS NULL AS incomplete
    FROM model.cwt_pathway
    WHERE treatment_date IS NOT NULL

    UNION ALL

    SELECT
        record_id,
        'd62' AS standard,
        $d62_days AS standard_days,
        route,
        modality_group,
        cancer_group,
        imd2019_quintile,
        imd2025_quintile,
        icb_code,
        month_start(treatment_date) AS month,
        treating_org AS org_code,
        COALESCE(investigating_org, upgrading_org, first_seen_org) AS shared_with,
        CASE WHEN route = 'consultant_upgrade' THEN upgrade_date ELSE received_date END AS started_on,
        treatment_date AS stopped_on,
        treatment_adjustment
            + CASE
                WHEN route <> 'consultant_upgrade' OR upgrade_date <= first_seen_date THEN first_seen_adjustment
                ELSE 0
            END AS adjustment_days,
        opted_out,
        FALSE AS excluded,
        treatment_declined AS declined,
        NOT cwt_cancer AS not_cancer,
        CASE WHEN route = 'consultant_upgrade' THEN upgrade_date ELSE received_date END IS NULL AS incomplete
    FROM model.cwt_pathway
    WHERE treatment_date IS NOT NULL
        AND stage = 'first_treatment'
        AND route IS NOT NULL
),

waits AS (
    SELECT
        clocks.*,
        stopped_on - started_on - adjustment_days AS days,
        CASE
            WHEN opted_out THEN 'opted_out'
            WHEN excluded THEN 'excluded'
            WHEN declined THEN 'treatment_declined'
            WHEN not_cancer THEN 'not_cancer'
            WHEN incomplete THEN 'incomplete'
            WHEN stopped_on < started_on THEN 'stop_before_start'
            WHEN stopped_on - started_on < adjustment_days THEN 'adjustment_longer_than_wait'
            WHEN month < held.first_month THEN 'before_the_records'
        END AS left_out
    FROM clocks
    CROSS JOIN held
)

-- What is left out has no days and is neither within nor late.
SELECT
    record_id,
    standard,
    standard_days,
    month,
    org_code,
    shared_with,
    icb_code,
    route,
    cancer_group,
    modality_group,
    imd2019_quintile,
    imd2025_quintile,
    started_on,
    stopped_on,
    adjustment_days,
    CASE WHEN left_out IS NULL THEN days END AS wait_days,
    left_out,
    left_out IS NULL AS counted,
    CASE WHEN left_out IS NULL THEN days <= standard_days END AS within
FROM waits
