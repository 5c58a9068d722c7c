-- Invitations sent to people who had died: one row for each feed, sender and month of the file.
--
-- An invitation is an `invited` or a `reminder` of screening, a first or a second letter for a
-- lung health check, and one to a liver scan. It is after a death when it is dated after the
-- day of death in the newest snapshot of people; on that day it is not. Nobody who died is in a
-- number because of it: the letter is what the sender should know of.
-- Screening is sent by its programmes. out_of: all dated invitations of people whose number is
-- one, known to us or not. People who opted out are in neither.
WITH invitations AS (
    SELECT
        'screening_events' AS feed,
        programme AS provider,
        period AS month,
        person_key,
        event_date AS invited_on
    FROM source.screening_events
    WHERE event_type IN ('invited', 'reminder')

    UNION ALL

    SELECT
        'lung_invites' AS feed,
        provider,
        period AS month,
        person_key,
        first_letter_date AS invited_on
    FROM source.lung_invites

    UNION ALL

    SELECT
        'lung_invites' AS feed,
        provider,
        period AS month,
        person_key,
        second_letter_date AS invited_on
    FROM source.lung_invites

    UNION ALL

    SELECT
        'liver_activity' AS feed,
        provider,
        period AS month,
        person_key,
        invite_date AS invited_on
    FROM source.liver_activity
),

-- The few who make a difference.
dead_or_opted_out AS (
    SELECT person_key, death_date, opted_out
    FROM model.person_latest
    WHERE death_date IS NOT NULL
        OR opted_out
)

SELECT
    invitations.feed,
    invitations.provider,
    invitations.month,
    'invitations_after_death' AS rule,
    CAST(COUNT(*) FILTER (WHERE invitations.invited_on > person.death_date) AS DOUBLE) AS found,
    CAST(COUNT(*) AS DOUBLE) AS out_of
FROM invitations
LEFT JOIN dead_or_opted_out AS person
    ON person.person_key = invitations.person_key
WHERE invitations.person_key IS NOT NULL
    AND invitations.invited_on IS NOT NULL
    AND person.opted_out IS NOT TRUE
GROUP BY
    invitations.feed,
    invitations.provider,
    invitations.month
