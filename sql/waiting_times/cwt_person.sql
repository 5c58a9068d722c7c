-- Everybody's part of each counted wait once for each edition of the IMD, with what indicators
-- are broken down by: keep to one basis and one edition.
--
-- within of total is the share within the standard; total is what model.cwt_share gives the
-- organisation of this wait, a half where two trusts share it. Definitions: model.cwt_wait.
-- Quintile is that of the record's own LSOA, as in mart.waiting_times. Other groups are those
-- of the newest snapshot; a record of nobody is in no group, and of unknown sex, age and
-- ethnicity. Core20PLUS is national quintile 1 of the edition, or a PLUS group. Age is that on
-- the last day of the month of being told or treated.
-- Source: NHS England, National Cancer Waiting Times Monitoring Dataset guidance v12.1;
-- NHS England, Core20PLUS5.
WITH groups AS (
    SELECT
        share.record_id,
        share.standard,
        share.basis,
        share.org_code,
        wait.month,
        wait.route,
        wait.cancer_group,
        wait.modality_group,
        wait.imd2019_quintile,
        wait.imd2025_quintile,
        COALESCE(person.sex, 'U') AS sex,
        age_in_years(person.birth_date, month_end(wait.month)) AS age,
        COALESCE(person.ethnicity_group, 'Unknown') AS ethnicity_group,
        person.ethnic_minority IS TRUE AS ethnic_minority,
        person.learning_disability IS TRUE AS learning_disability,
        person.severe_mental_illness IS TRUE AS severe_mental_illness,
        person.inclusion_health IS TRUE AS inclusion_health,
        person.coastal IS TRUE AS coastal,
        share.share AS total,
        CASE WHEN wait.within THEN share.share ELSE CAST(0 AS DECIMAL(12, 1)) END AS within
    FROM model.cwt_share AS share
    INNER JOIN model.cwt_wait AS wait
        ON wait.record_id = share.record_id
        AND wait.standard = share.standard
    INNER JOIN model.cwt_pathway AS pathway
        ON pathway.record_id = share.record_id
    LEFT JOIN model.person_latest AS person
        ON person.person_key = pathway.person_key
)

SELECT
    groups.record_id,
    groups.standard,
    groups.basis,
    groups.org_code,
    groups.month,
    groups.route,
    groups.cancer_group,
    groups.modality_group,
    editions.imd_edition,
    CASE editions.imd_edition
        WHEN 2019 THEN groups.imd2019_quintile
        ELSE groups.imd2025_quintile
    END AS imd_quintile,
    groups.sex,
    CASE
        WHEN groups.age IS NULL THEN 'unknown'
        WHEN groups.age < 45 THEN '0-44'
        WHEN groups.age < 55 THEN '45-54'
        WHEN groups.age < 65 THEN '55-64'
        WHEN groups.age < 75 THEN '65-74'
        ELSE '75+'
    END AS age_band,
    groups.ethnicity_group,
    groups.ethnic_minority,
    groups.learning_disability,
    groups.severe_mental_illness,
    groups.inclusion_health,
    groups.coastal,
    CASE editions.imd_edition
        WHEN 2019 THEN groups.imd2019_quintile
        ELSE groups.imd2025_quintile
    END = 1
        OR groups.ethnic_minority
        OR groups.learning_disability
        OR groups.severe_mental_illness
        OR groups.inclusion_health
        OR groups.coastal AS core20plus,
    groups.total,
    groups.within
FROM groups
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
