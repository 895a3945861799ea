use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{KeyAlgorithm, PrivateKey, PublicKey};
use modelseal_disk::{Overwrite, write_output};
use serde_json::{Value, json};

use super::args::KeygenArgs;
use super::failure::Failure;
use super::output::Report;
use super::text::{GOOD, row, shown};

pub(crate) struct KeygenReport {
    private: PathBuf,
    public: PathBuf,
    key: PublicKey,
}

pub(crate) fn run(args: &KeygenArgs) -> Result<KeygenReport, Failure> {
    let overwrite = if args.force { Overwrite::Replace } else { Overwrite::Refuse };
    let public_path = public_path(&args.out);
    let write = |path: &Path, bytes: &[u8], mode| {
        write_output(path, bytes, mode, overwrite).map_err(|error| {
            Failure::input(&error).help_if_exists("--force replaces it; a lost key cannot be made again")
        })
    };
    let private = PrivateKey::generate(KeyAlgorithm::from(args.key_type));
    let key = private.public_key();
    if !args.force && modelseal_disk::exists(&public_path) {
        // Found before the private key is written, so that no half of a pair is left.
        return Err(Failure::input(&modelseal::DiskError::Exists { path: shown(&public_path) })
            .help_if_exists("--force replaces it; a lost key cannot be made again"));
    }
    write(&args.out, private.to_pkcs8_pem().as_bytes(), 0o600)?;
    write(&public_path, key.to_pem().as_bytes(), 0o644)?;
    Ok(KeygenReport { private: args.out.clone(), public: public_path, key })
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
            format_args!("{} (keep it secret: who has it can sign as you)", shown(&self.private)),
        )?;
        row(out, GOOD, "Public", format_args!("{} (give it to those who verify)", shown(&self.public)))
    }
}
