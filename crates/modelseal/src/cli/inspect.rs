use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    BundleMethod, Certificate, CertificateParseError, DiskError, Error, Escaped, FulcioCertificate, Manifest,
    PublicKey, SIGNATURE_FILE_NAME, SigstoreError, Statement, UntrustedBundle, VerificationMaterial,
};
use modelseal_bundle::{MAX_BUNDLE_BYTES, StatementError, legacy};
use modelseal_disk::read_regular;
use serde_json::{Value, json};

use super::args::InspectArgs;
use super::failure::{Failure, Named, Task};
use super::output::Report;
use super::shapes::{certificate_json, identity_json};
use super::text::{BAD, GOOD, WARN, count, how, row, shown, validity};

pub(crate) struct InspectReport {
    path: PathBuf,
    bundle: UntrustedBundle,
    statement: Result<Statement, StatementError>,
}

pub(crate) fn run(args: &InspectArgs) -> Result<InspectReport, Failure> {
    let (path, bytes) = read(&args.bundle).map_err(|error| {
        let failure = Failure::input(&error);
        match error {
            DiskError::NotFound { .. } => {
                failure.help("name a signature, or a model directory that holds one as model.sig")
            }
            _ => failure,
        }
    })?;
    let bundle = UntrustedBundle::parse(&bytes).map_err(|error| {
        Task::Verifying.failure(Error::from(error), &Named { model: &path, bundle: &path, is_strict: false })
    })?;
    let payload = bundle.envelope().payload();
    let statement = match Statement::parse(payload) {
        Err(StatementError::PredicateType { found }) if found == legacy::PREDICATE_TYPE_V0_2 => {
            legacy::parse_statement_v0_2(payload)
        }
        statement => statement,
    };
    Ok(InspectReport { path, bundle, statement })
}

/// A bundle, or the one in its default place in a model.
fn read(path: &Path) -> Result<(PathBuf, Vec<u8>), DiskError> {
    match read_regular(path, MAX_BUNDLE_BYTES) {
        Err(DiskError::NotRegular { found: "directory", .. }) => {
            let inside = path.join(SIGNATURE_FILE_NAME);
            let bytes = read_regular(&inside, MAX_BUNDLE_BYTES)?;
            Ok((inside, bytes))
        }
        read => read.map(|bytes| (path.to_owned(), bytes)),
    }
}

impl InspectReport {
    fn key_named(&self) -> Option<String> {
        let VerificationMaterial::Key(key) = self.bundle.material() else { return None };
        match (&key.hint, &key.embedded_key) {
            (Some(hint), _) => Some(format!("hint {hint}")),
            (None, Some(pem)) => Some(match PublicKey::from_pem(pem) {
                Ok(key) => {
                    format!("{} key sha256:{} (carried in the bundle)", key.algorithm(), key.fingerprint())
                }
                Err(error) => format!("carried in the bundle, and unreadable: {error}"),
            }),
            (None, None) => None,
        }
    }
}

impl InspectReport {
    fn certificates(&self) -> Vec<Result<Certificate, CertificateParseError>> {
        match self.bundle.material() {
            VerificationMaterial::Key(_) => vec![],
            VerificationMaterial::CertificateChain(chain) => {
                chain.iter().map(|der| Certificate::from_der(der)).collect()
            }
            VerificationMaterial::Certificate(leaf) => vec![Certificate::from_der(leaf)],
        }
    }
}

impl InspectReport {
    /// Who signed, by the certificate of a keyless signature.
    fn identity(&self) -> Option<Result<FulcioCertificate, SigstoreError>> {
        match self.bundle.material() {
            VerificationMaterial::Certificate(leaf) => Some(FulcioCertificate::from_der(leaf)),
            _ => None,
        }
    }
}

