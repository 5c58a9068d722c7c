-- HPV vaccination by authority, academic year, school year and sex, for those we know by code.
--
-- As published, and nothing made up: a cell that is not shown is null, and `note` has the
-- token. `both` is girls and boys where both are shown, else null: never the half that is.
-- Rows of is_total (`both`, and England) hold people who stand in other rows too; England is
-- the published figure and never a sum of ours. Rates are worked out at publish.
-- Source: UKHSA, HPV vaccination coverage in adolescents in England.
SELECT
    academic_year,
    CASE WHEN authority = 'England' THEN 'E92000001' ELSE utla_code END AS utla_code,
    authority,
    school_year,
    sex,
    is_total,
    eligible,
    vaccinated,
    note
FROM model.hpv_long
WHERE utla_code IS NOT NULL
    OR authority = 'England'
