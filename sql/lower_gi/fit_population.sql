-- The people of each month, by their first referral of the financial year, counted without
-- quintiles or practices. The mart must add up to this in both editions: its joins
-- neither lose nor double anybody.
WITH people AS (
    SELECT
        referral.person_key,
        MIN(referral.referral_date) AS referral_date
    FROM model.lower_gi_referral AS referral
    WHERE NOT referral.excluded
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_latest AS person
            WHERE person.person_key = referral.person_key
                AND (person.opted_out OR person.death_date < referral.referral_date)
        )
    GROUP BY
        referral.person_key,
        fin_year(referral.referral_date)
),

counted AS (
    SELECT
        month_start(referral_date) AS month,
        CAST(COUNT(*) AS DECIMAL(12, 1)) AS patients_referred
    FROM people
    GROUP BY month_start(referral_date)
)

SELECT
    counted.month,
    editions.imd_edition,
    counted.patients_referred
FROM counted
CROSS JOIN (VALUES (2019), (2025)) AS editions (imd_edition)
