//! Ages in SQL: bands, and the standard population of a band or an age.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature,
    Volatility,
};

use super::kernels::age_bands;
use super::{answered, refused};

/// The functions of this file.
pub(super) fn all() -> Vec<ScalarUDF> {
    vec![
        ScalarUDF::from(AgeBand::new()),
        ScalarUDF::from(Esp2013::new()),
    ]
}

/// `age_band(age, width [, top])`: `15-19`, and `90+` from the top on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct AgeBand {
    signature: Signature,
}

impl AgeBand {
    fn new() -> Self {
        let whole = |n| TypeSignature::Exact(vec![DataType::Int64; n]);
        Self {
            signature: Signature::one_of(vec![whole(2), whole(3)], Volatility::Immutable),
        }
    }

    fn evaluate(arguments: &[ArrayRef]) -> Option<Result<ArrayRef>> {
        let number = |i: usize| arguments.get(i)?.as_primitive_opt::<Int64Type>();
        let (age, width) = (number(0)?, number(1)?);
        let top = match arguments.len() {
            2 => None,
            _ => Some(number(2)?),
        };
        let mut bands = Vec::with_capacity(age.len());
        for (row, (age, width)) in age.iter().zip(width).enumerate() {
            let top = match top {
                None => Some(age_bands::TOP),
                Some(top) => top.is_valid(row).then(|| top.value(row)),
            };
            let (Some(width), Some(top)) = (width, top) else {
                bands.push(None);
                continue;
            };
            if age_bands::band(0, width, top).is_none() {
                return Some(Err(refused(
                    "age_band",
                    "the last band, 90+ unless given, does not start after a whole number of \
                     bands: age_band(age, width, top)",
                )));
            }
            bands.push(age.and_then(|age| age_bands::band(age, width, top)));
        }
        Some(Ok(Arc::new(StringArray::from(bands))))
    }
}

impl ScalarUDFImpl for AgeBand {
    fn name(&self) -> &'static str {
        "age_band"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), Self::evaluate)
    }
}

/// `esp_2013(age_band)` and `esp_2013(age)`: people of the European Standard Population.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Esp2013 {
    signature: Signature,
}

impl Esp2013 {
    fn new() -> Self {
        let one = |taken| TypeSignature::Exact(vec![taken]);
        Self {
            signature: Signature::one_of(
                vec![one(DataType::Int64), one(DataType::Utf8)],
                Volatility::Immutable,
            ),
        }
    }

    fn evaluate(arguments: &[ArrayRef]) -> Option<Result<ArrayRef>> {
        let given = arguments.first()?;
        if let Some(ages) = given.as_primitive_opt::<Int64Type>() {
            let weights: Int64Array = ages
                .iter()
                .map(|age| age_bands::weight_of_age(age?))
                .collect();
            return Some(Ok(Arc::new(weights)));
        }
        let mut weights = Vec::with_capacity(given.len());
        for band in given.as_string_opt::<i32>()? {
            let weight = band.map(age_bands::weight_of_band);
            // A null would leave a band out of the standard without a word.
            if weight == Some(None) {
                return Some(Err(refused(
                    "esp_2013",
                    "a text is not one of the 19 age bands 0-4, 5-9 to 85-89 and 90+",
                )));
            }
            weights.push(weight.flatten());
        }
        Some(Ok(Arc::new(Int64Array::from(weights))))
    }
}

impl ScalarUDFImpl for Esp2013 {
    fn name(&self) -> &'static str {
        "esp_2013"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        answered(&args, self.name(), Self::evaluate)
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::{answer, refusal};

    #[tokio::test]
    async fn bands_and_their_weights() {
        let shown = answer(
            "SELECT age, age_band(age, 5) AS five, age_band(age, 10, 80) AS ten,
                    esp_2013(age) AS w, esp_2013(age_band(age, 5)) AS again
             FROM (VALUES (17), (104), (-1), (NULL)) AS t (age) ORDER BY age",
        )
        .await;
        for row in [
            "| -1  |       |       |      |       |",
            "| 17  | 15-19 | 10-19 | 5500 | 5500  |",
            "| 104 | 90+   | 80+   | 1000 | 1000  |",
            "|     |       |       |      |       |",
        ] {
            assert!(shown.contains(row), "{row} is not in\n{shown}");
        }
    }

    #[tokio::test]
    async fn other_bands_are_refused() {
        let why = refusal("SELECT esp_2013('85+')").await;
        assert!(
            why.contains("esp_2013: a text is not one of the 19"),
            "{why}"
        );
        let why = refusal("SELECT age_band(17, 7)").await;
        assert!(
            why.contains("the last band, 90+ unless given, does not start"),
            "{why}"
        );
    }
}
