//! The fields of a predicate, each with its place, so that every error names
//! it.

use std::fmt::Display;

use jiff::Timestamp;
use modelseal_bundle::Attestation;
use serde_json::{Map, Value};

use crate::PredicateError;

/// An object, and where it stands in the predicate. A field that is `null`, or an
/// empty text, is absent, as SLSA has it; fields that are not asked for are passed
/// over.
pub(crate) struct Fields<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(attestation: &'a Attestation) -> Self {
        Self::of_predicate(attestation.predicate())
    }

    pub(crate) fn of_predicate(map: &'a Map<String, Value>) -> Self {
        Self { path: String::new(), map }
    }

    pub(crate) fn required<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Self, &str) -> Result<Option<T>, PredicateError>,
    ) -> Result<T, PredicateError> {
        read(self, name)?.ok_or_else(|| self.refuse(name, "is missing"))
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&'a str>, PredicateError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = value.as_str().ok_or_else(|| self.refuse(name, "is no text"))?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    pub(crate) fn object(&self, name: &str) -> Result<Option<Fields<'a>>, PredicateError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let map = value.as_object().ok_or_else(|| self.refuse(name, "is no object"))?;
        Ok(Some(Fields { path: self.path(name), map }))
    }

    /// Objects; absent, there are none.
    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Fields<'a>>, PredicateError> {
        let Some(value) = self.get(name) else { return Ok(vec![]) };
        let values = value.as_array().ok_or_else(|| self.refuse(name, "is no list"))?;
        let object = |(index, value): (usize, &'a Value)| {
            let name = format!("{name}[{index}]");
            let map = value.as_object().ok_or_else(|| self.refuse(&name, "is no object"))?;
            Ok(Fields { path: self.path(&name), map })
        };
        values.iter().enumerate().map(object).collect()
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<&'a str>>, PredicateError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let values = value.as_array().ok_or_else(|| self.refuse(name, "is no list"))?;
        let text =
            |value: &'a Value| value.as_str().ok_or_else(|| self.refuse(name, "holds what is no text"));
        let texts: Vec<&str> = values.iter().map(text).collect::<Result<_, _>>()?;
        Ok(Some(texts).filter(|texts| !texts.is_empty()))
    }

    pub(crate) fn time(&self, name: &str) -> Result<Option<Timestamp>, PredicateError> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = text.parse().map_err(|_| self.refuse(name, "is no time such as 2026-01-31T12:00:00Z"))?;
        Ok(Some(time))
    }

    /// Whether there is something, and not nothing of its kind.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some_and(|value| !is_empty(value))
    }

    pub(crate) fn map(&self) -> &'a Map<String, Value> {
        self.map
    }

    pub(crate) fn refuse(&self, name: &str, problem: impl Display) -> PredicateError {
        PredicateError::Field { field: self.path(name), problem: problem.to_string() }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    fn path(&self, name: &str) -> String {
        match (self.path.as_str(), name) {
            ("", name) => name.to_owned(),
            (path, "") => path.to_owned(),
            (path, name) => format!("{path}.{name}"),
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(values) => values.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}
