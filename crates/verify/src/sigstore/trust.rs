use modelseal_bundle::UntrustedBundle;
use modelseal_manifest::Sha256Digest;

use super::certificate::FulcioCertificate;
use super::library::{self, Evidence};
use super::{Claim, Claims, Identity, IdentityPattern, SigstoreError, TrustedRoot};
use crate::{Certificate, Clock};

/// Which identities are believed, and on whose word.
///
/// An identity alone says nothing: anybody can run an issuer that calls them
/// `release@acme.example`. So the issuer is always asked for with it.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use modelseal_verify::{Claim, Clock, SigstoreTrust, Trust, TrustedRoot};
///
/// let workflow = "https://github.com/acme/models/.github/workflows/release.yml@refs/tags/*".parse()?;
/// let issuer = "https://token.actions.githubusercontent.com";
/// let trust = SigstoreTrust::identity(TrustedRoot::production(), workflow, issuer, Clock::system())
///     .and_claim(Claim::SourceOwnerId, "4242".parse()?);
/// let trust = Trust::sigstore(trust);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SigstoreTrust {
    root: TrustedRoot,
    signer: Expected,
    clock: Clock,
}

#[derive(Clone, Debug)]
enum Expected {
    Identity { identity: IdentityPattern, issuer: String, claims: Vec<(Claim, IdentityPattern)> },
    Certificate(Vec<u8>),
}

impl SigstoreTrust {
    /// Believes an identity, by the word of this OIDC issuer.
    pub fn identity(
        root: TrustedRoot,
        identity: IdentityPattern,
        issuer: impl Into<String>,
        clock: Clock,
    ) -> Self {
        Self { root, signer: Expected::Identity { identity, issuer: issuer.into(), claims: vec![] }, clock }
    }

    /// Believes the holder of this one signing certificate, in DER: that of a
    /// signature that was just made.
    pub fn certificate(root: TrustedRoot, leaf: &[u8], clock: Clock) -> Self {
        Self { root, signer: Expected::Certificate(leaf.to_vec()), clock }
    }

    /// Asks, beside the identity, for a claim of the certificate.
    #[must_use]
    pub fn and_claim(mut self, claim: Claim, expected: IdentityPattern) -> Self {
        if let Expected::Identity { claims, .. } = &mut self.signer {
            claims.push((claim, expected));
        }
        self
    }

    /// Who signed `bundle`, whose leaf is `leaf`, and what else was proved.
    pub(crate) fn judge(
        &self,
        bundle: &UntrustedBundle,
        leaf: &[u8],
    ) -> Result<(KeylessSigner, Evidence), SigstoreError> {
        let certificate = self.expected(leaf)?;
        let evidence = library::verify_envelope(&self.root, bundle, &certificate, self.clock)?;
        Ok((KeylessSigner { certificate, root: self.root.clone() }, evidence))
    }

    /// The certificate, if it says that it belongs to whom is believed.
    pub(super) fn expected(&self, leaf: &[u8]) -> Result<FulcioCertificate, SigstoreError> {
        let certificate = FulcioCertificate::from_der(leaf)?;
        match &self.signer {
            Expected::Certificate(der) if *der != leaf => {
                Err(SigstoreError::OtherCertificate { found: Sha256Digest::of(leaf) })
            }
            Expected::Certificate(_) => Ok(certificate),
            Expected::Identity { identity, issuer, claims } => {
                check_identity(&certificate, identity, issuer)?;
                claims
                    .iter()
                    .try_for_each(|(claim, expected)| check_claim(&certificate, *claim, expected))?;
                Ok(certificate)
            }
        }
    }

    pub(super) fn root(&self) -> &TrustedRoot {
        &self.root
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }
}

fn check_identity(
    certificate: &FulcioCertificate,
    expected: &IdentityPattern,
    issuer: &str,
) -> Result<(), SigstoreError> {
    let identity = certificate.identity.clone();
    if !expected.matches(&identity) {
        return Err(SigstoreError::Identity { expected: expected.clone(), found: identity });
    }
    if certificate.issuer != issuer {
        let (expected, found) = (issuer.to_owned(), certificate.issuer.clone());
        return Err(SigstoreError::Issuer { expected, found, identity });
    }
    Ok(())
}

fn check_claim(
    certificate: &FulcioCertificate,
    claim: Claim,
    expected: &IdentityPattern,
) -> Result<(), SigstoreError> {
    let expected = expected.clone();
    match certificate.claims.get(claim) {
        None => Err(SigstoreError::NoClaim { claim, expected }),
        Some(found) if !expected.matches_text(found) => {
            Err(SigstoreError::Claim { claim, expected, found: found.to_owned() })
        }
        Some(_) => Ok(()),
    }
}

/// The holder of a short-lived certificate for an identity.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeylessSigner {
    pub(super) certificate: FulcioCertificate,
    pub(super) root: TrustedRoot,
}

impl KeylessSigner {
    /// Who signed.
    pub fn identity(&self) -> &Identity {
        &self.certificate.identity
    }

    /// The OIDC issuer that identified them, as text from outside.
    pub fn issuer(&self) -> &str {
        &self.certificate.issuer
    }

    /// What the certificate says of the build.
    pub fn claims(&self) -> &Claims {
        &self.certificate.claims
    }

    /// The signing certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate.certificate
    }

    /// On whose word all of this rests.
    pub fn trusted_root(&self) -> &TrustedRoot {
        &self.root
    }
}
