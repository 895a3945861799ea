//! Whom a consumer believes: what `--key`, `--root` and `--leaf` say.

use std::path::{Path, PathBuf};

use modelseal::{Cancel, Certificate, CertificateTrust, Clock, Trust};

use super::args::TrustArgs;
use super::failure::{Exit, Failure};
use super::inputs::{read_certificates, read_crls, read_public_key};
use super::text::shown;

pub(crate) fn trust(args: &TrustArgs, cancel: &Cancel) -> Result<Trust, Failure> {
    if let Some(key) = &args.key {
        return Ok(Trust::Key(read_public_key(key, cancel)?));
    }
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
    Ok(Trust::Certificate(trust.and_crls(crls.concat())))
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
