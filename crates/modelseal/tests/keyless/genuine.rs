//! Bundles that were really signed, and what they would be put together to.

use std::sync::LazyLock;

use serde_json::Value;

use crate::scene::{Scene, succeeds};
use crate::sigstore::Signer;

/// Signed by a person.
pub(crate) static BY_PERSON: LazyLock<Value> = LazyLock::new(|| signed(Signer::Person));
/// Signed by the same person once more: another key, another entry, another time.
pub(crate) static AGAIN: LazyLock<Value> = LazyLock::new(|| signed(Signer::Person));
/// Signed by a workflow.
pub(crate) static BY_WORKFLOW: LazyLock<Value> = LazyLock::new(|| signed(Signer::Workflow));

pub(crate) const CERTIFICATE: &str = "/verificationMaterial/certificate";
pub(crate) const ENTRIES: &str = "/verificationMaterial/tlogEntries";
pub(crate) const TIMESTAMPS: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
pub(crate) const ENVELOPE: &str = "/dsseEnvelope";

fn signed(signer: Signer) -> Value {
    let scene = Scene::new();
    succeeds(&mut scene.sign(&["--identity-token", &signer.token()]));
    scene.bundle()
}

/// A part of a bundle.
#[track_caller]
pub(crate) fn part<'a>(bundle: &'a Value, pointer: &str) -> &'a Value {
    bundle.pointer(pointer).unwrap_or_else(|| panic!("no {pointer} in {bundle:#}"))
}

/// A bundle of which a part is changed.
#[track_caller]
pub(crate) fn changed(bundle: &Value, pointer: &str, change: impl FnOnce(&mut Value)) -> Value {
    part(bundle, pointer);
    let mut bundle = bundle.clone();
    change(bundle.pointer_mut(pointer).unwrap());
    bundle
}

/// A bundle with a part of another.
#[track_caller]
pub(crate) fn spliced(bundle: &Value, pointer: &str, from: &Value) -> Value {
    assert_ne!(part(bundle, pointer), part(from, pointer), "the parts do not differ");
    changed(bundle, pointer, |found| *found = part(from, pointer).clone())
}

/// Another letter in the middle of a base64 text, which it stays.
pub(crate) fn flip(text: &mut Value) {
    let length = text.as_str().expect("a text").len();
    flip_at(text, length / 2);
}

/// Another letter near the end, where timestamps and certificates have their
/// signatures.
pub(crate) fn flip_end(text: &mut Value) {
    let length = text.as_str().expect("a text").len();
    flip_at(text, length - 8);
}

fn flip_at(text: &mut Value, place: usize) {
    let whole = text.as_str().expect("a text").to_owned();
    let (head, tail) = whole.split_at(place);
    let other = if tail.starts_with('A') { "B" } else { "A" };
    *text = format!("{head}{other}{}", &tail[1..]).into();
}

/// A list that stands there so many times over.
pub(crate) fn repeated(list: &Value, count: usize) -> Value {
    list.as_array().expect("a list").iter().cycle().take(count).cloned().collect()
}
