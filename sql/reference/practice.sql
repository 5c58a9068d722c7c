-- One row per practice code.
--
-- The list may repeat a code (171 practices were once split over several rows, and
-- put right later), so one row is kept: an open one before a closed one, the latest
-- opened first.
-- followed_by is who took on the patients of one that has closed, or is to, if the list has
-- it, and followed_until the day on which that one closed in its turn. current_code is the
-- end of that chain, of three steps at most: the practice itself while nobody follows it.
-- Source: ODS practice list.
WITH ranked AS (
    SELECT
        practice_code,
        practice_name,
        open_date,
        close_date,
        successor_code,
        pcn_code,
        sicbl_code_nhs,
        icb_code_nhs,
        ROW_NUMBER() OVER (
            PARTITION BY practice_code
            ORDER BY close_date DESC NULLS FIRST, open_date DESC NULLS LAST, practice_name ASC, _line ASC
        ) AS position
    FROM reference.practices
),

listed AS (
    SELECT
        practice_code,
        practice_name,
        open_date,
        close_date,
        successor_code,
        CASE WHEN close_date IS NOT NULL THEN successor_code END AS next_code,
        pcn_code,
        sicbl_code_nhs AS sub_icb_code,
        icb_code_nhs AS icb_code
    FROM ranked
    WHERE position = 1
)

SELECT
    listed.practice_code,
    listed.practice_name,
    listed.open_date,
    listed.close_date,
    listed.successor_code,
    first.practice_code AS followed_by,
    first.close_date AS followed_until,
    COALESCE(third.practice_code, second.practice_code, first.practice_code, listed.practice_code) AS current_code,
    listed.pcn_code,
    listed.sub_icb_code,
    listed.icb_code
FROM listed
LEFT JOIN listed AS first
    ON first.practice_code = listed.next_code
LEFT JOIN listed AS second
    ON second.practice_code = first.next_code
LEFT JOIN listed AS third
    ON third.practice_code = second.next_code
