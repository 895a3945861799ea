use modelseal_bundle::{
    BundleMethod, KeyHint, KeyMaterial, Statement, StatementError, UntrustedBundle, VerificationMaterial,
};
use modelseal_manifest::Sha256Digest;

use crate::{Caveat, PublicKey, Signer, VerifiedStatement};

/// Whom the verifier believes. It is always given, never found.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// The holder of this key.
    Key(PublicKey),
}

impl Trust {
    fn method(&self) -> BundleMethod {
        match self {
            Self::Key(_) => BundleMethod::Key,
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
    let expected = trust.method();
    let (Trust::Key(key), VerificationMaterial::Key(material)) = (trust, bundle.material()) else {
        return Err(VerifyError::Method { expected, found: bundle.method() });
    };
    if !bundle.log_entries().is_empty() {
        return Err(VerifyError::LogEntriesNotChecked { found: bundle.log_entries().len() });
    }
    let mut caveats = vec![Caveat::NoTimeEvidence];
    if !bundle.timestamps().is_empty() {
        caveats.push(Caveat::TimestampsNotChecked);
    }
    caveats.extend(check_named_key(material, key)?);
    key.verify(&bundle.envelope().signed_bytes(), bundle.envelope().signature())
        .map_err(|_| VerifyError::Signature { key: key.fingerprint() })?;

    let payload = bundle.into_envelope().into_payload();
    let statement = Statement::parse(&payload)?;
    caveats.extend(caveats_of(&statement));
    if !key.algorithm().is_registered() {
        caveats.push(Caveat::UnregisteredAlgorithm);
    }
    let signer = Signer::Key { algorithm: key.algorithm(), fingerprint: key.fingerprint() };
    Ok(VerifiedStatement { payload, statement, signer, caveats })
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
    #[error("the bundle carries transparency log entries ({found}), which cannot be checked with a bare key")]
    LogEntriesNotChecked {
        /// How many there are.
        found: usize,
    },
    /// The signed payload is not the statement of a model signature.
    #[error("the signature is good, but {0}")]
    Statement(#[from] StatementError),
}
