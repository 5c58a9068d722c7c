-- Care events of the counted tumours, with codes repaired and identical rows made one.
--
-- Codes are two digits; "3" and "003" are 03. Rows alike in date, codes, point of the
-- pathway and staff role are one event, from whichever file they came. Which of two that
-- differ in nothing shown here comes first does not matter.
-- Source: COSD CR7900 to CR7960; NDRS and Macmillan method.
WITH repaired AS (
    SELECT
        person_key,
        tumour_key,
        event_type,
        event_date,
        LPAD(LTRIM(BTRIM(offered_code), '0'), 2, '0') AS offered_code,
        LPAD(LTRIM(BTRIM(status_code), '0'), 2, '0') AS status_code,
        pathway_point,
        staff_role
    FROM source.personalised_care
    WHERE person_key IS NOT NULL
        AND event_type IS NOT NULL
),

events AS (
    SELECT DISTINCT
        tumour.person_key,
        tumour.trust_code,
        tumour.diagnosis_date,
        repaired.event_type,
        repaired.event_date,
        repaired.offered_code,
        repaired.status_code,
        repaired.pathway_point,
        repaired.staff_role
    FROM model.care_tumour AS tumour
    INNER JOIN repaired
        ON repaired.person_key = tumour.person_key
        AND repaired.tumour_key = tumour.tumour_key
)

SELECT
    person_key,
    ROW_NUMBER() OVER (
        PARTITION BY person_key
        ORDER BY event_date, event_type, offered_code, status_code
    ) AS event_number,
    trust_code,
    diagnosis_date,
    event_type,
    event_date,
    event_date - diagnosis_date AS days_after,
    offered_code,
    status_code
FROM events
