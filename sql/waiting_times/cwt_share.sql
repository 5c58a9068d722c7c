-- What part of each counted wait is whose, for each basis.
--
-- provider      trusts of ours, as in the official statistics: a 62-day wait that two share is
--               split as model.cwt_allocation says; people from elsewhere count here
-- commissioner  ICBs of ours: whole people registered (else living) there
-- alliance      whole people told or treated at a trust of the alliance; for 62 days also
--               those it investigated. Nobody is halved and nobody stands twice
-- Trusts elsewhere have no rows: we hold only what was shared with ours.
-- The three count the same people: never add one basis to another.
WITH counted AS (
    SELECT record_id, standard, org_code, shared_with, icb_code
    FROM model.cwt_wait
    WHERE counted
),

provided AS (
    SELECT
        counted.record_id,
        counted.standard,
        counted.org_code,
        1 - COALESCE(allocation.investigating_share, 0) AS share
    FROM counted
    LEFT JOIN model.cwt_allocation AS allocation
        ON allocation.record_id = counted.record_id
        AND counted.standard = 'd62'

    UNION ALL

    SELECT
        counted.record_id,
        counted.standard,
        counted.shared_with AS org_code,
        allocation.investigating_share AS share
    FROM counted
    INNER JOIN model.cwt_allocation AS allocation
        ON allocation.record_id = counted.record_id
    WHERE counted.standard = 'd62'
)

SELECT
    provided.record_id,
    provided.standard,
    'provider' AS basis,
    provided.org_code,
    CAST(provided.share AS DECIMAL(12, 1)) AS share
FROM provided
INNER JOIN reference.trusts AS trust
    ON trust.trust_code = provided.org_code
WHERE provided.share > 0

UNION ALL

SELECT
    record_id,
    standard,
    'commissioner' AS basis,
    icb_code AS org_code,
    CAST(1 AS DECIMAL(12, 1)) AS share
FROM counted
WHERE icb_code IN (SELECT icb_code FROM reference.trusts)

UNION ALL

SELECT
    counted.record_id,
    counted.standard,
    'alliance' AS basis,
    COALESCE(treating.alliance_code, investigating.alliance_code) AS org_code,
    CAST(1 AS DECIMAL(12, 1)) AS share
FROM counted
LEFT JOIN reference.trusts AS treating
    ON treating.trust_code = counted.org_code
LEFT JOIN reference.trusts AS investigating
    ON investigating.trust_code = counted.shared_with
WHERE COALESCE(treating.alliance_code, investigating.alliance_code) IS NOT NULL
