-- What each rate means, in plain English.
-- Source: config/reference/measures.csv.
SELECT
    measure,
    mart,
    short_name,
    numerator,
    denominator,
    unit,
    polarity,
    target_measure,
    population,
    definition_version,
    source
FROM reference.measures
