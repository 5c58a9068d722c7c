-- What each person diagnosed was offered and had, one row each.
--
-- Days are from the diagnosis of the tumour, both ends in; an event before the diagnosis
-- is not of it.
--   hna_offered    offered 01, 02, 03 or 05, in 0 to $care_days days; 04 is "not offered"
--   hna_completed  such an offer whose status, 01 to 06, says the assessment was done
--   pcsp_completed a care plan with status 03, in 0 to $care_days days
--   end_of_treatment_summary  0 to $summary_days days after the end of some treatment
--   reviewed_12m, support_offered_3m  in calendar months, by date and not by days
-- Source: COSD CR7900 to CR7960; NDRS and Macmillan method; former QOF CAN004, CAN005.
WITH events AS (
    SELECT
        person_key,
        BOOL_OR(
            event_type = 'hna'
            AND offered_code IN ('01', '02', '03', '05')
            AND days_after BETWEEN 0 AND $care_days
        ) AS hna_offered,
        BOOL_OR(
            event_type = 'hna'
            AND offered_code IN ('01', '02', '03', '05')
            AND status_code IN ('01', '02', '03', '04', '05', '06')
            AND days_after BETWEEN 0 AND $care_days
        ) AS hna_completed,
        BOOL_OR(
            event_type = 'pcsp'
            AND status_code = '03'
            AND days_after BETWEEN 0 AND $care_days
        ) AS pcsp_completed,
        BOOL_OR(
            event_type = 'cns_contact'
            AND days_after BETWEEN 0 AND $care_days
        ) AS cns_contact,
        BOOL_OR(
            event_type = 'treatment_end'
            AND days_after >= 0
        ) AS treatment_completed,
        BOOL_OR(
            event_type = 'cancer_care_review'
            AND event_date BETWEEN diagnosis_date AND add_months(diagnosis_date, $review_months)
        ) AS reviewed_12m,
        BOOL_OR(
            event_type = 'support_offer'
            AND event_date BETWEEN diagnosis_date AND add_months(diagnosis_date, $support_months)
        ) AS support_offered_3m,
        BOOL_OR(
            event_type = 'psfu_start'
            AND days_after >= 0
        ) AS stratified_follow_up
    FROM model.care_event
    GROUP BY person_key
),

treatment_ends AS (
    SELECT person_key, event_date AS ended_on
    FROM model.care_event
    WHERE event_type = 'treatment_end'
        AND days_after >= 0
),

summaries AS (
    SELECT DISTINCT treatment_ends.person_key
    FROM treatment_ends
    INNER JOIN model.care_event AS summary
        ON summary.person_key = treatment_ends.person_key
        AND summary.event_type = 'end_of_treatment_summary'
    WHERE summary.event_date - treatment_ends.ended_on BETWEEN 0 AND $summary_days
)

SELECT
    tumour.person_key,
    tumour.month,
    tumour.trust_code,
    tumour.cancer_group,
    tumour.imd2019_quintile,
    tumour.imd2025_quintile,
    events.hna_offered IS TRUE AS hna_offered,
    events.hna_completed IS TRUE AS hna_completed,
    events.pcsp_completed IS TRUE AS pcsp_completed,
    events.cns_contact IS TRUE AS cns_contact,
    events.treatment_completed IS TRUE AS treatment_completed,
    summaries.person_key IS NOT NULL AS end_of_treatment_summary,
    events.reviewed_12m IS TRUE AS reviewed_12m,
    events.support_offered_3m IS TRUE AS support_offered_3m,
    events.stratified_follow_up IS TRUE AS stratified_follow_up
FROM model.care_tumour AS tumour
LEFT JOIN events
    ON events.person_key = tumour.person_key
LEFT JOIN summaries
    ON summaries.person_key = tumour.person_key
