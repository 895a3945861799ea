use modelseal_bundle::{
    BundleMethod, KeyHint, KeyMaterial, Statement, StatementError, UntrustedBundle, VerificationMaterial,
    legacy,
};
use modelseal_manifest::Sha256Digest;

use crate::{Caveat, CertificateError, CertificateTrust, PublicKey, Signer, VerifiedStatement};

/// Whom the verifier believes. It is always given, never found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// The holder of this key.
    Key(PublicKey),
    /// The holders of certificates under these anchors.
    Certificate(CertificateTrust),
}

impl Trust {
    fn method(&self) -> BundleMethod {
        match self {
            Self::Key(_) => BundleMethod::Key,
            Self::Certificate(_) => BundleMethod::Certificate,
        }
    }
}

/// Verifies the signature of `bundle` under `trust`, then reads the statement
/// from the very bytes that were verified.
///
/// # Errors
/// [`VerifyError`]. Nothing of the bundle comes back with it but what names
/// the problem.
pub fn verify(bundle: UntrustedBundle, trust: &Trust) -> Result<VerifiedStatement, VerifyError> {
    let (signer, key, mut caveats) = match (trust, bundle.material()) {
        (Trust::Key(key), VerificationMaterial::Key(material)) => {
            let signer = Signer::Key { algorithm: key.algorithm(), fingerprint: key.fingerprint() };
            (signer, key.clone(), check_named_key(material, key)?.into_iter().collect())
        }
        (Trust::Certificate(trust), VerificationMaterial::CertificateChain(chain)) => {
            let (signer, key, caveats) = trust.judge(chain)?;
            (Signer::Certificate(Box::new(signer)), key, caveats)
        }
        _ => return Err(VerifyError::Method { expected: trust.method(), found: bundle.method() }),
    };
    if !bundle.log_entries().is_empty() {
        return Err(VerifyError::LogEntriesNotChecked { found: bundle.log_entries().len() });
    }
    caveats.insert(0, Caveat::NoTimeEvidence);
    if !bundle.timestamps().is_empty() {
        caveats.insert(1, Caveat::TimestampsNotChecked);
    }
    let form = verify_signature(&key, &bundle)?;
    let payload = bundle.into_envelope().into_payload();
    let statement = match form {
        Form::Current => Statement::parse(&payload)?,
        Form::V0_2 => {
            if !caveats.contains(&Caveat::LegacyFormat) {
                caveats.push(Caveat::LegacyFormat);
            }
            legacy::parse_statement_v0_2(&payload)?
        }
    };
    caveats.extend(caveats_of(&statement));
    if !key.algorithm().is_registered() {
        caveats.push(Caveat::UnregisteredAlgorithm);
    }
    Ok(VerifiedStatement { payload, statement, signer, caveats })
}

/// What was signed, and so how the payload has to be read.
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
    /// Log entries that nobody would check.
    #[error(
        "the bundle carries transparency log entries ({found}), which cannot be checked with a bare key or certificate"
    )]
    LogEntriesNotChecked {
        /// How many there are.
        found: usize,
    },
    /// The certificate is not believed.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The signed payload is not the statement of a model signature.
    #[error("the signature is good, but {0}")]
    Statement(#[from] StatementError),
}
