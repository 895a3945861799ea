//! Speaks the command protocols of two public conformance suites: that of OMS,
//! about models, and that of the Sigstore clients, about any artifact.
//!
//! Exit code 0 is success; 1 is failure, with the reason on standard error; 2
//! is a call that neither protocol has.

mod artifacts;
mod identity;
mod models;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(name = "modelseal-conformance", version, about)]
enum Protocol {
    /// Sign a model
    SignModel(models::SignModel),
    /// Verify a model
    VerifyModel(models::VerifyModel),
    /// Print what this adapter can do, as JSON
    Capabilities,
    /// Time signing or verifying, and print the milliseconds as JSON
    BenchmarkModel(models::BenchmarkModel),
    /// Sign a file for an identity
    SignBundle(artifacts::SignBundle),
    /// Verify a bundle about a file or a digest
    VerifyBundle(artifacts::VerifyBundle),
}

fn main() -> ExitCode {
    let outcome = match Protocol::parse() {
        Protocol::SignModel(args) => models::sign(&args),
        Protocol::VerifyModel(args) => models::verify(&args),
        Protocol::BenchmarkModel(args) => models::benchmark(args),
        Protocol::SignBundle(args) => artifacts::sign(&args),
        Protocol::VerifyBundle(args) => artifacts::verify(&args),
        Protocol::Capabilities => {
            println!("{}", models::capabilities());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
