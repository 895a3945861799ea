use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{Cancel, DiskError, KeyAlgorithm, PrivateKey, PublicKey};
use modelseal_disk::{Overwrite, StagedOutput};
use serde_json::{Value, json};

use super::args::KeygenArgs;
use super::failure::Failure;
use super::output::Report;
use super::secrets;
use super::text::{GOOD, row, shown};

pub(crate) struct KeygenReport {
    private: PathBuf,
    public: PathBuf,
    key: PublicKey,
    is_encrypted: bool,
}

pub(crate) fn run(args: &KeygenArgs, cancel: &Cancel) -> Result<KeygenReport, Failure> {
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let public_path = public_path(&args.out);
    let private = PrivateKey::generate(KeyAlgorithm::from(args.key_type));
    let key = private.public_key().clone();
    let explain =
        |error| Failure::input(&error).help_if_exists("--force replaces it; a lost key cannot be made again");
    refuse_to_replace(args, &public_path).map_err(explain)?;
    let pem = if args.encrypt {
        let passphrase = secrets::new_passphrase(&args.out, args.passphrase_file.as_deref(), cancel)?;
        private.to_encrypted_pkcs8_pem(&passphrase)
    } else {
        private.to_pkcs8_pem()
    };
    // Both are on the disk before either has its name: a pair is never torn.
    let secret = StagedOutput::new(&args.out, pem.as_bytes(), 0o600, overwrite).map_err(explain)?;
    let public =
        StagedOutput::new(&public_path, key.to_pem().as_bytes(), 0o644, overwrite).map_err(explain)?;
    secret.commit().map_err(explain)?;
    public.commit().map_err(explain)?;
    Ok(KeygenReport { private: args.out.clone(), public: public_path, key, is_encrypted: args.encrypt })
}

/// Before anybody types a passphrase; found out again when the files are
/// written.
fn refuse_to_replace(args: &KeygenArgs, public: &Path) -> Result<(), DiskError> {
    match [args.out.as_path(), public].into_iter().find(|path| !args.force && modelseal_disk::exists(path)) {
        Some(path) => Err(DiskError::Exists { path: shown(path) }),
        None => Ok(()),
    }
}

fn public_path(private: &Path) -> PathBuf {
    let mut path = private.as_os_str().to_owned();
    path.push(".pub");
    path.into()
}

impl Report for KeygenReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "success",
            "private_key": self.private.to_string_lossy(),
            "encrypted": self.is_encrypted,
            "public_key": self.public.to_string_lossy(),
            "algorithm": self.key.algorithm().to_string(),
            "fingerprint": format!("sha256:{}", self.key.fingerprint()),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        row(
            out,
            GOOD,
            "Made",
            format_args!("{} key sha256:{}", self.key.algorithm(), self.key.fingerprint()),
        )?;
        row(
            out,
            GOOD,
            "Private",
            format_args!(
                "{} ({}keep it secret: who has it can sign as you)",
                shown(&self.private),
                if self.is_encrypted { "under the passphrase; " } else { "" }
            ),
        )?;
        row(out, GOOD, "Public", format_args!("{} (give it to those who verify)", shown(&self.public)))
    }
}
