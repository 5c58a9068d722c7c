-- HPV vaccination, one row per authority, academic year, school year and sex.
--
-- `both` is the sum of girls and boys where both are shown, else null: never the half that
-- is shown. `note` has the token of what is suppressed: * too few, [E] estimated, [DS] not
-- shown for its quality. Rows of `is_total` are sums of others and never added to them.
-- The table knows authorities by name only; the code is that of the areas' list, and null
-- for an authority that is not ours.
-- A row of the published table holds nine cohorts side by side: here they stand one below another.
-- Source: UKHSA, HPV vaccination coverage in adolescents in England.
WITH cohorts AS (
    SELECT
        first_year,
        local_authority,
        UNNEST(ARRAY[8, 8, 8, 9, 9, 9, 10, 10, 10]) AS school_year,
        UNNEST(ARRAY['F', 'M', 'both', 'F', 'M', 'both', 'F', 'M', 'both']) AS sex,
        UNNEST(
            ARRAY[
                y8_females,
                y8_males,
                y8_females + y8_males,
                y9_females,
                y9_males,
                y9_females + y9_males,
                y10_females,
                y10_males,
                y10_females + y10_males
            ]
        ) AS eligible,
        UNNEST(
            ARRAY[
                y8_females_vaccinated,
                y8_males_vaccinated,
                y8_females_vaccinated + y8_males_vaccinated,
                y9_females_vaccinated,
                y9_males_vaccinated,
                y9_females_vaccinated + y9_males_vaccinated,
                y10_females_vaccinated,
                y10_males_vaccinated,
                y10_females_vaccinated + y10_males_vaccinated
            ]
        ) AS vaccinated,
        UNNEST(
            ARRAY[
                COALESCE(y8_females_vaccinated_note, y8_females_note),
                COALESCE(y8_males_vaccinated_note, y8_males_note),
                COALESCE(
                    y8_females_vaccinated_note,
                    y8_males_vaccinated_note,
                    y8_females_note,
                    y8_males_note
                ),
                COALESCE(y9_females_vaccinated_note, y9_females_note),
                COALESCE(y9_males_vaccinated_note, y9_males_note),
                COALESCE(
                    y9_females_vaccinated_note,
                    y9_males_vaccinated_note,
                    y9_females_note,
                    y9_males_note
                ),
                COALESCE(y10_females_vaccinated_note, y10_females_note),
                COALESCE(y10_males_vaccinated_note, y10_males_note),
                COALESCE(
                    y10_females_vaccinated_note,
                    y10_males_vaccinated_note,
                    y10_females_note,
                    y10_males_note
                )
            ]
        ) AS note
    FROM source.hpv_published
),

authorities AS (
    SELECT
        LOWER(utla_name) AS name,
        MIN(utla_code) AS utla_code
    FROM reference.lsoa21_areas
    GROUP BY LOWER(utla_name)
)

SELECT
    CONCAT(CAST(cohorts.first_year AS VARCHAR), '/', LPAD(CAST((cohorts.first_year + 1) % 100 AS VARCHAR), 2, '0'))
        AS academic_year,
    INITCAP(LOWER(cohorts.local_authority)) AS authority,
    authorities.utla_code,
    cohorts.school_year,
    cohorts.sex,
    CAST(cohorts.eligible AS DECIMAL(12, 1)) AS eligible,
    CAST(cohorts.vaccinated AS DECIMAL(12, 1)) AS vaccinated,
    cohorts.note,
    cohorts.sex = 'both' OR LOWER(cohorts.local_authority) = 'england' AS is_total
FROM cohorts
LEFT JOIN authorities
    ON authorities.name = LOWER(cohorts.local_authority)
