//! The protocol of the OMS suite: models, by the methods `key`, `certificate`
//! and `sigstore`.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args, ValueEnum};
use modelseal::{
    Certificate, CertificateSigner, CertificateTrust, Clock, Coverage, IdentityPattern, IgnorePath,
    KeySigner, MAX_BUNDLE_BYTES, Model, PrivateKey, PublicKey, SignOptions, Signer, SigstoreTrust, Trust,
    Unlisted, Unobserved, UntrustedBundle, VerifyOptions,
};
use modelseal_disk::{Overwrite, read_named, read_regular, write_output};
use serde_json::json;

use crate::identity::{self, InstanceArgs};

pub(crate) const MAX_KEY_BYTES: u64 = 64 * 1024;
const MAX_CERTIFICATE_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct SignModel {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[arg(long, value_name = "F")]
    output_bundle: PathBuf,
}

#[derive(Args)]
pub(crate) struct VerifyModel {
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
pub(crate) struct BenchmarkModel {
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
    #[arg(long, value_name = "PEM")]
    private_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    signing_cert: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    public_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    cert_chain: Vec<PathBuf>,
    #[arg(long, value_name = "T")]
    identity_token: Option<String>,
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    #[arg(long, value_name = "URL")]
    identity_provider: Option<String>,
    #[command(flatten)]
    instance: InstanceArgs,
}

impl BenchmarkKeys {
    fn signer(self) -> SignerArgs {
        let Self { private_key, signing_cert, cert_chain, identity_token, instance, .. } = self;
        SignerArgs { private_key, signing_cert, cert_chain, identity_token, instance }
    }

    fn trust(self) -> TrustArgs {
        let Self { public_key, cert_chain, identity, identity_provider, instance, .. } = self;
        TrustArgs { public_key, cert_chain, identity, identity_provider, instance }
    }
}

#[derive(Args)]
struct SignerArgs {
    #[arg(long, value_name = "PEM", required_if_eq_any = [("method", "key"), ("method", "certificate")])]
    private_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM", required_if_eq("method", "certificate"))]
    signing_cert: Option<PathBuf>,
    #[arg(long, value_name = "PEM")]
    cert_chain: Vec<PathBuf>,
    /// Without it, the identity of the CI job
    #[arg(long, value_name = "T")]
    identity_token: Option<String>,
    #[command(flatten)]
    instance: InstanceArgs,
}

#[derive(Args)]
struct TrustArgs {
    #[arg(long, value_name = "PEM", required_if_eq("method", "key"))]
    public_key: Option<PathBuf>,
    #[arg(long, value_name = "PEM", required_if_eq("method", "certificate"))]
    cert_chain: Vec<PathBuf>,
    #[arg(long, value_name = "ID", required_if_eq("method", "sigstore"))]
    identity: Option<String>,
    #[arg(long, value_name = "URL", required_if_eq("method", "sigstore"))]
    identity_provider: Option<String>,
    #[command(flatten)]
    instance: InstanceArgs,
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
    Sigstore,
}

#[derive(Clone, Copy, ValueEnum)]
enum Operation {
    Sign,
    Verify,
}

pub(crate) fn capabilities() -> serde_json::Value {
    json!({
        "flags": ["--ignore-paths", "--ignore-unsigned-files"],
        "hash_algorithms": ["sha256", "blake2b", "blake3"],
        "benchmark_model": true,
    })
}

pub(crate) fn sign(args: &SignModel) -> Result<(), Box<dyn Error>> {
    let signer = signer(args.model.method, &args.signer)?;
    let bundle = signed_bundle(&args.model, &*signer, Some(&args.output_bundle))?;
    Ok(write_output(&args.output_bundle, &bundle, 0o644, Overwrite::Replace)?)
}

fn signer(method: Method, args: &SignerArgs) -> Result<Box<dyn Signer>, Box<dyn Error>> {
    let key = || -> Result<PrivateKey, Box<dyn Error>> {
        let path = named(args.private_key.as_deref(), "--private-key")?;
        Ok(PrivateKey::from_pem(&read_named(path, MAX_KEY_BYTES, &Unobserved)?)?)
    };
    match method {
        Method::Key => Ok(Box::new(KeySigner::new(key()?))),
        Method::Sigstore => {
            Ok(Box::new(identity::signer(args.instance.signs()?, args.identity_token.as_deref())?))
        }
        Method::Certificate => {
            let key = key()?;
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

pub(crate) fn verify(args: &VerifyModel) -> Result<(), Box<dyn Error>> {
    let trust = trust(args.model.method, &args.trust)?;
    verify_once(&args.model, &trust, &args.bundle, args.ignore_unsigned_files)
}

/// In the method `certificate` the anchors are what `--cert-chain` names.
fn trust(method: Method, args: &TrustArgs) -> Result<Trust, Box<dyn Error>> {
    match method {
        Method::Key => {
            let key = named(args.public_key.as_deref(), "--public-key")?;
            Ok(Trust::key(PublicKey::from_pem(&read_named(key, MAX_KEY_BYTES, &Unobserved)?)?))
        }
        Method::Sigstore => {
            let identity = IdentityPattern::exact(args.identity.as_deref().ok_or("--identity is missing")?);
            let issuer = args.identity_provider.as_deref().ok_or("--identity-provider is missing")?;
            let root = args.instance.trusted_root()?;
            Ok(Trust::sigstore(SigstoreTrust::identity(root, identity, issuer, Clock::system())))
        }
        Method::Certificate => {
            let mut anchors = Vec::new();
            for path in &args.cert_chain {
                anchors.extend(certificates(path)?);
            }
            if anchors.is_empty() {
                return Err("--cert-chain is missing: certificates of the system are never trusted".into());
            }
            Ok(Trust::certificate(CertificateTrust::anchors(anchors, Clock::system())))
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
pub(crate) fn benchmark(args: BenchmarkModel) -> Result<(), Box<dyn Error>> {
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
