use modelseal_bundle::{
    Attestation, AttestationError, BundleMethod, KeyHint, KeyMaterial, Statement, StatementError,
    UntrustedBundle, VerificationMaterial, legacy,
};
use modelseal_manifest::Sha256Digest;

use crate::log_entry::{Verifier, check_log_entries};
use crate::trust::TrustedSigner;
use crate::{
    Caveat, Certificate, CertificateError, CertificateTrust, LogEntryError, LogRecord, ProvedTime, PublicKey,
    Signer, SigstoreError, TimestampAuthorities, TimestampError, Trust, VerifiedAttestation,
    VerifiedStatement,
};

/// Verifies the signature of `bundle` under `trust`, then reads the statement
/// from the very bytes that were verified.
///
/// # Errors
/// [`VerifyError`]. Nothing of the bundle comes back with it but what names
/// the problem.
pub fn verify(bundle: UntrustedBundle, trust: &Trust) -> Result<VerifiedStatement, VerifyError> {
    let proved = prove(&bundle, trust)?;
    let payload = bundle.into_envelope().into_payload();
    Ok(VerifiedEnvelope { payload, proved }.into_statement()?)
}

/// Verifies the signature of `bundle` under `trust`, whatever it is that was
/// signed.
///
/// # Errors
/// [`VerifyError`], except [`VerifyError::Statement`].
pub fn verify_envelope(bundle: &UntrustedBundle, trust: &Trust) -> Result<VerifiedEnvelope, VerifyError> {
    let proved = prove(bundle, trust)?;
    Ok(VerifiedEnvelope { payload: bundle.envelope().payload().to_vec(), proved })
}

/// A payload whose signature was verified, together with who signed. What it
/// says was not read yet.
#[derive(Clone, Debug)]
pub struct VerifiedEnvelope {
    payload: Vec<u8>,
    proved: Proved,
}

impl VerifiedEnvelope {
    /// Reads the signature of a model.
    ///
    /// # Errors
    /// [`StatementError`] for anything else.
    pub fn into_statement(self) -> Result<VerifiedStatement, StatementError> {
        let Self { payload, proved } = self;
        let Proved { signer, times, log_entries, mut caveats, form } = proved;
        let statement = match form {
            Form::Current => Statement::parse(&payload)?,
            Form::V0_2 => legacy::parse_statement_v0_2(&payload)?,
        };
        caveats.extend(caveats_of(&statement));
        Ok(VerifiedStatement { payload, statement, signer, times, log_entries, caveats })
    }

    /// Reads what is said of something else than the bytes of a model.
    ///
    /// # Errors
    /// [`AttestationError`]; the signature of a model is none, and neither is
    /// what was signed in the encoding of release 0.2 of the reference.
    pub fn into_attestation(self) -> Result<VerifiedAttestation, AttestationError> {
        let Proved { signer, times, log_entries, caveats, form } = self.proved;
        if matches!(form, Form::V0_2) {
            return Err(AttestationError::ModelSignature);
        }
        let attestation = Attestation::parse(&self.payload)?;
        Ok(VerifiedAttestation { attestation, signer, times, log_entries, caveats })
    }
}

fn prove(bundle: &UntrustedBundle, trust: &Trust) -> Result<Proved, VerifyError> {
    Ok(match (&trust.signer, bundle.material()) {
        (TrustedSigner::Key(key), VerificationMaterial::Key(material)) => {
            let caveats = check_named_key(material, key)?.into_iter().collect();
            let signer = Signer::Key { algorithm: key.algorithm(), fingerprint: key.fingerprint() };
            let evidence = evidence(bundle, trust, key, None)?;
            signed(bundle, key, signer, caveats, evidence)?
        }
        (TrustedSigner::Certificate(certificates), VerificationMaterial::CertificateChain(chain)) => {
            certified(bundle, trust, certificates, chain)?
        }
        (TrustedSigner::Sigstore(identities), VerificationMaterial::Certificate(leaf)) => {
            let (signer, evidence) = identities.judge(bundle, leaf)?;
            Proved {
                signer: Signer::Sigstore(Box::new(signer)),
                times: evidence.times,
                log_entries: evidence.log_entries,
                caveats: vec![],
                form: Form::Current,
            }
        }
        _ => return Err(VerifyError::Method { expected: trust.method(), found: bundle.method() }),
    })
}

/// What is known of a signature that verified.
#[derive(Clone, Debug)]
struct Proved {
    signer: Signer,
    times: Vec<ProvedTime>,
    log_entries: Vec<LogRecord>,
    caveats: Vec<Caveat>,
    form: Form,
}

/// What the timestamps and the log entries of a bundle prove.
struct Evidence {
    times: Vec<ProvedTime>,
    log_entries: Vec<LogRecord>,
    caveats: Vec<Caveat>,
}

fn evidence(
    bundle: &UntrustedBundle,
    trust: &Trust,
    key: &PublicKey,
    certificate: Option<&Certificate>,
) -> Result<Evidence, VerifyError> {
    let (stamps, signature) = (bundle.timestamps(), bundle.envelope().signature());
    let verified = |authorities: &TimestampAuthorities| authorities.verify(stamps, signature);
    let mut times = trust.timestamps.as_ref().map(verified).transpose()?.unwrap_or_default();
    let verifier = Verifier { key, certificate };
    let log_entries = check_log_entries(bundle, verifier, trust.logs.as_ref(), &mut times)?;
    times.sort_by_key(|proved| proved.time());
    let found = [
        (times.is_empty(), Caveat::NoTimeEvidence),
        (!stamps.is_empty() && trust.timestamps.is_none(), Caveat::TimestampsNotChecked),
        (!log_entries.is_empty() && trust.logs.is_none(), Caveat::LogsNotChecked),
    ];
    let caveats = found.into_iter().filter_map(|(holds, caveat)| holds.then_some(caveat)).collect();
    Ok(Evidence { times, log_entries, caveats })
}

