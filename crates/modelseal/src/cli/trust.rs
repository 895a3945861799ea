//! Whom a consumer believes: what `--key`, `--root` and `--leaf`, and
//! `--identity` say.

use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Certificate, CertificateTrust, Clock, SigstoreTrust, TimestampAuthorities, Trust, TrustedRoot,
};

use super::args::TrustArgs;
use super::failure::{Exit, Failure};
use super::inputs::{read_certificates, read_crls, read_public_key};
use super::text::shown;
use super::trusted_root::trusted_root;

pub(crate) fn trust(args: &TrustArgs, cancel: &Cancel) -> Result<Trust, Failure> {
    if let (Some(identity), Some(issuer)) = (&args.identity.identity, &args.identity.issuer) {
        let root = trusted_root(&args.instance, cancel)?;
        let trust = SigstoreTrust::identity(root, identity.clone(), issuer, Clock::system());
        let claims = args.identity.claims();
        let trust = claims.fold(trust, |trust, (claim, expected)| trust.and_claim(claim, expected));
        return Ok(Trust::sigstore(trust));
    }
    let trust = match &args.key {
        Some(key) => Trust::key(read_public_key(key, cancel)?),
        None => Trust::certificate(certificates(args, cancel)?),
    };
    with_evidence(trust, args, cancel)
}

/// The timestamp authorities and logs that are believed beside the signer.
fn with_evidence(trust: Trust, args: &TrustArgs, cancel: &Cancel) -> Result<Trust, Failure> {
    let root = args.instance.is_named().then(|| trusted_root(&args.instance, cancel)).transpose()?;
    let named = timestamp_authorities(&args.timestamp_root, cancel)?;
    let of_root = |root: &TrustedRoot| TimestampAuthorities::of(root, Clock::system());
    let authorities = match (named, root.as_ref().map(of_root)) {
        (Some(named), Some(of_root)) => Some(named.and(of_root)),
        (named, of_root) => named.or(of_root),
    };
    let trust = match authorities {
        Some(authorities) => trust.and_timestamps(authorities),
        None => trust,
    };
    Ok(match root {
        Some(root) => trust.and_logs(root, Clock::system()),
        None => trust,
    })
}

fn timestamp_authorities(
    paths: &[PathBuf],
    cancel: &Cancel,
) -> Result<Option<TimestampAuthorities>, Failure> {
    let certificates = read_anchors(paths, cancel)?;
    if certificates.is_empty() {
        return Ok(None);
    }
    let authorities = TimestampAuthorities::certificates(certificates, Clock::system());
    authorities.map(Some).map_err(|error| {
        let paths: Vec<String> = paths.iter().map(|path| shown(path)).collect();
        let message = format!("--timestamp-root {}: {error}", paths.join(", "));
        Failure::new(Exit::Usage, "certificate", message)
            .help("name the root that issued the certificate of the timestamp authority")
    })
}

fn certificates(args: &TrustArgs, cancel: &Cancel) -> Result<CertificateTrust, Failure> {
    let clock = args.at.map_or_else(Clock::system, |time| Clock::system().asserting(time));
    let anchors = read_anchors(&args.root, cancel)?;
    let leaf = args.leaf.as_ref().map(|path| read_leaf(path, cancel)).transpose()?;
    let trust = match leaf {
        Some(leaf) if anchors.is_empty() => CertificateTrust::leaf(leaf, clock),
        Some(leaf) => CertificateTrust::anchors(anchors, clock).and_leaf(leaf),
        None => CertificateTrust::anchors(anchors, clock),
    };
    let trust = match &args.subject {
        Some(subject) => trust.and_subject(subject.clone()),
        None => trust,
    };
    let crls = args.crl.iter().map(|path| read_crls(path, cancel)).collect::<Result<Vec<_>, _>>()?;
    Ok(trust.and_crls(crls.concat()))
}

pub(crate) fn read_anchors(paths: &[PathBuf], cancel: &Cancel) -> Result<Vec<Certificate>, Failure> {
    let mut anchors = Vec::new();
    for path in paths {
        anchors.extend(read_certificates(path, cancel)?);
    }
    Ok(anchors)
}

fn read_leaf(path: &Path, cancel: &Cancel) -> Result<Certificate, Failure> {
    let mut certificates = read_certificates(path, cancel)?;
    if certificates.len() == 1 {
        return Ok(certificates.remove(0));
    }
    let message = format!("{}: holds {} certificates, expected one", shown(path), certificates.len());
    Err(Failure::new(Exit::Usage, "certificate", message).help("--leaf pins one signing certificate"))
}
