-- People with cirrhosis (F4) or advanced fibrosis (F3) on a surveillance register at each
-- census, one row each. The two are different measures: keep to one stage.
--
-- From the registers of the month: diagnosed by the census, and (where a people snapshot
-- knows the person) alive and not opted out, neither then nor now. Somebody who is not in
-- the month's snapshot stands as in the newest that has them. A person on two registers
-- counts once: with cirrhosis if either says so, then at the trust that saw them last: by
-- scan or attended appointment, then by date of status, then by code. A register that has
-- transferred the person away has no claim.
-- Eligible: everybody except people any register of the month has as died, transplanted
-- or with liver cancer, people whose liver cancer was diagnosed by the census at any
-- trust, and people clinically unsuitable. Those who declined or are suspended stay in,
-- and so do those whom "unsuitable" means by their own choice.
-- Source: Cancer Alliance plan; NICE QS152 statement 4.
WITH registered AS (
    SELECT
        period AS month,
        month_end(period) AS census_date,
        person_key,
        provider AS trust_code,
        fibrosis_stage,
        surveillance_status,
        status_date,
        unsuitable_reason,
        _file,
        _line
    FROM source.liver_register
    WHERE person_key IS NOT NULL
        AND fibrosis_stage IN ('F3', 'F4')
        AND surveillance_status <> 'transferred'
        AND (diagnosis_date IS NULL OR diagnosis_date <= month_end(period))
),

seen AS (
    SELECT person_key, provider AS trust_code, scan_date AS seen_on
    FROM source.liver_activity
    WHERE person_key IS NOT NULL

    UNION

    SELECT person_key, provider AS trust_code, appointment_date AS seen_on
    FROM source.liver_activity
    WHERE person_key IS NOT NULL
        AND attendance = 'attended'
),

last_seen AS (
    SELECT
        registered.month,
        registered.person_key,
        registered.trust_code,
        MAX(seen.seen_on) AS seen_on
    FROM registered
    INNER JOIN seen
        ON seen.person_key = registered.person_key
        AND seen.trust_code = registered.trust_code
        AND seen.seen_on <= registered.census_date
    GROUP BY
        registered.month,
        registered.person_key,
        registered.trust_code
),

ranked AS (
    SELECT
        registered.month,
        registered.census_date,
        registered.person_key,
        registered.trust_code,
        registered.fibrosis_stage,
        registered.surveillance_status,
        registered.unsuitable_reason,
        ROW_NUMBER() OVER (
            PARTITION BY registered.month, registered.person_key
            ORDER BY
                registered.fibrosis_stage DESC,
                last_seen.seen_on DESC NULLS LAST,
                registered.status_date DESC NULLS LAST,
                registered.trust_code ASC,
                registered._file ASC,
                registered._line ASC
        ) AS position
    FROM registered
    LEFT JOIN last_seen
        ON last_seen.month = registered.month
        AND last_seen.person_key = registered.person_key
        AND last_seen.trust_code = registered.trust_code
),

-- Off the register for good, whichever trust says so and whatever the stage it gives.
closed AS (
    SELECT
        period AS month,
        person_key
    FROM source.liver_register
    WHERE person_key IS NOT NULL
        AND surveillance_status IN ('died', 'transplanted', 'HCC_diagnosed')

    UNION

    SELECT
        registered.month,
        registered.person_key
    FROM registered
    INNER JOIN source.liver_activity AS activity
        ON activity.person_key = registered.person_key
    WHERE activity.hcc_diagnosis_date <= registered.census_date
),

chosen AS (
    SELECT
        ranked.month,
        ranked.census_date,
        ranked.person_key,
        ranked.trust_code,
        ranked.fibrosis_stage,
        COALESCE(person.imd2019_quintile, latest.imd2019_quintile, 0) AS imd2019_quintile,
        COALESCE(person.imd2025_quintile, latest.imd2025_quintile, 0) AS imd2025_quintile,
        closed.person_key IS NOT NULL AS closed,
        ranked.surveillance_status = 'unsuitable'
            AND ranked.unsuitable_reason IS DISTINCT FROM 'patient choice' AS clinically_unsuitable
    FROM ranked
    LEFT JOIN closed
        ON closed.month = ranked.month
        AND closed.person_key = ranked.person_key
    LEFT JOIN model.person_month AS person
        ON person.month = ranked.month
        AND person.person_key = ranked.person_key
    LEFT JOIN model.person_latest AS latest
        ON latest.person_key = ranked.person_key
    WHERE ranked.position = 1
        AND (person.person_key IS NULL OR (person.alive AND NOT person.opted_out))
        AND NOT EXISTS (
            SELECT 1
            FROM model.person_left_out AS gone
            WHERE gone.person_key = ranked.person_key
                AND (gone.opted_out OR gone.death_date <= ranked.census_date)
        )
)

SELECT
    month,
    census_date,
    person_key,
    trust_code,
    fibrosis_stage,
    imd2019_quintile,
    imd2025_quintile,
    NOT closed AND NOT clinically_unsuitable AS eligible,
    NOT closed AND clinically_unsuitable AS unsuitable
FROM chosen
