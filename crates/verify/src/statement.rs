use std::fmt::{self, Display};

use modelseal_bundle::{Attestation, Statement};
use modelseal_manifest::{Differences, Escaped, Manifest, ManifestPath, Resource, Sha256Digest};

use crate::{CertifiedSigner, KeyAlgorithm, KeylessSigner, LogRecord, ProvedTime};

/// A statement whose signature was verified, together with who signed and
/// what was not proved.
///
/// The bytes that were verified and the bytes that were parsed are the same
/// bytes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VerifiedStatement {
    pub(crate) payload: Vec<u8>,
    pub(crate) statement: Statement,
    pub(crate) signer: Signer,
    pub(crate) times: Vec<ProvedTime>,
    pub(crate) log_entries: Vec<LogRecord>,
    pub(crate) caveats: Vec<Caveat>,
}

impl VerifiedStatement {
    /// The payload, as it was signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signed manifest.
    pub fn manifest(&self) -> &Manifest {
        self.statement.manifest()
    }

    /// The name in the statement. It is signed, but it describes and does not
    /// identify: nothing compares it with anything.
    pub fn subject_name(&self) -> &str {
        self.statement.subject_name()
    }

    /// Who signed, and what was proved of them.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The times at which the signature is proved to have existed, the earliest
    /// first.
    pub fn times(&self) -> &[ProvedTime] {
        &self.times
    }

    /// The entries of transparency logs that belong to the signature.
    pub fn log_entries(&self) -> &[LogRecord] {
        &self.log_entries
    }

    /// What was not proved, or is not as the specification has it.
    pub fn caveats(&self) -> &[Caveat] {
        &self.caveats
    }

    /// Compares the signed manifest with what was measured. `unhashed` are
    /// files that are there and were not measured.
    ///
    /// # Errors
    /// [`Mismatch`] with every difference.
    pub fn compare(
        self,
        measured: &[Resource],
        unhashed: &[ManifestPath],
        unlisted: Unlisted,
    ) -> Result<MatchedManifest, Box<Mismatch>> {
        let mut differences = self.manifest().differences(measured, unhashed);
        let unlisted = match unlisted {
            Unlisted::Refuse => vec![],
            Unlisted::Report => std::mem::take(&mut differences.extra),
        };
        if differences.is_empty() {
            Ok(MatchedManifest { statement: self, unlisted })
        } else {
            Err(Box::new(Mismatch { statement: self, differences }))
        }
    }
}

/// An attestation whose signature was verified, together with who signed.
///
/// Whether the signer may say such a thing, and whether it is about the bytes
/// at hand, was not asked.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedAttestation {
    pub(crate) attestation: Attestation,
    pub(crate) signer: Signer,
    pub(crate) times: Vec<ProvedTime>,
    pub(crate) log_entries: Vec<LogRecord>,
    pub(crate) caveats: Vec<Caveat>,
}

impl VerifiedAttestation {
    /// What was said, read from the very bytes that were verified.
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// Who signed, and what was proved of them.
    pub fn signer(&self) -> &Signer {
        &self.signer
    }

    /// The times at which the signature is proved to have existed, the earliest
    /// first.
    pub fn times(&self) -> &[ProvedTime] {
        &self.times
    }

    /// The entries of transparency logs that belong to the signature.
    pub fn log_entries(&self) -> &[LogRecord] {
        &self.log_entries
    }

    /// What was not proved.
    pub fn caveats(&self) -> &[Caveat] {
        &self.caveats
    }
}

/// What to do with files that are there and that the statement does not list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unlisted {
    /// They are a mismatch.
    Refuse,
    /// They are listed as what they are: not authenticated.
    Report,
}

/// A verified statement, and measurements that are what it says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MatchedManifest {
    statement: VerifiedStatement,
    unlisted: Vec<ManifestPath>,
}

impl MatchedManifest {
    /// The statement.
    pub fn statement(&self) -> &VerifiedStatement {
        &self.statement
    }

    /// Files that are there, are not in the statement, and were tolerated.
    pub fn unlisted(&self) -> &[ManifestPath] {
        &self.unlisted
    }
}

/// What was measured is not what was signed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the model is not what was signed: {} changed, {} missing, {} not signed",
    differences.changed_files(), differences.missing.len(), differences.extra.len())]
pub struct Mismatch {
    /// The statement, whose signature did verify.
    pub statement: VerifiedStatement,
    /// Every difference.
    pub differences: Differences,
}