fn certified(
    bundle: &UntrustedBundle,
    trust: &Trust,
    certificates: &CertificateTrust,
    chain: &[Vec<u8>],
) -> Result<Proved, VerifyError> {
    let (leaf, key) = CertificateTrust::leaf_of(chain)?;
    let evidence = evidence(bundle, trust, &key, Some(&leaf))?;
    let (signer, key, caveats) = certificates.judge(chain, &evidence.times)?;
    signed(bundle, &key, Signer::Certificate(Box::new(signer)), caveats, evidence)
}

fn signed(
    bundle: &UntrustedBundle,
    key: &PublicKey,
    signer: Signer,
    of_signer: Vec<Caveat>,
    evidence: Evidence,
) -> Result<Proved, VerifyError> {
    let form = verify_signature(key, bundle)?;
    let Evidence { times, log_entries, mut caveats } = evidence;
    caveats.extend(of_signer);
    if matches!(form, Form::V0_2) && !caveats.contains(&Caveat::LegacyFormat) {
        caveats.push(Caveat::LegacyFormat);
    }
    if !key.algorithm().is_registered() {
        caveats.push(Caveat::UnregisteredAlgorithm);
    }
    Ok(Proved { signer, times, log_entries, caveats, form })
}

/// What was signed, and so how the payload has to be read.
#[derive(Clone, Copy, Debug)]
enum Form {
    Current,
    /// By release 0.2 of the reference.
    V0_2,
}

fn verify_signature(key: &PublicKey, bundle: &UntrustedBundle) -> Result<Form, VerifyError> {
    let envelope = bundle.envelope();
    if key.verify(&envelope.signed_bytes(), envelope.signature()).is_ok() {
        return Ok(Form::Current);
    }
    let v0_2 = key.verify_v0_2(&legacy::pae_v0_2(envelope.payload()), envelope.signature());
    v0_2.map(|()| Form::V0_2).map_err(|_| VerifyError::Signature { key: key.fingerprint() })
}

/// What the bundle says of its key must fit the key that is trusted. It only
/// ever refuses: it never selects a key.
fn check_named_key(material: &KeyMaterial, trusted: &PublicKey) -> Result<Option<Caveat>, VerifyError> {
    if let Some(named) = material.hint.as_ref().filter(|hint| **hint != trusted.hint()) {
        return Err(VerifyError::WrongKey {
            named: named.clone(),
            given: trusted.hint(),
            trusted: trusted.fingerprint(),
        });
    }
    match (&material.embedded_key, &material.hint) {
        (Some(pem), _) => {
            let embedded = PublicKey::from_pem(pem).map_err(|_| VerifyError::EmbeddedKeyUnreadable)?;
            if embedded != *trusted {
                return Err(VerifyError::WrongKey {
                    named: embedded.hint(),
                    given: trusted.hint(),
                    trusted: trusted.fingerprint(),
                });
            }
            Ok(Some(Caveat::LegacyFormat))
        }
        (None, None) => Ok(Some(Caveat::KeyNotNamed)),
        (None, Some(_)) => Ok(None),
    }
}

fn caveats_of(statement: &Statement) -> impl Iterator<Item = Caveat> {
    let manifest = statement.manifest();
    let found = [
        (!manifest.is_sorted(), Caveat::UnsortedResources),
        (manifest.is_unnamed_file(), Caveat::NameNotSigned),
        (manifest.serialization().allow_symlinks, Caveat::SymlinksFollowed),
    ];
    found.into_iter().filter_map(|(holds, caveat)| holds.then_some(caveat))
}

/// Why a bundle is not believed.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The bundle was made with another method than the one that is trusted.
    #[error(
        "the bundle is signed by the method \"{found}\", but trust was given for the method \"{expected}\""
    )]
    Method {
        /// What the trust is for.
        expected: BundleMethod,
        /// What the bundle is.
        found: BundleMethod,
    },
    /// The bundle says that it was signed by another key.
    #[error(
        "the bundle names another key: its hint is {named}, but the trusted key sha256:{trusted} has the hint {given}"
    )]
    WrongKey {
        /// The hint in the bundle.
        named: KeyHint,
        /// The hint of the trusted key.
        given: KeyHint,
        /// SHA-256 of the SPKI of the trusted key.
        trusted: Sha256Digest,
    },
    /// The key that a legacy bundle carries cannot be read.
    #[error("the bundle carries a public key that cannot be read")]
    EmbeddedKeyUnreadable,
    /// The signature is not one of the trusted key over this payload.
    #[error(
        "the signature does not verify under the key sha256:{key}: the payload was altered, or another key signed it"
    )]
    Signature {
        /// SHA-256 of the SPKI of the key that was tried.
        key: Sha256Digest,
    },
    /// A log entry is not believed.
    #[error(transparent)]
    LogEntry(#[from] LogEntryError),
    /// A timestamp is not believed.
    #[error(transparent)]
    Timestamp(#[from] TimestampError),
    /// The keyless signature is not believed.
    #[error(transparent)]
    Sigstore(#[from] SigstoreError),
    /// The certificate is not believed.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The signed payload is not the statement of a model signature.
    #[error("the signature is good, but {0}")]
    Statement(#[from] StatementError),
}
