-- Every organisation a number can be about, with when it was open and what followed it.
--
-- Codes are ODS codes, except that an alliance has only its ONS code. ICBs and
-- alliances may cover the same people (in Kent and Medway they do), so add up within
-- one org_type only. UNKNOWN stands for practice codes that are not on the list. What a
-- district or county lies in is null where it lies in several.
-- current_code is who has its patients now: group by it to see what has closed under what
-- followed it, as in the current view; org_code is the view of the time.
-- Source: ODS practices and networks; ONS areas; config/reference/trusts.csv.
WITH icbs AS (
    SELECT
        icb_code,
        MAX(icb_name) AS icb_name,
        MAX(alliance_code) AS alliance_code
    FROM model.lsoa_area
    WHERE icb_code IS NOT NULL
    GROUP BY icb_code
),

sub_icbs AS (
    SELECT
        sub_icb_code,
        MAX(sub_icb_name) AS sub_icb_name,
        MAX(icb_code) AS icb_code,
        MAX(alliance_code) AS alliance_code
    FROM model.lsoa_area
    WHERE sub_icb_code IS NOT NULL
    GROUP BY sub_icb_code
),

alliances AS (
    SELECT
        alliance_code,
        MAX(alliance_name) AS alliance_name
    FROM model.lsoa_area
    WHERE alliance_code IS NOT NULL
    GROUP BY alliance_code
),

districts AS (
    SELECT
        lad_code,
        MAX(lad_name) AS lad_name,
        CASE WHEN MIN(sub_icb_code) = MAX(sub_icb_code) THEN MAX(sub_icb_code) END AS sub_icb_code,
        CASE WHEN MIN(icb_code) = MAX(icb_code) THEN MAX(icb_code) END AS icb_code,
        CASE WHEN MIN(alliance_code) = MAX(alliance_code) THEN MAX(alliance_code) END AS alliance_code
    FROM model.lsoa_area
    WHERE lad_code IS NOT NULL
    GROUP BY lad_code
),

counties AS (
    SELECT
        utla_code,
        MAX(utla_name) AS utla_name,
        CASE WHEN MIN(icb_code) = MAX(icb_code) THEN MAX(icb_code) END AS icb_code,
        CASE WHEN MIN(alliance_code) = MAX(alliance_code) THEN MAX(alliance_code) END AS alliance_code
    FROM model.lsoa_area
    WHERE utla_code IS NOT NULL
    GROUP BY utla_code
),

pcns AS (
    SELECT
        pcn_code,
        MAX(pcn_name) AS pcn_name,
        MAX(sicbl_code) AS sub_icb_code,
        MIN(open_date) AS open_date,
        CASE WHEN COUNT(close_date) = COUNT(*) THEN MAX(close_date) END AS close_date
    FROM reference.pcns
    GROUP BY pcn_code
)

SELECT
    'practice' AS org_type,
    practice.practice_code AS org_code,
    practice.practice_name AS org_name,
    practice.pcn_code,
    practice.sub_icb_code,
    practice.icb_code,
    icbs.alliance_code,
    practice.open_date AS valid_from,
    practice.close_date AS valid_to,
    practice.successor_code,
    practice.current_code
FROM model.practice AS practice
LEFT JOIN icbs
    ON icbs.icb_code = practice.icb_code

UNION ALL

SELECT
    'practice' AS org_type,
    'UNKNOWN' AS org_code,
    'Practice not on the list' AS org_name,
    NULL AS pcn_code,
    NULL AS sub_icb_code,
    NULL AS icb_code,
    NULL AS alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    'UNKNOWN' AS current_code

UNION ALL

SELECT
    'pcn' AS org_type,
    pcns.pcn_code AS org_code,
    pcns.pcn_name AS org_name,
    pcns.pcn_code,
    pcns.sub_icb_code,
    sub_icbs.icb_code,
    sub_icbs.alliance_code,
    pcns.open_date AS valid_from,
    pcns.close_date AS valid_to,
    NULL AS successor_code,
    pcns.pcn_code AS current_code
FROM pcns
LEFT JOIN sub_icbs
    ON sub_icbs.sub_icb_code = pcns.sub_icb_code

UNION ALL

SELECT
    'trust' AS org_type,
    trust_code AS org_code,
    trust_name AS org_name,
    NULL AS pcn_code,
    NULL AS sub_icb_code,
    icb_code,
    alliance_code,
    open_date AS valid_from,
    close_date AS valid_to,
    successor_code,
    COALESCE(successor_code, trust_code) AS current_code
FROM reference.trusts

UNION ALL

SELECT
    'lad' AS org_type,
    lad_code AS org_code,
    lad_name AS org_name,
    NULL AS pcn_code,
    sub_icb_code,
    icb_code,
    alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    lad_code AS current_code
FROM districts

UNION ALL

SELECT
    'utla' AS org_type,
    utla_code AS org_code,
    utla_name AS org_name,
    NULL AS pcn_code,
    NULL AS sub_icb_code,
    icb_code,
    alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    utla_code AS current_code
FROM counties

UNION ALL

SELECT
    'sub_icb' AS org_type,
    sub_icb_code AS org_code,
    sub_icb_name AS org_name,
    NULL AS pcn_code,
    sub_icb_code,
    icb_code,
    alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    sub_icb_code AS current_code
FROM sub_icbs

UNION ALL

SELECT
    'icb' AS org_type,
    icb_code AS org_code,
    icb_name AS org_name,
    NULL AS pcn_code,
    NULL AS sub_icb_code,
    icb_code,
    alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    icb_code AS current_code
FROM icbs

UNION ALL

SELECT
    'alliance' AS org_type,
    alliance_code AS org_code,
    alliance_name AS org_name,
    NULL AS pcn_code,
    NULL AS sub_icb_code,
    NULL AS icb_code,
    alliance_code,
    NULL AS valid_from,
    NULL AS valid_to,
    NULL AS successor_code,
    alliance_code AS current_code
FROM alliances
