//! What one bundle claims.

use std::io::{self, Write};

use modelseal::{
    BundleMethod, Certificate, CertificateParseError, Escaped, FulcioCertificate, PublicKey, SigstoreError,
    UntrustedBundle, VerificationMaterial,
};
use serde_json::{Value, json};

use super::payload::Payload;
use crate::cli::shapes::{certificate_json, identity_json};
use crate::cli::text::{BAD, GOOD, WARN, count, row, validity};

pub(super) struct Inspected {
    bundle: UntrustedBundle,
    payload: Payload,
}

impl Inspected {
    pub(super) fn of(bundle: UntrustedBundle) -> Self {
        Self { payload: Payload::read(bundle.envelope().payload()), bundle }
    }

    pub(super) fn json(&self) -> Value {
        json!({
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
            "statement": self.payload.json(),
        })
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        row(out, WARN, "Format", self.bundle.media_type().as_str())?;
        row(out, WARN, "Method", self.bundle.method())?;
        if let Some(key) = self.key_named() {
            row(out, WARN, "Key", key)?;
        }
        self.print_certificates(out)?;
        let entries = count(self.bundle.log_entries().len(), "entry", "entries");
        let timestamps = count(self.bundle.timestamps().len(), "timestamp", "timestamps");
        row(out, WARN, "Log", format_args!("{entries}, {timestamps}"))?;
        self.payload.print(out)
    }

    /// For a signature that stands alone, where `verify` finds it.
    pub(super) fn print_next_step(&self, out: &mut dyn Write) -> io::Result<()> {
        if !matches!(self.payload, Payload::Statement(_)) {
            return Ok(());
        }
        let trust = match self.bundle.method() {
            BundleMethod::Key => "--key PUB",
            BundleMethod::Certificate => "--root PEM",
            BundleMethod::Sigstore => "--identity ID --issuer URL, as the publisher tells you elsewhere",
        };
        writeln!(out, "{GOOD}To verify{GOOD:#}: modelseal verify MODEL {trust}")
    }

    fn print_certificates(&self, out: &mut dyn Write) -> io::Result<()> {
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
                Ok(())
            }
            Some(Err(error)) => row(out, BAD, "Identity", error),
            None => Ok(()),
        }
    }

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

    fn certificates(&self) -> Vec<Result<Certificate, CertificateParseError>> {
        match self.bundle.material() {
            VerificationMaterial::Key(_) => vec![],
            VerificationMaterial::CertificateChain(chain) => {
                chain.iter().map(|der| Certificate::from_der(der)).collect()
            }
            VerificationMaterial::Certificate(leaf) => vec![Certificate::from_der(leaf)],
        }
    }

    /// Who signed, by the certificate of a keyless signature.
    fn identity(&self) -> Option<Result<FulcioCertificate, SigstoreError>> {
        match self.bundle.material() {
            VerificationMaterial::Certificate(leaf) => Some(FulcioCertificate::from_der(leaf)),
            _ => None,
        }
    }
}
