-- Invitations to screening, and whether each was answered in time.
--
-- An episode's invitation is its first 'invited' event: a second letter or a reminder
-- in the same episode is the same invitation. Where an episode has no number, each day
-- is an episode of its own. Invitations of one day are one.
-- screened_on is the first adequate test from the invitation to $answer_months calendar
-- months after it, both days in; null when there was none.
-- At a census the invitation that counts is the earliest in the window, the one row with
--     invited_on in the window AND (previous_invited_on IS NULL OR previous_invited_on < start)
-- Invitations too old for the first census we hold are left out, also as previous ones.
-- Source: screening programme standards, uptake.
WITH first_window AS (
    SELECT window_start(month_end(MIN(month)), $uptake_months) AS start_date
    FROM model.person_month
),

episodes AS (
    SELECT
        person_key,
        programme,
        COALESCE(NULLIF(episode_id, ''), CAST(event_date AS VARCHAR)) AS episode,
        MIN(event_date) AS invited_on
    FROM source.screening_events
    WHERE person_key IS NOT NULL
        AND event_type = 'invited'
    GROUP BY
        person_key,
        programme,
        COALESCE(NULLIF(episode_id, ''), CAST(event_date AS VARCHAR))
),

days AS (
    SELECT DISTINCT
        episodes.person_key,
        episodes.programme,
        episodes.invited_on
    FROM episodes
    CROSS JOIN first_window
    WHERE episodes.invited_on >= first_window.start_date
),

invitations AS (
    SELECT
        person_key,
        programme,
        invited_on,
        LAG(invited_on) OVER (PARTITION BY person_key, programme ORDER BY invited_on) AS previous_invited_on
    FROM days
)

SELECT
    invitation.person_key,
    invitation.programme,
    invitation.invited_on,
    invitation.previous_invited_on,
    MIN(test.tested_on) AS screened_on
FROM invitations AS invitation
LEFT JOIN model.screening_test AS test
    ON test.person_key = invitation.person_key
    AND test.programme = invitation.programme
    AND test.tested_on >= invitation.invited_on
    AND test.tested_on <= add_months(invitation.invited_on, $answer_months)
GROUP BY
    invitation.person_key,
    invitation.programme,
    invitation.invited_on,
    invitation.previous_invited_on
