-- One row per practice code.
--
-- The list may repeat a code (171 practices were once split over several rows, and
-- put right later), so one row is kept: an open one before a closed one, the latest
-- opened first.
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
)

SELECT
    practice_code,
    practice_name,
    open_date,
    close_date,
    successor_code,
    pcn_code,
    sicbl_code_nhs AS sub_icb_code,
    icb_code_nhs AS icb_code
FROM ranked
WHERE position = 1
