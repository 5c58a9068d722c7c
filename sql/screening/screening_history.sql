-- What happened to each person in each programme, as lists of days: one row per person and
-- programme. At a census everything asked of a person is a look into their lists.
--
--   tests        days with an adequate test. A kit spoilt and sent again is two events but one
--                test; for bowel the test must be a FIT.
--   invitations  days of invitation. An episode's invitation is its first 'invited' event: a
--                second letter or a reminder in it is the same one. Where an episode has no
--                number, each day is an episode of its own.
--   declines     days on which they declined, or on which it was noted that they did not answer.
--   unsuitables  days on which they were noted as unsuitable, which holds until an adequate
--                test after it.
--   ceased_on    the day they were first ceased, for whatever reason (no colon, no cervix,
--                bilateral mastectomy, informed choice, ...). It holds for good.
-- Unlinked records are nobody's and are left out.
-- Source: screening programme standards.
WITH events AS (
    SELECT person_key, programme, event_type, event_date, episode_id, test_type
    FROM source.screening_events
    WHERE person_key IS NOT NULL
        AND event_type IN ('screened_adequate', 'invited', 'declined', 'non_response', 'unsuitable', 'ceased')
),

invitations AS (
    SELECT
        person_key,
        programme,
        MIN(event_date) AS invited_on
    FROM events
    WHERE event_type = 'invited'
    GROUP BY
        person_key,
        programme,
        COALESCE(NULLIF(episode_id, ''), CAST(event_date AS VARCHAR))
),

days AS (
    SELECT
        person_key,
        programme,
        event_date AS tested_on,
        CAST(NULL AS DATE) AS invited_on,
        CAST(NULL AS DATE) AS declined_on,
        CAST(NULL AS DATE) AS unsuitable_on,
        CAST(NULL AS DATE) AS ceased_on
    FROM events
    WHERE event_type = 'screened_adequate'
        AND (programme <> 'bowel' OR test_type = 'FIT')

    UNION ALL

    SELECT
        person_key,
        programme,
        CAST(NULL AS DATE) AS tested_on,
        invited_on,
        CAST(NULL AS DATE) AS declined_on,
        CAST(NULL AS DATE) AS unsuitable_on,
        CAST(NULL AS DATE) AS ceased_on
    FROM invitations

    UNION ALL

    SELECT
        person_key,
        programme,
        CAST(NULL AS DATE) AS tested_on,
        CAST(NULL AS DATE) AS invited_on,
        event_date AS declined_on,
        CAST(NULL AS DATE) AS unsuitable_on,
        CAST(NULL AS DATE) AS ceased_on
    FROM events
    WHERE event_type IN ('declined', 'non_response')

    UNION ALL

    SELECT
        person_key,
        programme,
        CAST(NULL AS DATE) AS tested_on,
        CAST(NULL AS DATE) AS invited_on,
        CAST(NULL AS DATE) AS declined_on,
        event_date AS unsuitable_on,
        CAST(NULL AS DATE) AS ceased_on
    FROM events
    WHERE event_type = 'unsuitable'

    UNION ALL

    SELECT
        person_key,
        programme,
        CAST(NULL AS DATE) AS tested_on,
        CAST(NULL AS DATE) AS invited_on,
        CAST(NULL AS DATE) AS declined_on,
        CAST(NULL AS DATE) AS unsuitable_on,
        event_date AS ceased_on
    FROM events
    WHERE event_type = 'ceased'
)

SELECT
    person_key,
    programme,
    date_list(tested_on) AS tests,
    date_list(invited_on) AS invitations,
    date_list(declined_on) AS declines,
    date_list(unsuitable_on) AS unsuitables,
    MIN(ceased_on) AS ceased_on
FROM days
GROUP BY
    person_key,
    programme
