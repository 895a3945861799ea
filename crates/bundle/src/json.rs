//! JSON as strict as a signed format deserves.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::JsonError;

/// Nested arrays and objects. Ours need 8; predicates of others, some more.
const MAX_DEPTH: usize = 64;
/// Keys in one object. Ours have 8; each is kept until the object ends.
const MAX_KEYS: usize = 10_000;

/// Checks a document that another parser will read: UTF-8, no BOM, no trailing
/// bytes, no duplicate key at any level, at most 64 levels deep, of at most
/// `max_values` values.
///
/// # Errors
/// [`JsonError`].
pub fn check_json(bytes: &[u8], max_values: usize) -> Result<(), JsonError> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut values = max_values;
    Strict { depth: 0, values: &mut values }.deserialize(&mut deserializer).map_err(JsonError::from)?;
    deserializer.end().map_err(JsonError::from)
}

/// Reads one document: UTF-8, no BOM, no trailing bytes, no duplicate key at
/// any level, within the limits above, and of at most `max_values` values.
pub(crate) fn parse<'a, T: Deserialize<'a>>(bytes: &'a [u8], max_values: usize) -> Result<T, JsonError> {
    check_json(bytes, max_values)?;
    serde_json::from_slice(bytes).map_err(JsonError::from)
}

/// A JSON object, and nothing else. What serde derives for a struct would take
/// an array as well, with the fields by their position.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MapOnly<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for MapOnly<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(MapOnly(PhantomData))
    }
}

impl<T: Serialize> Serialize for Object<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// Walks a document without keeping it.
struct Strict<'a> {
    depth: usize,
    values: &'a mut usize,
}

impl Strict<'_> {
    fn inner<E: de::Error>(&mut self) -> Result<Strict<'_>, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom(format_args!("nested more than {MAX_DEPTH} deep")));
        }
        Ok(Strict { depth: self.depth + 1, values: self.values })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let left = self.values.checked_sub(1);
        *self.values = left.ok_or_else(|| de::Error::custom("more values than are read"))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut array: A) -> Result<(), A::Error> {
        while array.next_element_seed(self.inner()?)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<(), A::Error> {
        let mut keys = HashSet::new();
        while let Some(key) = object.next_key::<String>()? {
            if keys.contains(&key) {
                return Err(de::Error::custom(format_args!("the key \"{key}\" occurs twice in one object")));
            }
            if keys.len() == MAX_KEYS {
                return Err(de::Error::custom(format_args!("more than {MAX_KEYS} keys in one object")));
            }
            keys.insert(key);
            object.next_value_seed(self.inner()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn refused(document: &[u8]) -> String {
        parse::<Value>(document, 1000).expect_err("must be refused").to_string()
    }

    #[test]
    fn item_1_empty_and_truncated_documents_are_refused() {
        let whole = br#"{"a": [1, "two", {"b": null}]}"#;
        parse::<Value>(whole, 1000).unwrap();
        for length in 0..whole.len() {
            refused(&whole[..length]);
        }
    }

    #[test]
    fn item_3_deep_nesting_is_refused_without_using_the_stack() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let document = open.repeat(100_000) + "1" + &close.repeat(100_000);
            assert!(refused(document.as_bytes()).contains("nested more than 64 deep"));
            refused(open.repeat(100_000).as_bytes());
        }
    }

    #[test]
    fn item_4_duplicate_keys_are_refused_at_any_level_and_in_any_spelling() {
        for document in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"a":2}}]"#, r#"{"a":1,"\u0061":2}"#] {
            assert!(refused(document.as_bytes()).contains("occurs twice"), "{document}");
        }
        parse::<Value>(br#"{"a":{"a":1},"b":{"a":1}}"#, 1000).unwrap();
    }

    #[test]
    fn item_5_trailing_bytes_a_second_document_and_a_bom_are_refused() {
        for document in [&b"{} x"[..], b"{}{}", b"{}\0", b"\xef\xbb\xbf{}", b"{}\n[]"] {
            refused(document);
        }
        parse::<Value>(b" {}\n", 1000).unwrap();
    }

    #[test]
    fn item_12_values_and_keys_are_counted_before_they_are_kept() {
        parse::<Value>(b"[1,2,3]", 4).unwrap();
        assert!(parse::<Value>(b"[1,2,3]", 3).is_err());
        let keys: Vec<String> = (0..=MAX_KEYS).map(|i| format!("\"{i}\":0")).collect();
        let object = format!("{{{}}}", keys.join(","));
        let found = parse::<Value>(object.as_bytes(), usize::MAX).expect_err("must be refused");
        assert!(found.to_string().contains("more than 10000 keys"), "{found}");
    }

    #[test]
    fn text_that_is_not_utf8_or_not_json_is_refused() {
        for document in [&b"\"\xff\""[..], b"{'a':1}", b"{\"a\":1,}", b"NaN", b"01", b"\"\\ud800\"", b"1e999"]
        {
            refused(document);
        }
    }
}
