-- One row per practice code.
--
-- The list may repeat a code (171 practices were once split over several rows, and
-- put right later), so one row is kept: an open one before a closed one, the latest
-- opened first.
-- current_code is who has its patients now: the practice itself while it is open, else its
-- successor, or who followed that one in its turn; the practice itself where the list names
-- nobody. Three steps are followed.
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
        CASE WHEN close_date IS NOT NULL THEN successor_code END AS followed_by,
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
    COALESCE(third.practice_code, second.practice_code, first.practice_code, listed.practice_code) AS current_code,
    listed.pcn_code,
    listed.sub_icb_code,
    listed.icb_code
FROM listed
LEFT JOIN listed AS first
    ON first.practice_code = listed.followed_by
LEFT JOIN listed AS second
    ON second.practice_code = first.followed_by
LEFT JOIN listed AS third
    ON third.practice_code = second.followed_by
