#![expect(clippy::disallowed_methods, reason = "the tests build the models")]
//! Signing and verifying for identities, with the command as a process and a
//! private Sigstore on loopback, which the directory that `MODELSEAL_STACK`
//! names describes. The numbers are those of the catalogue of hostile inputs;
//! items that a library alone can meet are tested in that library's crate.

mod announcement;
mod certificates;
mod chains;
mod ci;
mod drop_in;
mod evidence;
mod genuine;
mod http;
mod identities;
#[cfg(feature = "peers")]
mod interop;
mod keys;
mod login;
#[cfg(feature = "peers")]
#[path = "../peers/mod.rs"]
#[expect(dead_code, reason = "peers sign and verify here without keys")]
mod peers;
mod provenance;
#[cfg(feature = "peers")]
mod provenance_interop;
#[cfg(feature = "peers")]
mod repository;
mod roots;
mod scene;
mod service;
mod services;
mod signing;
mod sigstore;
#[path = "../stage/mod.rs"]
mod stage;
mod summaries;
mod tokens;
#[cfg(feature = "peers")]
mod updates;
#[path = "../workbench/mod.rs"]
mod workbench;
