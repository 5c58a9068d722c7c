//! Quantiles in SQL: `quantile_of(value, k, invert) OVER (PARTITION BY …)`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Int64Type};
use datafusion::common::{Result, exec_err};
use datafusion::logical_expr::function::{PartitionEvaluatorArgs, WindowUDFFieldArgs};
use datafusion::logical_expr::{
    PartitionEvaluator, Signature, Volatility, WindowUDF, WindowUDFImpl,
};

use super::kernels::quantiles::assign;
use super::refused;

/// The function of this file.
pub(super) fn quantile_of() -> WindowUDF {
    WindowUDF::from(QuantileOf {
        signature: Signature::exact(
            vec![DataType::Float64, DataType::Int64, DataType::Boolean],
            Volatility::Immutable,
        ),
    })
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct QuantileOf {
    signature: Signature,
}

impl WindowUDFImpl for QuantileOf {
    fn name(&self) -> &'static str {
        "quantile_of"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn partition_evaluator(
        &self,
        _: PartitionEvaluatorArgs<'_>,
    ) -> Result<Box<dyn PartitionEvaluator>> {
        Ok(Box::new(Evaluator))
    }

    fn field(&self, args: WindowUDFFieldArgs<'_>) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(args.name(), DataType::Int64, true)))
    }
}

#[derive(Debug)]
struct Evaluator;

impl PartitionEvaluator for Evaluator {
    fn evaluate_all(&mut self, values: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let [value, k, inverted] = values else {
            return exec_err!("quantile_of takes a value, a number of quantiles and a direction");
        };
        let (Some(value), Some(k), Some(inverted)) = (
            value.as_primitive_opt::<Float64Type>(),
            k.as_primitive_opt::<Int64Type>(),
            inverted.as_boolean_opt(),
        ) else {
            return exec_err!("quantile_of was called with other types");
        };
        if rows == 0 {
            return Ok(Arc::new(Int64Array::from(Vec::<i64>::new())));
        }
        let same = (0..rows).all(|row| {
            k.is_valid(row)
                && inverted.is_valid(row)
                && k.value(row) == k.value(0)
                && inverted.value(row) == inverted.value(0)
        });
        let quantiles = u32::try_from(k.value(0))
            .ok()
            .filter(|k| (2..=1000).contains(k));
        let (true, Some(quantiles)) = (same, quantiles) else {
            return Err(refused(
                "quantile_of",
                "the number of quantiles is 2 to 1000 and, like the direction, the same in all \
                 rows of a partition",
            ));
        };
        let given: Vec<Option<f64>> = value.iter().map(|v| v.filter(|v| !v.is_nan())).collect();
        let found = assign(&given, quantiles, inverted.value(0));
        Ok(Arc::new(Int64Array::from(found)))
    }
}

#[cfg(test)]
mod tests {
    use crate::functions::tests::{answer, refusal};

    #[tokio::test]
    async fn quintiles_of_a_partition() {
        let shown = answer(
            "SELECT area, quantile_of(score, 5, true) OVER (PARTITION BY region) AS q
             FROM (VALUES ('k', 'a', 5), ('k', 'b', 4), ('k', 'c', 3), ('k', 'd', 2), ('k', 'e', 1),
                          ('k', 'f', NULL), ('m', 'g', 9)) AS t (region, area, score)
             ORDER BY area",
        )
        .await;
        for row in [
            "| a    | 1 |",
            "| e    | 5 |",
            "| f    |   |",
            "| g    |   |",
        ] {
            assert!(shown.contains(row), "{row} is not in\n{shown}");
        }
    }

    #[tokio::test]
    async fn no_number_of_quantiles() {
        let why =
            refusal("SELECT quantile_of(x, x, true) OVER () FROM (VALUES (1), (2)) AS t (x)").await;
        assert!(why.contains("the same in all rows"), "{why}");
    }
}
