//! Chains of certificates, each rule met and broken. Numbers are those of the
//! catalogue of hostile inputs.

mod alterations;
mod attempt;
mod der;
mod holder;
mod identity;
mod keys;
mod names;
mod paths;
mod revocation;
mod usages;
mod validity;
