-- Cancers by three-character ICD-10 code, with the group each is reported under.
-- C44, non-melanoma skin cancer, is listed but never counted.
-- Source: config/reference/icd10_cancer_groups.csv.
SELECT
    icd10_code,
    icd10_name,
    cancer_group,
    counted
FROM reference.icd10_cancer_groups
