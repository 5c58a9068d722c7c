-- Each pathway with how it began, what it is of, whom it is about and who pays for it.
--
-- route (the first that fits):
--   breast_symptomatic         referral type 16, breast symptoms
--   screening                  urgent, from a national screening programme (source 17)
--   consultant_upgrade         upgraded by a consultant, not from screening
--   urgent_suspected_cancer    priority 3, not from screening
--   null                       not timed from a referral, such as a subsequent treatment
-- cancer_group: that of the diagnosis, D05 with Breast; No diagnosis where there is none.
-- cwt_cancer: C00 to C97 or D05. C44 stays in: what waiting times leave out of it is basal
-- cell carcinoma, which is told by morphology, and the record has none.
-- Quintile: of the record's own LSOA, 2011 or 2021, so that it is known without the person.
-- icb_code: that of the practice; where that is not on the list, of residence; null for
-- somebody from elsewhere (Wales), who counts at providers and with no commissioner of ours.
-- Source: NHS England, National Cancer Waiting Times Monitoring Dataset guidance v12.1.
WITH areas AS (
    SELECT
        lsoa_code,
        icb_code,
        ROW_NUMBER() OVER (PARTITION BY lsoa_code ORDER BY lsoa_vintage DESC) AS position
    FROM model.lsoa_area
),

quintile_2011 AS (
    SELECT lsoa_code, imd2019_quintile, imd2019_match, imd2025_quintile
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2011
),

quintile_2021 AS (
    SELECT lsoa_code, imd2019_quintile, imd2025_quintile, imd2025_match
    FROM model.lsoa_quintile
    WHERE lsoa_vintage = 2021
),

records AS (
    SELECT
        *,
        LEFT(UPPER(REPLACE(icd10, '.', '')), 3) AS icd10_code,
        referral_source IS NOT DISTINCT FROM '17' AS from_screening
    FROM model.cwt_record_current
)

SELECT
    record.record_id,
    record.provider,
    record.period,
    record.record_line,
    record.person_key,
    person.opted_out IS TRUE AS opted_out,
    CASE
        WHEN record.referral_type = '16' THEN 'breast_symptomatic'
        WHEN record.priority_type = '2' AND record.from_screening THEN 'screening'
        WHEN record.upgrade_date IS NOT NULL AND NOT record.from_screening THEN 'consultant_upgrade'
        WHEN record.priority_type = '3' AND NOT record.from_screening THEN 'urgent_suspected_cancer'
    END AS route,
    CASE
        WHEN record.treatment_event IN ('01', '07', '12') THEN 'first_treatment'
        WHEN record.treatment_event IS NOT NULL THEN 'subsequent_treatment'
    END AS stage,
    CASE
        WHEN record.icd10_code IS NULL THEN 'No diagnosis'
        WHEN record.icd10_code = 'D05' THEN 'Breast'
        ELSE COALESCE(site.cancer_group, 'Other')
    END AS cancer_group,
    (record.icd10_code BETWEEN 'C00' AND 'C97' OR record.icd10_code = 'D05') IS TRUE AS cwt_cancer,
    CASE
        WHEN record.treatment_modality IN ('01', '23', '24') THEN 'surgery'
        WHEN record.treatment_modality IN ('02', '03', '14', '15') THEN 'drugs'
        WHEN record.treatment_modality IN ('04', '05', '06', '13') THEN 'radiotherapy'
        ELSE 'other'
    END AS modality_group,
    record.treatment_modality IS NOT DISTINCT FROM '98' AS treatment_declined,
    record.received_date,
    record.upgrade_date,
    record.first_seen_date,
    record.first_seen_org,
    record.told_date,
    record.told_org,
    record.end_reason,
    record.first_seen_adjustment,
    record.decision_date,
    record.treatment_date,
    record.treatment_adjustment,
    record.investigating_org,
    record.upgrading_org,
    record.treating_org,
    record.transfer_date,
    CASE WHEN from_2011.imd2019_match = 'own' THEN from_2011.imd2019_quintile
         ELSE COALESCE(from_2021.imd2019_quintile, 0) END AS imd2019_quintile,
    CASE WHEN from_2021.imd2025_match = 'own' THEN from_2021.imd2025_quintile
         ELSE COALESCE(from_2011.imd2025_quintile, 0) END AS imd2025_quintile,
    COALESCE(practice.icb_code, area.icb_code) AS icb_code
FROM records AS record
LEFT JOIN model.person_latest AS person
    ON person.person_key = record.person_key
LEFT JOIN reference.icd10_cancer_groups AS site
    ON site.icd10_code = record.icd10_code
LEFT JOIN quintile_2011 AS from_2011
    ON from_2011.lsoa_code = record.lsoa_code
LEFT JOIN quintile_2021 AS from_2021
    ON from_2021.lsoa_code = record.lsoa_code
LEFT JOIN model.practice AS practice
    ON practice.practice_code = record.practice_code
LEFT JOIN areas AS area
    ON area.lsoa_code = record.lsoa_code
    AND area.position = 1
