//! Keyless signing against services on loopback that behave, misbehave, and
//! never end.

#![expect(clippy::disallowed_methods, reason = "a job's program is a file that a test makes")]

mod ambient;
mod der;
mod keyless;
mod login;
mod server;
mod timestamps;
mod transport;
mod world;
