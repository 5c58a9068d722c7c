-- How far along the pathway each person invited has come, one row each.
--
-- Baseline is the first scan; it counts up to 74 years and 364 days, so a first scan on
-- the 75th birthday is out, and so are the scans after it. Follow-ups are later scans,
-- by days from the baseline, both ends in: 61-152, 335-465 and 669-791 as the parameters
-- stand.
-- Source: programme data item dictionary, items 1 to 14. The national evaluation's code
-- cuts the windows a day or more otherwise; the dictionary's stand here.
WITH accepted AS (
    SELECT DISTINCT person_key
    FROM source.lung_invites
    WHERE person_key IS NOT NULL
        AND BTRIM(REGEXP_REPLACE(LOWER(invite_outcome), '[_ ]+', ' ', 'g'))
            = 'participant accepted invitation'
),

first_check AS (
    SELECT
        person_key,
        high_risk,
        ROW_NUMBER() OVER (PARTITION BY person_key ORDER BY attended_on) AS position
    FROM model.lung_attended
),

scans AS (
    SELECT
        person_key,
        MIN(scanned_on) AS baseline_on,
        BOOL_OR(referred) AS referred
    FROM model.lung_scan
    GROUP BY person_key
),

follow_ups AS (
    SELECT
        scans.person_key,
        BOOL_OR(scan.scanned_on - scans.baseline_on BETWEEN $follow_up_3m_from AND $follow_up_3m_to) AS in_3m,
        BOOL_OR(scan.scanned_on - scans.baseline_on BETWEEN $follow_up_12m_from AND $follow_up_12m_to) AS in_12m,
        BOOL_OR(scan.scanned_on - scans.baseline_on BETWEEN $follow_up_24m_from AND $follow_up_24m_to) AS in_24m
    FROM scans
    INNER JOIN model.lung_scan AS scan
        ON scan.person_key = scans.person_key
    GROUP BY scans.person_key
),

smoking AS (
    SELECT
        invited.person_key,
        BOOL_OR(help.date_offered_smoking_cessation >= invited.letter_date) AS offered,
        BOOL_OR(help.date_started_smoking_cessation >= invited.letter_date) AS started
    FROM model.lung_invited AS invited
    INNER JOIN source.lung_smoking AS help
        ON help.person_key = invited.person_key
    GROUP BY invited.person_key
),

joined AS (
    SELECT
        invited.person_key,
        invited.cohort_month,
        invited.lad_code,
        invited.imd2019_quintile,
        invited.imd2025_quintile,
        accepted.person_key IS NOT NULL AS accepted,
        first_check.person_key IS NOT NULL AS attended,
        first_check.high_risk IS TRUE AS high_risk,
        (age_in_years(invited.birth_date, scans.baseline_on) <= $oldest) IS TRUE AS scanned_baseline,
        follow_ups.in_3m IS TRUE AS in_3m,
        follow_ups.in_12m IS TRUE AS in_12m,
        follow_ups.in_24m IS TRUE AS in_24m,
        scans.referred IS TRUE AS referred,
        cancer.person_key IS NOT NULL AS cancer,
        cancer.early IS TRUE AS cancer_stage_1_2,
        cancer.staged IS TRUE AS cancer_staged,
        smoking.offered IS TRUE AS smoking_offered,
        smoking.started IS TRUE AS smoking_started
    FROM model.lung_invited AS invited
    LEFT JOIN accepted
        ON accepted.person_key = invited.person_key
    LEFT JOIN first_check
        ON first_check.person_key = invited.person_key
        AND first_check.position = 1
    LEFT JOIN scans
        ON scans.person_key = invited.person_key
    LEFT JOIN follow_ups
        ON follow_ups.person_key = invited.person_key
    LEFT JOIN model.lung_cancer AS cancer
        ON cancer.person_key = invited.person_key
    LEFT JOIN smoking
        ON smoking.person_key = invited.person_key
)

SELECT
    person_key,
    cohort_month,
    lad_code,
    imd2019_quintile,
    imd2025_quintile,
    accepted,
    attended,
    high_risk,
    scanned_baseline,
    scanned_baseline AND in_3m AS followed_up_3m,
    scanned_baseline AND in_12m AS followed_up_12m,
    scanned_baseline AND in_24m AS followed_up_24m,
    referred,
    cancer,
    cancer_stage_1_2,
    cancer_staged,
    smoking_offered,
    smoking_started
FROM joined
