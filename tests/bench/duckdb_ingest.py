"""The same work in DuckDB: every column typed, modulus 11, accepted values, required.

Good rows go to zstd Parquet; bad rows are kept with row number, rule and text. The file is
parsed for each of the two, which costs less than keeping it as a table.
Usage: duckdb_ingest.py EVENTS FOLDER
"""

import sys

import duckdb

JUDGED = """
    select *,
        case
            when nhs_number is null or not regexp_full_match(nhs_number, '[0-9]{10}')
                or (11 - (
                    10 * nhs_number[1]::int + 9 * nhs_number[2]::int + 8 * nhs_number[3]::int
                    + 7 * nhs_number[4]::int + 6 * nhs_number[5]::int + 5 * nhs_number[6]::int
                    + 4 * nhs_number[7]::int + 3 * nhs_number[8]::int + 2 * nhs_number[9]::int
                ) % 11) % 11 <> nhs_number[10]::int then 'nhs_number'
            when programme is null or programme not in ('bowel', 'breast', 'cervical') then 'programme'
            when event_type is null or event_type not in (
                'invited', 'reminder', 'responded', 'kit_returned', 'attended', 'screened_adequate',
                'screened_inadequate', 'result_normal', 'declined', 'dna') then 'event_type'
            when event_date is null then 'event_date required'
            when try_strptime(event_date, '%d/%m/%Y') is null then 'event_date valid'
            when test_type not in ('FIT', 'mammogram', 'HPV_primary') then 'test_type'
            when not regexp_full_match(practice_code, '[A-Za-z0-9]{3,8}') then 'practice_code'
        end as rule
    from (select *, row_number() over () as row
          from read_csv(?, all_varchar = true, header = true, delim = ',', quote = '"'))
"""


def main() -> None:
    events, folder = sys.argv[1], sys.argv[2]
    con = duckdb.connect()
    con.execute("set preserve_insertion_order = true")
    options = "(format parquet, compression zstd, compression_level 1)"
    con.execute(
        f"copy (select * exclude (rule) replace (strptime(event_date, '%d/%m/%Y')::date as event_date)"
        f" from ({JUDGED}) where rule is null) to '{folder}/good.parquet' {options}", [events])
    con.execute(
        f"copy (select * from ({JUDGED}) where rule is not null) to '{folder}/bad.parquet' {options}",
        [events])


main()
