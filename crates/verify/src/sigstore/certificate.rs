//! The signing certificate of Fulcio, read for what it says of its holder
//! before anybody vouches for it.

use std::collections::HashSet;

use spki::der::Decode;
use spki::der::asn1::{ObjectIdentifier, Utf8StringRef};
use spki::der::oid::AssociatedOid;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::{Claim, Claims, Identity, SigstoreError};
use crate::{Certificate, CertificateParseError};

/// The arc of Fulcio's extensions.
const FULCIO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.57264.1");
/// The issuer as bare text, and as a DER string: one of them, or both alike.
const ISSUER_BARE: u32 = 1;
const ISSUER: u32 = 8;

/// A certificate and what it says of its holder. Nothing was verified: who is
/// believed is told by [`KeylessSigner`](super::KeylessSigner).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FulcioCertificate {
    pub(super) certificate: Certificate,
    pub(super) identity: Identity,
    pub(super) issuer: String,
    pub(super) claims: Claims,
}

impl FulcioCertificate {
    /// Reads DER of a certificate that names one identity and one issuer, and
    /// has no extension twice.
    ///
    /// # Errors
    /// [`SigstoreError`] for any other.
    pub fn from_der(der: &[u8]) -> Result<Self, SigstoreError> {
        let certificate = Certificate::from_der(der).map_err(SigstoreError::Malformed)?;
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|_| SigstoreError::Malformed(CertificateParseError::Malformed))?;
        let extensions = parsed.tbs_certificate.extensions.unwrap_or_default();
        let mut seen = HashSet::new();
        if let Some(twice) = extensions.iter().find(|extension| !seen.insert(extension.extn_id)) {
            return Err(SigstoreError::DuplicateExtension { oid: twice.extn_id.to_string() });
        }
        Ok(Self {
            certificate,
            identity: identity(&extensions)?,
            issuer: issuer(&extensions)?,
            claims: claims(&extensions)?,
        })
    }
}

impl FulcioCertificate {
    /// Who it says that its holder is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The OIDC issuer that it says identified them, as text from outside.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// What it says of the build.
    pub fn claims(&self) -> &Claims {
        &self.claims
    }
}

fn identity(extensions: &[Extension]) -> Result<Identity, SigstoreError> {
    let names = extensions.iter().find(|extension| extension.extn_id == SubjectAltName::OID);
    let names = names.map(|names| SubjectAltName::from_der(names.extn_value.as_bytes())).transpose();
    let malformed = |_| SigstoreError::Malformed(CertificateParseError::Extension);
    let names = names.map_err(malformed)?.map(|names| names.0).unwrap_or_default();
    match &names[..] {
        [GeneralName::Rfc822Name(address)] => Ok(Identity::Email(address.to_string())),
        [GeneralName::UniformResourceIdentifier(uri)] => Ok(Identity::Uri(uri.to_string())),
        [] | [_] => Err(SigstoreError::NoIdentity),
        several => Err(SigstoreError::AmbiguousIdentity { found: several.iter().map(shown).collect() }),
    }
}

fn shown(name: &GeneralName) -> String {
    match name {
        GeneralName::Rfc822Name(text)
        | GeneralName::UniformResourceIdentifier(text)
        | GeneralName::DnsName(text) => text.to_string(),
        _ => "a name of another kind".to_owned(),
    }
}

fn issuer(extensions: &[Extension]) -> Result<String, SigstoreError> {
    let value = |number| fulcio(extensions).find(|(found, _)| *found == number).map(|(_, value)| value);
    let malformed = |_| SigstoreError::Malformed(CertificateParseError::Extension);
    let bare = value(ISSUER_BARE).map(std::str::from_utf8).transpose();
    let bare = bare.map_err(|_| SigstoreError::Malformed(CertificateParseError::Extension))?;
    let current = value(ISSUER).map(text).transpose().map_err(malformed)?;
    match (bare, current) {
        (Some(bare), Some(current)) if bare != current => {
            Err(SigstoreError::IssuersDisagree { bare: bare.to_owned(), current })
        }
        (_, Some(issuer)) => Ok(issuer),
        (Some(issuer), None) => Ok(issuer.to_owned()),
        (None, None) => Err(SigstoreError::NoIssuer),
    }
}

fn claims(extensions: &[Extension]) -> Result<Claims, SigstoreError> {
    let claim = |(number, value)| Claim::of_extension(number).map(|claim| Ok((claim, text(value)?)));
    let claims = fulcio(extensions).filter_map(claim).collect::<Result<_, spki::der::Error>>();
    claims.map(Claims).map_err(|_| SigstoreError::Malformed(CertificateParseError::Extension))
}

/// Fulcio's own extensions, by the last number of their OIDs.
fn fulcio(extensions: &[Extension]) -> impl Iterator<Item = (u32, &[u8])> {
    extensions.iter().filter_map(|extension| {
        let (parent, last) = (extension.extn_id.parent()?, extension.extn_id.arcs().last()?);
        (parent == FULCIO).then(|| (last, extension.extn_value.as_bytes()))
    })
}

fn text(der: &[u8]) -> Result<String, spki::der::Error> {
    Utf8StringRef::from_der(der).map(|text| text.as_str().to_owned())
}
