//! Speaks the command protocol of the OMS conformance suite, methods `key` and
//! `certificate`.
//!
//! Exit code 0 is success; 1 is failure, with the reason on standard error; 2
//! is a call that the protocol does not have.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, Parser, ValueEnum};
use modelseal::{
    Certificate, CertificateSigner, CertificateTrust, Clock, Coverage, IgnorePath, KeySigner,
    MAX_BUNDLE_BYTES, Model, PrivateKey, PublicKey, SignOptions, Signer, Trust, Unlisted, Unobserved,
    UntrustedBundle, VerifyOptions,
};
use modelseal_disk::{Overwrite, read_named, read_regular, write_output};
use serde_json::json;

const MAX_KEY_BYTES: u64 = 64 * 1024;
const MAX_CERTIFICATE_BYTES: u64 = 4 * 1024 * 1024;

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
    #[command(flatten)]
    signer: SignerArgs,
    #[arg(long, value_name = "F")]
    output_bundle: PathBuf,
}

#[derive(Args)]
struct VerifyModel {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    trust: TrustArgs,
    #[arg(long, value_name = "F")]
    bundle: PathBuf,
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
    #[command(flatten)]
    keys: BenchmarkKeys,
    #[arg(long, value_name = "F", required_if_eq("operation", "verify"))]
    bundle: Option<PathBuf>,
}

/// Both halves of the protocol at once: `--cert-chain` is the chain of the one
/// and the anchors of the other.
#[derive(Args)]
struct BenchmarkKeys {
    #[arg(long, value_name = "PEM", required_if_eq("operation", "sign"))]
    private_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    signing_cert: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    public_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    cert_chain: Vec<PathBuf>,
}

impl BenchmarkKeys {
    fn signer(self) -> SignerArgs {
        let Self { private_key, signing_cert, cert_chain, .. } = self;
        SignerArgs { private_key: private_key.unwrap_or_default(), signing_cert, cert_chain }
    }

    fn trust(self) -> TrustArgs {
        TrustArgs { public_key: self.public_key, cert_chain: self.cert_chain }
    }
}

#[derive(Args)]
struct SignerArgs {
    #[arg(long, value_name = "PEM")]
    private_key: PathBuf,
    #[arg(long, value_name = "PEM", required_if_eq("method", "certificate"))]
    signing_cert: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    cert_chain: Vec<PathBuf>,
}

#[derive(Args)]
struct TrustArgs {
    #[arg(long, value_name = "PEM", required_if_eq("method", "key"))]
    public_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM", required_if_eq("method", "certificate"))]
    cert_chain: Vec<PathBuf>,
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
    Certificate,
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
        Protocol::BenchmarkModel(args) => benchmark(args),
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
    let signer = signer(args.model.method, &args.signer)?;
    let bundle = signed_bundle(&args.model, &*signer, Some(&args.output_bundle))?;
    Ok(write_output(&args.output_bundle, &bundle, 0o644, Overwrite::Replace)?)
}

fn signer(method: Method, args: &SignerArgs) -> Result<Box<dyn Signer>, Box<dyn Error>> {
    let key = PrivateKey::from_pem(&read_named(&args.private_key, MAX_KEY_BYTES, &Unobserved)?)?;
    match method {
        Method::Key => Ok(Box::new(KeySigner::new(key))),
        Method::Certificate => {
            let mut leaf = certificates(named(args.signing_cert.as_deref(), "--signing-cert")?)?;
            let mut chain = leaf.split_off(1);
            for path in &args.cert_chain {
                chain.extend(certificates(path)?);
            }
            Ok(Box::new(CertificateSigner::new(key, leaf.remove(0), chain, Clock::system())?))
        }
    }
}

fn signed_bundle(
    args: &ModelArgs,
    signer: &dyn Signer,
    output: Option<&Path>,
) -> Result<Vec<u8>, Box<dyn Error>> {
    let model = Model::open(&args.model_path)?;
    let coverage = Coverage { ignore: ignored(args, &model)?, ..Coverage::default() };
    let options = SignOptions { coverage, bundle_path: output, ..SignOptions::default() };
    Ok(modelseal::sign(&model, &options, signer, &Unobserved)?.bundle)
}

fn verify(args: &VerifyModel) -> Result<(), Box<dyn Error>> {
    let trust = trust(args.model.method, &args.trust)?;
    verify_once(&args.model, &trust, &args.bundle, args.ignore_unsigned_files)
}

/// In the method `certificate` the anchors are what `--cert-chain` names.
fn trust(method: Method, args: &TrustArgs) -> Result<Trust, Box<dyn Error>> {
    match method {
        Method::Key => {
            let key = named(args.public_key.as_deref(), "--public-key")?;
            Ok(Trust::Key(PublicKey::from_pem(&read_named(key, MAX_KEY_BYTES, &Unobserved)?)?))
        }
        Method::Certificate => {
            let mut anchors = Vec::new();
            for path in &args.cert_chain {
                anchors.extend(certificates(path)?);
            }
            if anchors.is_empty() {
                return Err("--cert-chain is missing: certificates of the system are never trusted".into());
            }
            Ok(Trust::Certificate(CertificateTrust::anchors(anchors, Clock::system())))
        }
    }
}

fn certificates(path: &Path) -> Result<Vec<Certificate>, Box<dyn Error>> {
    Ok(Certificate::all_from_pem(&read_named(path, MAX_CERTIFICATE_BYTES, &Unobserved)?)?)
}

fn named<'a>(path: Option<&'a Path>, option: &str) -> Result<&'a Path, String> {
    path.ok_or_else(|| format!("{option} is missing"))
}

fn verify_once(args: &ModelArgs, trust: &Trust, bundle: &Path, tolerate: bool) -> Result<(), Box<dyn Error>> {
    let model = Model::open(&args.model_path)?;
    let options = VerifyOptions {
        bundle_path: Some(bundle),
        ignore: ignored(args, &model)?,
        unlisted: if tolerate { Unlisted::Report } else { Unlisted::Refuse },
        ..VerifyOptions::default()
    };
    let bundle = UntrustedBundle::parse(&read_regular(bundle, MAX_BUNDLE_BYTES)?)?;
    modelseal::verify(&model, bundle, trust, &options, &Unobserved)?;
    Ok(())
}

/// Keys and certificates are read each time, as a program that is started does.
fn benchmark(args: BenchmarkModel) -> Result<(), Box<dyn Error>> {
    let BenchmarkModel { operation, model, repeat, keys, bundle } = args;
    let mut run: Box<dyn FnMut() -> Result<(), Box<dyn Error>>> = match operation {
        Operation::Sign => {
            let keys = keys.signer();
            Box::new(move || signed_bundle(&model, &*signer(model.method, &keys)?, None).map(drop))
        }
        Operation::Verify => {
            let (keys, bundle) = (keys.trust(), bundle.ok_or("--bundle is missing")?);
            Box::new(move || verify_once(&model, &trust(model.method, &keys)?, &bundle, false))
        }
    };
    let mut times = Vec::new();
    for _ in 0..repeat {
        let start = Instant::now();
        run()?;
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
