//! The protocol of the Sigstore client suite: any file, by an identity or a key.

use std::error::Error;
use std::path::{Path, PathBuf};

use clap::Args;
use modelseal::sigstore::SigstoreInstance;
use modelseal::{
    Artifact, ArtifactSigner, Clock, IdentityPattern, MAX_BUNDLE_BYTES, PublicKey, Sha256Digest, Signer,
    SigstoreTrust, TrustedRoot, Unobserved, verify_artifact,
};
use modelseal_disk::{Overwrite, exists, read_named, read_regular, write_output};

use crate::identity::{self, read};
use crate::models::MAX_KEY_BYTES;

/// What the suite signs and verifies is small.
const MAX_ARTIFACT_BYTES: u64 = 1024 * 1024 * 1024;

#[derive(Args)]
pub(crate) struct SignBundle {
    #[arg(long)]
    staging: bool,
    /// The file is an in-toto statement, to be signed in an envelope
    #[arg(long)]
    in_toto: bool,
    #[arg(long, value_name = "TOKEN")]
    identity_token: String,
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[arg(long, value_name = "F")]
    trusted_root: Option<PathBuf>,
    #[arg(long, value_name = "F")]
    signing_config: Option<PathBuf>,
    file: PathBuf,
}

#[derive(Args)]
pub(crate) struct VerifyBundle {
    #[arg(long)]
    staging: bool,
    #[arg(long, value_name = "FILE")]
    bundle: PathBuf,
    #[arg(long, value_name = "ID", required_unless_present = "key", requires = "certificate_oidc_issuer")]
    certificate_identity: Option<String>,
    #[arg(long, value_name = "URL", requires = "certificate_identity")]
    certificate_oidc_issuer: Option<String>,
    #[arg(long, value_name = "PEM", conflicts_with = "certificate_identity")]
    key: Option<PathBuf>,
    #[arg(long, value_name = "F")]
    trusted_root: Option<PathBuf>,
    /// A file, or `sha256:` and 64 hexadecimal digits
    #[arg(value_name = "FILE_OR_DIGEST")]
    artifact: PathBuf,
}

pub(crate) fn sign(args: &SignBundle) -> Result<(), Box<dyn Error>> {
    let instance = instance(args)?;
    let signer = identity::signer(instance, Some(&args.identity_token))?;
    let content = read_named(&args.file, MAX_ARTIFACT_BYTES, &Unobserved)?;
    let bundle = if args.in_toto { signer.sign(&content)? } else { signer.sign_message(&content)? };
    let artifact =
        if args.in_toto { Artifact::Sha256(subject(&content)?) } else { Artifact::Bytes(&content) };
    verify_artifact(&bundle, artifact, &ArtifactSigner::Sigstore(signer.last_certificate()))?;
    Ok(write_output(&args.bundle, &bundle, 0o644, Overwrite::Replace)?)
}

/// What a statement is about: the first of its subjects.
fn subject(statement: &[u8]) -> Result<Sha256Digest, Box<dyn Error>> {
    let statement: serde_json::Value = serde_json::from_slice(statement)?;
    let digest = statement["subject"][0]["digest"]["sha256"].as_str();
    Ok(digest.ok_or("the statement names no subject by its SHA-256")?.parse()?)
}

fn instance(args: &SignBundle) -> Result<SigstoreInstance, Box<dyn Error>> {
    let root = trusted_root(args.trusted_root.as_deref(), args.staging)?;
    match &args.signing_config {
        Some(config) => Ok(SigstoreInstance::from_configs(root, &read(config)?)?),
        None if args.staging => Ok(SigstoreInstance::staging().with_trusted_root(root)),
        None => Ok(SigstoreInstance::production().with_trusted_root(root)),
    }
}

fn trusted_root(path: Option<&Path>, staging: bool) -> Result<TrustedRoot, Box<dyn Error>> {
    match path {
        Some(path) => Ok(TrustedRoot::parse(&read(path)?)?),
        None if staging => Ok(TrustedRoot::staging()),
        None => Ok(TrustedRoot::production()),
    }
}

pub(crate) fn verify(args: &VerifyBundle) -> Result<(), Box<dyn Error>> {
    let root = trusted_root(args.trusted_root.as_deref(), args.staging)?;
    let signer = match (&args.key, &args.certificate_identity, &args.certificate_oidc_issuer) {
        (Some(key), ..) => {
            let key = PublicKey::from_pem(&read_named(key, MAX_KEY_BYTES, &Unobserved)?)?;
            ArtifactSigner::Key(key, root, Clock::system())
        }
        (None, Some(identity), Some(issuer)) => ArtifactSigner::Sigstore(SigstoreTrust::identity(
            root,
            IdentityPattern::exact(identity),
            issuer,
            Clock::system(),
        )),
        _ => return Err("--certificate-identity and --certificate-oidc-issuer, or --key".into()),
    };
    let bundle = read_regular(&args.bundle, MAX_BUNDLE_BYTES)?;
    let digest = digest(&args.artifact);
    let content = match digest {
        Some(_) => vec![],
        None => read_named(&args.artifact, MAX_ARTIFACT_BYTES, &Unobserved)?,
    };
    let artifact = digest.map_or(Artifact::Bytes(&content), Artifact::Sha256);
    Ok(verify_artifact(&bundle, artifact, &signer)?)
}

/// A digest, if that is what it looks like and there is no such file.
fn digest(artifact: &Path) -> Option<Sha256Digest> {
    let hex = artifact.to_str()?.strip_prefix("sha256:")?;
    if exists(artifact) { None } else { hex.parse().ok() }
}
