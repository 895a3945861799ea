//! What somebody does to bytes who hopes that nobody looks closely.

use proptest::prelude::*;
use proptest::sample::Index;

/// Where, in which way, and with what.
pub(crate) type Edit = (Index, u8, u8);

/// One to five edits.
pub(crate) fn edits() -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec((any::<Index>(), any::<u8>(), any::<u8>()), 1..6)
}

/// Puts a byte in place of another, or leaves it out, or adds one.
pub(crate) fn mutated(bytes: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (index, kind, byte) in edits {
        let at = index.index(bytes.len());
        match kind % 3 {
            0 => bytes[at] = *byte,
            1 if bytes.len() > 1 => drop(bytes.remove(at)),
            _ => bytes.insert(at, *byte),
        }
    }
    bytes
}
