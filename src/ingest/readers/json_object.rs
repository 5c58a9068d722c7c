//! One JSON object: its keys, and its values as texts.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Doubles are exact up to here.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A value of an object.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    /// A list or an object.
    Nested,
    /// A number with more digits than can be kept.
    Long,
    /// Its key stands twice.
    Twice,
}

impl Value {
    /// Why the row cannot be kept with it.
    pub(super) fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Text(_) => None,
            Self::Nested => Some("the value is a list or an object, not a plain value"),
            Self::Long => Some("the number has more digits than can be kept: send it as text"),
            Self::Twice => Some("the key stands twice in the row"),
        }
    }
}

/// Reads an object; `place` says where a key belongs, `put` takes its value there.
///
/// # Errors
/// What is wrong with the line, in words, without what stands there.
pub(super) fn parse(
    bytes: &[u8],
    place: &mut dyn FnMut(&str) -> Option<usize>,
    put: &mut dyn FnMut(usize, Value),
) -> Result<(), String> {
    let mut input = serde_json::Deserializer::from_slice(bytes);
    let read = input
        .deserialize_map(Object { place, put })
        .and_then(|()| input.end());
    read.map_err(|e| {
        // The library's words may hold what stood there: they are not repeated.
        let what = match e.classify() {
            serde_json::error::Category::Eof => "the line ends before its JSON object does",
            serde_json::error::Category::Data => "the line is no JSON object",
            _ => "the line is no JSON",
        };
        format!("{what} (character {})", e.column())
    })
}

struct Object<'a> {
    place: &'a mut dyn FnMut(&str) -> Option<usize>,
    put: &'a mut dyn FnMut(usize, Value),
}

impl<'de> Visitor<'de> for Object<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Key(&mut *self.place))? {
            let value = map.next_value_seed(Plain)?;
            if let Some(place) = place {
                (self.put)(place, value);
            }
        }
        Ok(())
    }
}

struct Key<'a>(&'a mut dyn FnMut(&str) -> Option<usize>);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;
    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok((self.0)(key))
    }
}

struct Plain;

impl<'de> DeserializeSeed<'de> for Plain {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Value, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Plain {
    type Value = Value;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_bool<E>(self, yes: bool) -> Result<Value, E> {
        Ok(Value::Text(yes.to_string()))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Text(n.to_string()))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(Value::Text(n.to_string()))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(if n.abs() < LARGEST_EXACT {
            Value::Text(n.to_string())
        } else {
            Value::Long
        })
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Text(String::new()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Nested)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Nested)
    }
}
