use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Error, KeyAlgorithm, Manifest, Method, Model, ModelDigest, PublicKey, Sha256Digest, Trust,
    Unlisted, Unsigned, UnsignedReason, UntrustedBundle, VerifiedModel, VerifiedSigner, VerifyOptions,
};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{read_named, read_regular};
use serde_json::{Value, json};

use super::args::{VerifyArgs, ignore_paths};
use super::failure::{Exit, Failure, Named, Task};
use super::output::{GOOD, Report, Terminal, WARN, amount, row, shown, unsigned_json};
use super::progress::Progress;
use super::sign::{default_bundle_path, how};

const MAX_KEY_BYTES: u64 = 64 * 1024;

pub(crate) struct VerifyReport {
    model: PathBuf,
    bundle: PathBuf,
    verified: VerifiedModel,
}

pub(crate) fn run(args: &VerifyArgs, terminal: Terminal, cancel: &Cancel) -> Result<VerifyReport, Failure> {
    let trust = Trust::Key(read_public_key(&args.key)?);
    let model = Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))?;
    let bundle_path = args.signature.clone().unwrap_or_else(|| default_bundle_path(&args.model, &model));
    let bundle = read_signature(&bundle_path, args.signature.is_some())?;
    let options = VerifyOptions {
        bundle_path: Some(&bundle_path),
        ignore: ignore_paths(&args.ignore, &model)?,
        unlisted: if args.ignore_unsigned_files { Unlisted::Report } else { Unlisted::Refuse },
        strict: args.strict,
        copy_to: args.into.as_deref(),
        jobs: args.jobs.unwrap_or_else(modelseal::default_jobs),
        ..VerifyOptions::default()
    };
    let verified = {
        let progress = Progress::new(terminal, "Hashing", 0, cancel);
        modelseal::verify(&model, bundle, &trust, &options, &progress)
    };
    let named = Named { model: &args.model, bundle: &bundle_path };
    let verified = verified.map_err(|error| Task::Verifying.failure(error, &named))?;
    Ok(VerifyReport { model: args.model.clone(), bundle: bundle_path, verified })
}

pub(crate) fn read_public_key(path: &Path) -> Result<PublicKey, Failure> {
    let pem = read_named(path, MAX_KEY_BYTES).map_err(|error| Failure::input(&error))?;
    PublicKey::from_pem(&pem)
        .map_err(|error| Failure::new(Exit::Usage, "public-key", format!("{}: {error}", shown(path))))
}

/// A signature that was named and is not there is a mistake of the caller; a
/// model without one is not verified.
fn read_signature(path: &Path, is_named: bool) -> Result<UntrustedBundle, Failure> {
    let bytes = read_regular(path, MAX_BUNDLE_BYTES).map_err(|error| match error {
        modelseal::DiskError::NotFound { .. } if !is_named => Failure::new(
            Exit::NotVerified,
            "no-signature",
            format!("{}: the model has no signature in its default place", shown(path)),
        )
        .help("--signature FILE names a signature that stands elsewhere"),
        error => Task::Verifying.disk(&error),
    })?;
    let named = Named { model: path, bundle: path };
    UntrustedBundle::parse(&bytes).map_err(|error| Task::Verifying.failure(Error::from(error), &named))
}

impl Report for VerifyReport {
    fn json(&self) -> Value {
        let statement = self.verified.statement();
        let links = self
            .verified
            .links()
            .iter()
            .map(|(path, target)| json!({ "path": path.as_str(), "target": target }));
        let not_proved =
            statement.caveats().iter().map(|c| json!({ "code": c.code(), "message": c.to_string() }));
        json!({
            "outcome": "verified",
            "model": model_json(&self.model, statement.manifest(), self.verified.model_digest(), self.verified.size()),
            "signature": {
                "path": self.bundle.to_string_lossy(),
                "method": "key",
                "signer": signer_json(statement.signer()),
                "subject_name": statement.subject_name(),
            },
            "not_proved": not_proved.collect::<Vec<_>>(),
            "not_signed": unsigned_json(self.verified.unsigned()),
            "links": links.collect::<Vec<_>>(),
            "copy": self.verified.copy().map(Path::to_string_lossy),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let statement = self.verified.statement();
        let manifest = statement.manifest();
        let files = amount(manifest.files().len(), self.verified.size());
        row(out, GOOD, "Verified", format_args!("{}: {files}, {}", shown(&self.model), how(manifest)))?;
        row(out, GOOD, "Signer", statement.signer())?;
        if let Some(digest) = self.verified.model_digest() {
            row(out, GOOD, "Model", digest)?;
        }
        row(out, GOOD, "Root", manifest.root_digest())?;
        for caveat in statement.caveats() {
            row(out, WARN, "Not proved", caveat)?;
        }
        for unsigned in self.verified.unsigned() {
            row(out, WARN, "Not signed", unsigned_text(unsigned))?;
        }
        for (path, target) in self.verified.links() {
            row(out, WARN, "Link", format_args!("{path} -> {target}"))?;
        }
        match self.verified.copy() {
            Some(copy) => {
                row(out, GOOD, "Copied to", format_args!("{} (load the model from there)", shown(copy)))
            }
            None => Ok(()),
        }
    }
}

fn unsigned_text(unsigned: &Unsigned) -> String {
    let reason = match unsigned.reason {
        UnsignedReason::Evidence => "carries signatures",
        UnsignedReason::IgnoredBySigner => "left out by the signer",
        UnsignedReason::IgnoredByDefault => "left out by default",
        UnsignedReason::IgnoredByCaller => "left out by --ignore",
        UnsignedReason::Tolerated => "unknown to the signer",
    };
    format!("{}{} ({reason})", unsigned.path, if unsigned.is_directory { "/" } else { "" })
}

pub(crate) fn signer_json(signer: &VerifiedSigner) -> Value {
    match signer {
        VerifiedSigner::Key { algorithm, fingerprint } => key_json(*algorithm, fingerprint),
        other => json!({ "description": other.to_string() }),
    }
}

pub(crate) fn key_json(algorithm: KeyAlgorithm, fingerprint: &Sha256Digest) -> Value {
    json!({ "algorithm": algorithm.to_string(), "fingerprint": format!("sha256:{fingerprint}") })
}

pub(crate) fn model_json(path: &Path, manifest: &Manifest, digest: Option<ModelDigest>, bytes: u64) -> Value {
    let serialization = manifest.serialization();
    json!({
        "path": path.to_string_lossy(),
        "digest": digest.map(|digest| digest.to_string()),
        "root": manifest.root_digest().to_string(),
        "files": manifest.files().len(),
        "bytes": bytes,
        "hash": serialization.hash_type.as_str(),
        "method": serialization.method.as_str(),
        "shard_size": match serialization.method {
            Method::Files => Value::Null,
            Method::Shards(size) => json!(size.get()),
        },
    })
}