impl Report for InspectReport {
    fn json(&self) -> Value {
        let statement = match &self.statement {
            Ok(statement) => statement_json(statement),
            Err(error) => json!({ "error": error.to_string() }),
        };
        json!({
            "outcome": "inspected",
            "verified": false,
            "path": self.path.to_string_lossy(),
            "claims": {
                "media_type": self.bundle.media_type().as_str(),
                "method": self.bundle.method().as_str(),
                "key": self.key_named(),
                "certificates": self.certificates().iter().map(|read| match read {
                    Ok(certificate) => certificate_json(certificate),
                    Err(error) => json!({ "error": error.to_string() }),
                }).collect::<Vec<_>>(),
                "identity": self.identity().and_then(Result::ok).map(|certificate| {
                    identity_json(certificate.identity(), certificate.issuer(), certificate.claims())
                }),
                "log_entries": self.bundle.log_entries().len(),
                "timestamps": self.bundle.timestamps().len(),
                "statement": statement,
            },
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(
            out,
            "{BAD}NOT VERIFIED{BAD:#}: this is what {} claims; nobody checked it",
            shown(&self.path)
        )?;
        row(out, WARN, "Format", self.bundle.media_type().as_str())?;
        row(out, WARN, "Method", self.bundle.method())?;
        if let Some(key) = self.key_named() {
            row(out, WARN, "Key", key)?;
        }
        for certificate in self.certificates() {
            match certificate {
                Ok(certificate) => {
                    let (subject, issuer) = (certificate.subject(), certificate.issuer());
                    row(out, WARN, "Certificate", format_args!("{subject}, issued by {issuer}"))?;
                    writeln!(out, "            {}", validity(&certificate))?;
                }
                Err(error) => row(out, BAD, "Certificate", error)?,
            }
        }
        match self.identity() {
            Some(Ok(certificate)) => {
                row(out, WARN, "Identity", certificate.identity())?;
                row(out, WARN, "Issuer", Escaped(certificate.issuer()))?;
                for (claim, value) in certificate.claims().iter() {
                    row(out, WARN, "Claim", format_args!("{claim} {}", Escaped(value)))?;
                }
            }
            Some(Err(error)) => row(out, BAD, "Identity", error)?,
            None => {}
        }
        row(
            out,
            WARN,
            "Log",
            format_args!(
                "{}, {}",
                count(self.bundle.log_entries().len(), "entry", "entries"),
                count(self.bundle.timestamps().len(), "timestamp", "timestamps")
            ),
        )?;
        match &self.statement {
            Ok(statement) => print_statement(out, statement)?,
            Err(error) => return row(out, BAD, "Statement", error),
        }
        let trust = match self.bundle.method() {
            BundleMethod::Key => "--key PUB",
            BundleMethod::Certificate => "--root PEM",
            BundleMethod::Sigstore => "--identity ID --issuer URL, as the publisher tells you elsewhere",
        };
        writeln!(out, "{GOOD}To verify{GOOD:#}: modelseal verify MODEL {trust}")
    }
}

fn print_statement(out: &mut dyn Write, statement: &Statement) -> io::Result<()> {
    let manifest = statement.manifest();
    if !statement.subject_name().is_empty() {
        row(out, WARN, "Subject", Escaped(statement.subject_name()))?;
    }
    row(out, WARN, "Root", manifest.root_digest())?;
    if let Some(digest) = manifest.model_digest() {
        row(out, WARN, "Model", digest)?;
    }
    row(out, WARN, "Hashed by", how(manifest))?;
    row(out, WARN, "Symlinks", if manifest.serialization().allow_symlinks { "followed" } else { "refused" })?;
    row(out, WARN, "Order", order(manifest))?;
    for path in &manifest.serialization().ignore_paths {
        row(out, WARN, "Ignores", path)?;
    }
    for resource in manifest.resources() {
        writeln!(out, "  {}  {}", resource.digest.to_hex(), resource.name)?;
    }
    Ok(())
}

fn order(manifest: &Manifest) -> &'static str {
    if manifest.is_sorted() { "code points" } else { "not the specification's" }
}

fn statement_json(statement: &Statement) -> Value {
    let manifest = statement.manifest();
    let serialization = manifest.serialization();
    let resources = manifest
        .resources()
        .iter()
        .map(|r| json!({ "name": r.name.to_wire(), "digest": r.digest.to_string() }));
    json!({
        "subject_name": statement.subject_name(),
        "root": manifest.root_digest().to_string(),
        "digest": manifest.model_digest().map(|digest| digest.to_string()),
        "hash": serialization.hash_type.as_str(),
        "method": serialization.method.as_str(),
        "allow_symlinks": serialization.allow_symlinks,
        "ignore_paths": serialization.ignore_paths.iter().map(|p| p.as_path().as_str().to_owned()).collect::<Vec<_>>(),
        "is_sorted": manifest.is_sorted(),
        "resources": resources.collect::<Vec<_>>(),
    })
}
