//! Codes in SQL: whether they have the shape, and the category of a diagnosis.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use super::answered;
use super::kernels::codes;
use super::kernels::nhs_number::NhsNumber;

/// The functions of this file.
pub(super) fn all() -> Vec<ScalarUDF> {
    [Code::NhsNumber, Code::Lsoa, Code::Ods, Code::Icd10]
        .into_iter()
        .map(|code| {
            ScalarUDF::from(CodeFunction {
                code,
                signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
            })
        })
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Code {
    /// `is_nhs_number(text)`: ten digits, the last a check digit, and somebody's.
    NhsNumber,
    /// `is_lsoa(text)`.
    Lsoa,
    /// `is_ods_code(text)`.
    Ods,
    /// `icd10_3(text)`: `c18.7` is in `C18`.
    Icd10,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct CodeFunction {
    code: Code,
    signature: Signature,
}

impl CodeFunction {
    fn evaluate(&self, arguments: &[ArrayRef]) -> Option<ArrayRef> {
        let texts = arguments.first()?.as_string_opt::<i32>()?;
        let test = |shaped: fn(&str) -> bool| -> ArrayRef {
            let answers: BooleanArray = texts.iter().map(|text| text.map(shaped)).collect();
            Arc::new(answers)
        };
        Some(match self.code {
            Code::NhsNumber => test(|text| NhsNumber::read(text).is_some()),
            // As they are staged: upper case.
            Code::Lsoa => test(codes::is_lsoa),
            Code::Ods => {
                test(|text| codes::is_ods(text) && !text.bytes().any(|b| b.is_ascii_lowercase()))
            }
            Code::Icd10 => {
                let categories: StringArray = texts
                    .iter()
                    .map(|text| codes::icd10_category(text?))
                    .collect();
                Arc::new(categories)
            }
        })
    }
}

impl ScalarUDFImpl for CodeFunction {
    fn name(&self) -> &'static str {
        match self.code {
            Code::NhsNumber => "is_nhs_number",
            Code::Lsoa => "is_lsoa",
            Code::Ods => "is_ods_code",
            Code::Icd10 => "icd10_3",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(match self.code {
            Code::Icd10 => DataType::Utf8,
            Code::NhsNumber | Code::Lsoa | Code::Ods => DataType::Boolean,
        })
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), |a| self.evaluate(a).map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::answer;

    #[tokio::test]
    async fn shapes_and_categories() {
        let shown = answer(
            "SELECT is_nhs_number('943 476 5919') AS a, is_nhs_number('943 476 5918') AS b,
                    is_lsoa('E01024148') AS c, is_lsoa('E02024148') AS d,
                    is_ods_code('RVV') AS e, is_ods_code('rvv') AS f,
                    icd10_3('c18.7') AS g, icd10_3('bowel') AS h, is_lsoa(NULL) AS i",
        )
        .await;
        assert!(
            shown.contains("| true | false | true | false | true | false | C18 |   |   |"),
            "{shown}"
        );
    }
}
