//! Placeholder
use super::*;
use crate::{compile::*, diag::Result, store::Lake};
pub fn repair(_: &Plan, _: &Lake, _: &dyn Listener) -> Result<()> {
    Ok(())
}
pub fn current_rows(_: &Plan, _: &Node) -> Result<Option<u64>> {
    Ok(None)
}
pub async fn publish(_: &Night<'_>, _: &[&TableName]) -> Result<Vec<(String, PublishedMart)>> {
    Ok(vec![])
}
