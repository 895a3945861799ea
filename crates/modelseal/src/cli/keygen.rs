use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{KeyAlgorithm, PrivateKey, PublicKey};
use modelseal_disk::{Overwrite, StagedOutput};
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
    let private = PrivateKey::generate(KeyAlgorithm::from(args.key_type));
    let key = private.public_key();
    let explain =
        |error| Failure::input(&error).help_if_exists("--force replaces it; a lost key cannot be made again");
    // Both are on the disk before either has its name: a pair is never torn.
    let secret =
        StagedOutput::new(&args.out, private.to_pkcs8_pem().as_bytes(), 0o600, overwrite).map_err(explain)?;
    let public =
        StagedOutput::new(&public_path, key.to_pem().as_bytes(), 0o644, overwrite).map_err(explain)?;
    secret.commit().map_err(explain)?;
    public.commit().map_err(explain)?;
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
