//! What the arguments name: keys, signatures, paths in the model.

use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, Certificate, CertificateParseError, CertificateRevocationList, DiskError, Error, IgnorePath,
    ManifestPath, Model, PrivateKey, PrivateKeyError, PublicKey, PublicKeyError, UntrustedBundle,
};
use modelseal_bundle::MAX_BUNDLE_BYTES;
use modelseal_disk::{read_named, read_regular};

use zeroize::Zeroizing;

use super::failure::{Exit, Failure, Named, Task};
use super::output::Terminal;
use super::output_file::{Kind, refuse_unless};
use super::secrets;
use super::text::shown;

/// Keys are a few hundred bytes.
const MAX_KEY_BYTES: u64 = 64 * 1024;
/// A certificate is one or two kilobytes; some roots come in large files.
const MAX_CERTIFICATE_BYTES: u64 = 4 * 1024 * 1024;
/// Lists of large authorities have some megabytes.
const MAX_CRL_BYTES: u64 = 64 * 1024 * 1024;

/// `MODEL/model.sig` for a directory, `MODEL.sig` for a file.
pub(crate) fn default_bundle_path(path: &Path, model: &Model) -> PathBuf {
    if model.is_file() {
        let mut name = path.as_os_str().to_owned();
        name.push(".sig");
        name.into()
    } else {
        path.join(modelseal::SIGNATURE_FILE_NAME)
    }
}