/// Who signed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Signer {
    /// The holder of a key that the verifier named.
    Key {
        /// The kind of key.
        algorithm: KeyAlgorithm,
        /// SHA-256 of its SPKI.
        fingerprint: Sha256Digest,
    },
    /// The holder of a certificate under an anchor that the verifier named.
    Certificate(Box<CertifiedSigner>),
    /// An identity, by the word of a Sigstore instance that the verifier named.
    Sigstore(Box<KeylessSigner>),
}

impl Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key { algorithm, fingerprint } => write!(f, "{algorithm} key sha256:{fingerprint}"),
            Self::Sigstore(signer) => {
                write!(f, "{}, by the word of {}", signer.identity(), Escaped(signer.issuer()))
            }
            Self::Certificate(signer) => {
                write!(f, "{}, certificate sha256:{}", signer.leaf().subject(), signer.leaf().fingerprint())
            }
        }
    }
}

/// Something that a verified statement does not prove, or does not do as the
/// specification has it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Caveat {
    /// Nothing proves when the signature was made.
    NoTimeEvidence,
    /// Timestamps are there and were not looked at.
    TimestampsNotChecked,
    /// Log entries are there, belong to the signature, and were not looked for
    /// in their log.
    LogsNotChecked,
    /// The bundle has a form that current releases no longer write.
    LegacyFormat,
    /// The bundle does not name its key.
    KeyNotNamed,
    /// The key is of a kind that OMS v1.0 does not register.
    UnregisteredAlgorithm,
    /// The resources do not stand in the order of the specification.
    UnsortedResources,
    /// The signature covers one file, whatever its name.
    NameNotSigned,
    /// Symbolic links count as what they point at.
    SymlinksFollowed,
    /// The validity of certificates was judged at a time that the caller
    /// asserted.
    TimeAsserted,
    /// No revocation list spoke of every certificate.
    RevocationNotChecked,
    /// The signing certificate is marked as a certificate authority.
    SignerIsAuthority,
}

impl Caveat {
    /// Whether something is not proved, rather than done in another way.
    pub const fn is_unproved(self) -> bool {
        matches!(
            self,
            Self::NoTimeEvidence
                | Self::TimestampsNotChecked
                | Self::LogsNotChecked
                | Self::KeyNotNamed
                | Self::NameNotSigned
                | Self::TimeAsserted
                | Self::RevocationNotChecked
        )
    }

    /// A stable code, for machines (`spec/reports.md`).
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoTimeEvidence => "no-time-evidence",
            Self::TimestampsNotChecked => "timestamps-not-checked",
            Self::LogsNotChecked => "logs-not-checked",
            Self::LegacyFormat => "legacy-format",
            Self::KeyNotNamed => "key-not-named",
            Self::UnregisteredAlgorithm => "unregistered-algorithm",
            Self::UnsortedResources => "unsorted-resources",
            Self::NameNotSigned => "name-not-signed",
            Self::SymlinksFollowed => "symlinks-followed",
            Self::TimeAsserted => "time-asserted",
            Self::RevocationNotChecked => "revocation-not-checked",
            Self::SignerIsAuthority => "signer-is-authority",
        }
    }
}

impl Display for Caveat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoTimeEvidence => "when it was signed: nothing in the bundle proves a time",
            Self::TimestampsNotChecked => "the bundle's timestamps: no timestamp authority is trusted",
            Self::LogsNotChecked => "that the signature is in its transparency log: no log is trusted",
            Self::LegacyFormat => "legacy bundle format, as written by releases 0.2 to 1.0 of model_signing",
            Self::KeyNotNamed => "which key was meant: the bundle does not name one",
            Self::UnregisteredAlgorithm => "Ed25519 is not registered by OMS v1.0: the Python reference cannot verify it",
            Self::UnsortedResources => "resources are not listed in code-point order",
            Self::NameNotSigned => "the file's name: the signature covers one file under any name",
            Self::SymlinksFollowed => "symbolic links are signed as what they point at",
            Self::TimeAsserted => {
                "that certificates were valid when it was signed: the time was asserted by the caller"
            }
            Self::RevocationNotChecked => {
                "that no certificate was revoked: no revocation list speaks of every one of them"
            }
            Self::SignerIsAuthority => {
                "the signing certificate is marked as a certificate authority, though it may not sign certificates"
            }
        })
    }
}
