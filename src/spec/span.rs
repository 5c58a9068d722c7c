//! A value that remembers where it stood.

use std::borrow::Cow;
use std::ops::{Deref, Range};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};

/// A value with its place in the YAML text.
///
/// Two `Sp` are equal when their values are, wherever they stood.
#[derive(Debug, Clone)]
pub struct Sp<T> {
    value: T,
    span: Range<usize>,
}

impl<T> Sp<T> {
    /// A value that stood at `span`, in bytes.
    pub fn new(value: T, span: Range<usize>) -> Self {
        Self { value, span }
    }

    /// Where it stood, in bytes of its text.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The value itself.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Sp<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: PartialEq> PartialEq for Sp<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<T: Eq> Eq for Sp<T> {}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Sp<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        super::yaml::deserialize_spanned(deserializer).map(|(value, span)| Self { value, span })
    }
}

impl<T: JsonSchema> JsonSchema for Sp<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }
    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}
