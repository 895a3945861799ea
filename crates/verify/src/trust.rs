use modelseal_bundle::BundleMethod;

use crate::{CertificateTrust, Clock, PublicKey, SigstoreTrust, TimestampAuthorities, TrustedRoot};

/// Whom the verifier believes. It is always given, never found.
#[derive(Clone, Debug)]
pub struct Trust {
    pub(crate) signer: TrustedSigner,
    pub(crate) timestamps: Option<TimestampAuthorities>,
    pub(crate) logs: Option<(TrustedRoot, Clock)>,
}

#[derive(Clone, Debug)]
pub(crate) enum TrustedSigner {
    Key(PublicKey),
    Certificate(CertificateTrust),
    Sigstore(Box<SigstoreTrust>),
}

impl Trust {
    /// Believes the holder of this key.
    pub fn key(key: PublicKey) -> Self {
        Self::in_signer(TrustedSigner::Key(key))
    }

    /// Believes the holders of certificates under these anchors.
    pub fn certificate(trust: CertificateTrust) -> Self {
        Self::in_signer(TrustedSigner::Certificate(trust))
    }

    /// Believes identities to which a Sigstore instance gave a certificate.
    pub fn sigstore(trust: SigstoreTrust) -> Self {
        Self::in_signer(TrustedSigner::Sigstore(Box::new(trust)))
    }

    fn in_signer(signer: TrustedSigner) -> Self {
        Self { signer, timestamps: None, logs: None }
    }

    /// Believes timestamps in bundles of keys and of certificates. Then every
    /// one that a bundle carries has to verify. Keyless bundles are judged by
    /// the authorities of their own trusted root.
    #[must_use]
    pub fn and_timestamps(self, authorities: TimestampAuthorities) -> Self {
        Self { timestamps: Some(authorities), ..self }
    }

    /// Believes the transparency logs of `root` in bundles of keys and of
    /// certificates. Then every log entry that a bundle carries has to be in
    /// one of them.
    #[must_use]
    pub fn and_logs(self, root: TrustedRoot, clock: Clock) -> Self {
        Self { logs: Some((root, clock)), ..self }
    }

    pub(crate) fn method(&self) -> BundleMethod {
        match self.signer {
            TrustedSigner::Key(_) => BundleMethod::Key,
            TrustedSigner::Certificate(_) => BundleMethod::Certificate,
            TrustedSigner::Sigstore(_) => BundleMethod::Sigstore,
        }
    }
}
