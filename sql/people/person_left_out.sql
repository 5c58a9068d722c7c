-- People who are left out of months although those months' snapshots count them.
--
-- For what is counted at a census, screening and liver surveillance; what is dated by an
-- event goes by the newest snapshot anyway.
-- Whoever has opted out by now is left out of every month: an opt-out is of all use from
-- then on, also of what is known of the years before. Set $opt_outs_reach_back to false to
-- have it count from its own snapshot on.
-- Whoever has died is left out of every census from the day of death on, although it may
-- have become known only later.
-- Source: national data opt-out operational policy; feeds and marts, opt-outs and deaths.
SELECT
    person_key,
    opted_out AND $opt_outs_reach_back AS opted_out,
    death_date
FROM model.person_latest
WHERE (opted_out AND $opt_outs_reach_back)
    OR death_date IS NOT NULL
