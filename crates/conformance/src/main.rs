//! Speaks the command protocol of the OMS conformance suite, method `key`.
//!
//! Exit code 0 is success; 1 is failure, with the reason on standard error; 2
//! is a call that the protocol does not have.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, ValueEnum};
use modelseal::{
    Coverage, IgnorePath, KeySigner, MAX_BUNDLE_BYTES, Model, PrivateKey, PublicKey, SignOptions, Trust,
    Unlisted, Unobserved, UntrustedBundle, VerifyOptions,
};
use modelseal_disk::{Overwrite, read_named, read_regular, write_output};
use serde_json::json;

const MAX_KEY_BYTES: u64 = 64 * 1024;

#[derive(Parser)]
#[command(name = "modelseal-conformance", version, about)]
enum Protocol {
    /// Sign a model
    SignModel(SignModel),
    /// Verify a model
    VerifyModel(VerifyModel),
    /// Print what this adapter can do, as JSON
    Capabilities,
    /// Time signing or verifying, and print the milliseconds as JSON
    BenchmarkModel(BenchmarkModel),
}

#[derive(Args)]
struct SignModel {
    #[command(flatten)]
    model: ModelArgs,
    #[arg(long, value_name = "F")]
    output_bundle: PathBuf,
    #[arg(long, value_name = "PEM")]
    private_key: PathBuf,
}

#[derive(Args)]
struct VerifyModel {
    #[command(flatten)]
    model: ModelArgs,
    #[arg(long, value_name = "F")]
    bundle: PathBuf,
    #[arg(long, value_name = "PEM")]
    public_key: PathBuf,
    #[arg(long)]
    ignore_unsigned_files: bool,
}

#[derive(Args)]
struct BenchmarkModel {
    #[arg(long)]
    operation: Operation,
    #[command(flatten)]
    model: ModelArgs,
    #[arg(long, value_name = "N")]
    repeat: u32,
    #[arg(long, value_name = "PEM", required_if_eq("operation", "sign"))]
    private_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM", required_if_eq("operation", "verify"))]
    public_key: Option<PathBuf>,
    #[arg(long, value_name = "F", required_if_eq("operation", "verify"))]
    bundle: Option<PathBuf>,
}

#[derive(Args)]
struct ModelArgs {
    #[arg(long)]
    method: Method,
    #[arg(long, value_name = "P")]
    model_path: PathBuf,
    #[arg(long, value_name = "ABS")]
    ignore_paths: Vec<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Key,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    Sign,
    Verify,
}

fn main() -> ExitCode {
    let outcome = match Protocol::parse() {
        Protocol::SignModel(args) => sign(&args),
        Protocol::VerifyModel(args) => verify(&args),
        Protocol::BenchmarkModel(args) => benchmark(&args),
        Protocol::Capabilities => {
            println!("{}", capabilities());
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

fn capabilities() -> serde_json::Value {
    json!({
        "flags": ["--ignore-paths", "--ignore-unsigned-files"],
        "hash_algorithms": ["sha256", "blake2b", "blake3"],
        "benchmark_model": true,
    })
}

fn sign(args: &SignModel) -> Result<(), Box<dyn Error>> {
    let bundle = signed_bundle(&args.model, &args.private_key, Some(&args.output_bundle))?;
    Ok(write_output(&args.output_bundle, &bundle, 0o644, Overwrite::Replace)?)
}

fn signed_bundle(args: &ModelArgs, key: &Path, output: Option<&Path>) -> Result<Vec<u8>, Box<dyn Error>> {
    // The one method so far; another would not parse.
    let Method::Key = args.method;
    let signer = KeySigner::new(PrivateKey::from_pem(&read_named(key, MAX_KEY_BYTES, &Unobserved)?)?);
    let model = Model::open(&args.model_path)?;
    let coverage = Coverage { ignore: ignored(args, &model)?, ..Coverage::default() };
    let options = SignOptions { coverage, bundle_path: output, ..SignOptions::default() };
    Ok(modelseal::sign(&model, &options, &signer, &Unobserved)?.bundle)
}

fn verify(args: &VerifyModel) -> Result<(), Box<dyn Error>> {
    verify_once(&args.model, &args.public_key, &args.bundle, args.ignore_unsigned_files)
}

fn verify_once(args: &ModelArgs, key: &Path, bundle: &Path, tolerate: bool) -> Result<(), Box<dyn Error>> {
    let trust = Trust::Key(PublicKey::from_pem(&read_named(key, MAX_KEY_BYTES, &Unobserved)?)?);
    let model = Model::open(&args.model_path)?;
    let options = VerifyOptions {
        bundle_path: Some(bundle),
        ignore: ignored(args, &model)?,
        unlisted: if tolerate { Unlisted::Report } else { Unlisted::Refuse },
        ..VerifyOptions::default()
    };
    let bundle = UntrustedBundle::parse(&read_regular(bundle, MAX_BUNDLE_BYTES)?)?;
    modelseal::verify(&model, bundle, &trust, &options, &Unobserved)?;
    Ok(())
}

fn benchmark(args: &BenchmarkModel) -> Result<(), Box<dyn Error>> {
    let missing = "an option that this operation needs is missing";
    let mut times = Vec::new();
    for _ in 0..args.repeat {
        let start = Instant::now();
        match args.operation {
            Operation::Sign => {
                signed_bundle(&args.model, args.private_key.as_deref().ok_or(missing)?, None)?;
            }
            Operation::Verify => {
                let (key, bundle) =
                    (args.public_key.as_deref().ok_or(missing)?, args.bundle.as_deref().ok_or(missing)?);
                verify_once(&args.model, key, bundle, false)?;
            }
        }
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    println!("{}", json!({ "times_ms": times }));
    Ok(())
}

fn ignored(args: &ModelArgs, model: &Model) -> Result<Vec<IgnorePath>, Box<dyn Error>> {
    let inside = |path: &PathBuf| {
        let outside = || format!("--ignore-paths {}: lies outside of the model", path.display());
        model.locate(path).map(IgnorePath::from).ok_or_else(outside)
    };
    Ok(args.ignore_paths.iter().map(inside).collect::<Result<_, _>>()?)
}
