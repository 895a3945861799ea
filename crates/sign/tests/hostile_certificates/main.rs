//! What can go wrong between a publisher's certificate and its consumer.
//! Numbers are those of the catalogue of hostile inputs.

mod bundles;
#[expect(dead_code, reason = "the tests of chains need the rest")]
#[path = "../chains/der.rs"]
mod der;
#[expect(dead_code, reason = "the tests of chains need the rest")]
#[path = "../chains/holder.rs"]
mod holder;
mod legacy;
mod publishing;
mod reading;

use holder::{Holder, NOW, time};
use modelseal_bundle::{Envelope, Statement, UntrustedBundle, VerificationMaterial};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest,
};
use modelseal_sign::{CertificateSigner, CertificateSignerError, Signer};
use modelseal_verify::{CertificateTrust, Clock, Trust};

fn clock() -> Clock {
    Clock::at(time(NOW))
}

fn payload() -> Vec<u8> {
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: vec![],
    };
    let digest = ContentDigest::Sha256(Sha256Digest::of(b"a"));
    let resource = Resource { name: ResourceName::file("a").unwrap(), digest };
    Statement::new("m", Manifest::new(serialization, vec![resource]).unwrap()).to_payload()
}

type Made = Result<CertificateSigner, CertificateSignerError>;

fn signer(leaf: &Holder, chain: &[&Holder]) -> Made {
    let chain = chain.iter().map(|holder| holder.certificate.clone()).collect();
    CertificateSigner::new(leaf.private_key(), leaf.certificate.clone(), chain, clock())
}

fn anchored(root: &Holder) -> Trust {
    Trust::certificate(CertificateTrust::anchors(vec![root.certificate.clone()], clock()))
}

fn signed_bundle(leaf: &Holder) -> UntrustedBundle {
    UntrustedBundle::parse(&signer(leaf, &[]).unwrap().sign(&payload()).unwrap()).unwrap()
}

/// A certificate bundle of these parts, which need not fit together.
fn bundle_of(chain: Vec<Vec<u8>>, payload: Vec<u8>, signature: Vec<u8>) -> UntrustedBundle {
    let material = VerificationMaterial::CertificateChain(chain);
    UntrustedBundle::new(material, Envelope::new(payload, signature))
}