pub(crate) fn read_private_key(
    path: &Path,
    passphrase_file: Option<&Path>,
    cancel: &Cancel,
) -> Result<PrivateKey, Failure> {
    if path.to_str().is_some_and(|path| path.starts_with("pkcs11:")) {
        let message = format!("{}: is a PKCS#11 URI, and no file", shown(path));
        return Err(Failure::new(Exit::Usage, "private-key", message).help("name it with --pkcs11"));
    }
    let pem = read_named(path, MAX_KEY_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    let pem = Zeroizing::new(pem);
    let key = match PrivateKey::from_pem(&pem) {
        Err(PrivateKeyError::Encrypted) => {
            let passphrase = secrets::passphrase(path, passphrase_file, cancel)?;
            PrivateKey::from_encrypted_pem(&pem, &passphrase)
        }
        Ok(_) if passphrase_file.is_some() => {
            let message =
                format!("{}: is not encrypted, so --passphrase-file has nothing to open", shown(path));
            return Err(Failure::new(Exit::Usage, "private-key", message).help("leave --passphrase-file out"));
        }
        key => key,
    };
    key.map_err(|error| private_key_failure(path, &error))
}

fn private_key_failure(path: &Path, error: &PrivateKeyError) -> Failure {
    let help = match error {
        PrivateKeyError::LegacyEncryption | PrivateKeyError::UnsupportedEncryption => {
            "encrypt it anew: openssl pkcs8 -topk8 -v2 aes-256-cbc -in KEY -out NEW-KEY"
        }
        PrivateKeyError::WrongPassphrase => "check the passphrase and start again; nothing was written",
        PrivateKeyError::Label { found } if found == "PUBLIC KEY" => {
            "signing takes the private key, verifying the public one"
        }
        PrivateKeyError::NotPem => {
            "modelseal keygen makes a key; openssl pkey -inform DER -in KEY -out KEY.pem converts one in DER"
        }
        _ => "modelseal keygen makes a key",
    };
    Failure::new(Exit::Usage, "private-key", format!("{}: {error}", shown(path))).help(help)
}

/// Every certificate of a PEM file, at least one.
pub(crate) fn read_certificates(path: &Path, cancel: &Cancel) -> Result<Vec<Certificate>, Failure> {
    let pem = read_named(path, MAX_CERTIFICATE_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    Certificate::all_from_pem(&pem).map_err(|error| {
        let help = match error {
            CertificateParseError::Label { .. } => "name a file that holds certificates and nothing else",
            _ => "convert DER with: openssl x509 -inform DER -in CERTIFICATE -out CERTIFICATE.pem",
        };
        Failure::new(Exit::Usage, "certificate", format!("{}: {error}", shown(path))).help(help)
    })
}

pub(crate) fn read_crls(path: &Path, cancel: &Cancel) -> Result<Vec<CertificateRevocationList>, Failure> {
    let bytes = read_named(path, MAX_CRL_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    CertificateRevocationList::all_from_bytes(&bytes)
        .map_err(|error| Failure::new(Exit::Usage, "crl", format!("{}: {error}", shown(path))))
}

/// A signature may take the place of an older one, or of an empty file, and of
/// nothing else: not of a part of the model, and not of a key. A link is judged
/// by what it leads to, which itself is left alone.
pub(crate) fn refuse_unless_signature(path: &Path, model: &Model) -> Result<(), Failure> {
    if model.is_at(path) {
        let message = format!("{}: is the model itself, which a signature cannot replace", shown(path));
        return Err(Failure::new(Exit::Usage, "exists", message));
    }
    refuse_unless(Kind::Signature, path)
}

pub(crate) fn read_public_key(path: &Path, cancel: &Cancel) -> Result<PublicKey, Failure> {
    let pem = read_named(path, MAX_KEY_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    PublicKey::from_pem(&pem).map_err(|error| {
        let help = match &error {
            PublicKeyError::Label { found } if found.ends_with("PRIVATE KEY") => {
                "verifying takes the public key: keygen wrote it beside the private one, as KEY.pub"
            }
            PublicKeyError::Label { found } if found == "CERTIFICATE" => {
                "a certificate is believed with --root, or --leaf"
            }
            _ => "ask the publisher for the public key in PEM, as keygen writes it to KEY.pub",
        };
        Failure::new(Exit::Usage, "public-key", format!("{}: {error}", shown(path))).help(help)
    })
}

/// A signature that was named and is not there is a mistake of the caller; a
/// model without one is not verified.
pub(crate) fn read_signature(path: &Path, is_named: bool) -> Result<UntrustedBundle, Failure> {
    let bytes = read_regular(path, MAX_BUNDLE_BYTES).map_err(|error| match error {
        DiskError::NotFound { .. } if !is_named => Failure::new(
            Exit::NotVerified,
            "no-signature",
            format!("{}: the model has no signature in its default place", shown(path)),
        )
        .help("--signature FILE names a signature that stands elsewhere"),
        DiskError::NotRegular { found: "directory", .. } if is_named => Failure::input(&error),
        DiskError::NotFound { .. } => Failure::input(&error),
        error => Task::Verifying.disk(&error),
    })?;
    let named = Named { model: path, bundle: path, is_strict: false };
    UntrustedBundle::parse(&bytes).map_err(|error| Task::Verifying.failure(Error::from(error), &named))
}

/// Which of the ignored paths are not there. They may come later, so this is
/// no error, but a caller who mistyped has to hear of it.
pub(crate) fn absent(ignore: &[IgnorePath], model: &Model) -> Vec<IgnorePath> {
    let is_absent = |path: &&IgnorePath| !modelseal_disk::exists(&model.path().join(path.as_path().as_str()));
    ignore.iter().filter(is_absent).cloned().collect()
}

/// Tells of [`absent`] paths.
pub(crate) fn warn_of_absent(terminal: Terminal, ignore: &[IgnorePath], model: &Model) {
    for path in absent(ignore, model) {
        terminal.warn(&format!("--ignore {path}: there is nothing of this name in the model"));
    }
}

/// A path to ignore is relative to the model; an absolute one is taken when it
/// lies inside.
pub(crate) fn ignore_paths(paths: &[PathBuf], model: &Model) -> Result<Vec<IgnorePath>, Failure> {
    paths.iter().map(|path| ignore_path(path, model)).collect()
}

fn ignore_path(path: &Path, model: &Model) -> Result<IgnorePath, Failure> {
    let usage = |problem: String| {
        Failure::new(Exit::Usage, "ignore-path", format!("--ignore {}: {problem}", shown(path)))
    };
    if path.is_absolute() && model.is_at(path) {
        return Err(usage("is the model itself: nothing would be left".to_owned()));
    }
    if path.is_absolute() {
        let inside = model.locate(path).map(IgnorePath::from);
        return inside.ok_or_else(|| usage(format!("lies outside of the model {}", shown(model.path()))));
    }
    let text = path.to_str().ok_or_else(|| usage("is not UTF-8".to_owned()))?;
    let text = text.strip_prefix("./").unwrap_or(text);
    if let Some(meant) = meant_from_here(path, model) {
        let problem =
            format!("there is nothing of this name in the model; from here it would be --ignore {meant}");
        return Err(usage(problem).help("paths to ignore are relative to the model"));
    }
    IgnorePath::new(text).map_err(|error| {
        usage(error.problem.to_string())
            .help("name an exact path, relative to the model's root, without wildcards")
    })
}

/// A shell completes paths from the working directory: `model/scratch` is not
/// in the model, but `scratch` is.
fn meant_from_here(path: &Path, model: &Model) -> Option<ManifestPath> {
    let is_there = modelseal_disk::exists(&model.path().join(path));
    model.locate(path).filter(|_| !is_there && modelseal_disk::exists(path))
}
