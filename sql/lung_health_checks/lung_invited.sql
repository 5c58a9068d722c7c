-- People invited to a lung health check, one row each.
--
-- A person's letter is the earliest first letter in any submission; its month is their
-- cohort. Invited = has a letter, was $youngest to $oldest in completed years that day,
-- ever smoked, was alive, and has not opted out.
-- Source: NHS lung cancer screening protocol; programme data item dictionary.
WITH letters AS (
    SELECT
        person_key,
        MIN(first_letter_date) AS letter_date
    FROM source.lung_invites
    WHERE person_key IS NOT NULL
        AND first_letter_date IS NOT NULL
    GROUP BY person_key
)

SELECT
    person.person_key,
    letters.letter_date,
    month_start(letters.letter_date) AS cohort_month,
    person.birth_date,
    person.death_date,
    person.lad_code,
    person.imd2019_quintile,
    person.imd2025_quintile
FROM letters
INNER JOIN model.person_latest AS person
    ON person.person_key = letters.person_key
WHERE age_in_years(person.birth_date, letters.letter_date) BETWEEN $youngest AND $oldest
    AND person.smoking_status IN ('ex', 'current')
    AND (person.death_date IS NULL OR letters.letter_date <= person.death_date)
    AND NOT person.opted_out
