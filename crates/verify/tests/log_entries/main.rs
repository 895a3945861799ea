//! Log entries in the bundles of keys and of certificates: which belong to the
//! signature, and which are proved to be in a log that is trusted. Numbers are
//! those of the catalogue of hostile inputs.

mod artifacts;
mod belonging;
mod checkpoints;
mod inclusion;
mod kinds;
mod log;
mod promises;
mod signed;
#[path = "../tampering/mod.rs"]
mod tampering;
mod work;
