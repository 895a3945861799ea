//! What is said of a model beside its signature, and where that stands.

use std::path::PathBuf;

use clap::Args;
use modelseal::{ModelName, NameScheme, Release, Version};

#[derive(Args, Debug)]
pub(crate) struct ClaimsArgs {
    /// What the model is called, hf://ORGANISATION/NAME or oci://REGISTRY/PATH: the same signer attests,
    /// in the claims file, that these bytes are this release of it
    #[arg(long, help_heading = "Claims", value_name = "NAME", requires = "release", value_parser = published_name)]
    name: Option<ModelName>,
    /// Which release it is: a semantic version, such as 1.2.0
    #[arg(long, help_heading = "Claims", value_name = "VERSION", requires = "name", value_parser = release_version)]
    release: Option<Version>,
    /// Sign beside the signature that is there: the new one goes to the claims file
    #[arg(long, help_heading = "Claims", conflicts_with_all = ["output", "force"])]
    pub(crate) append: bool,
    /// Where attestations and further signatures stand; in the model, the signature leaves it out
    /// [default: MODEL/claims.jsonl for a directory, MODEL.claims.jsonl for a file]
    #[arg(long, help_heading = "Claims", value_name = "FILE")]
    pub(crate) claims: Option<PathBuf>,
}

impl ClaimsArgs {
    /// The release that is to be attested.
    pub(crate) fn release(&self) -> Option<Release> {
        let (name, version) = self.name.clone().zip(self.release.clone())?;
        Some(Release { name, version })
    }

    /// Whether the claims file is of any concern.
    pub(crate) fn is_asked(&self) -> bool {
        self.claims.is_some() || self.lines() > 0
    }

    /// How many lines go to the claims file.
    pub(crate) fn lines(&self) -> usize {
        usize::from(self.append) + usize::from(self.name.is_some())
    }
}

fn published_name(text: &str) -> Result<ModelName, String> {
    let name: ModelName = text.parse().map_err(|error: modelseal::ReferenceError| error.to_string())?;
    if name.scheme() == NameScheme::File {
        let expected = "expected hf://ORGANISATION/NAME or oci://REGISTRY/PATH";
        return Err(format!("is a place on this machine, which means nothing to others: {expected}"));
    }
    Ok(name)
}

fn release_version(text: &str) -> Result<Version, String> {
    match text.parse::<Version>() {
        Ok(version) if version.build.is_empty() => Ok(version),
        Ok(_) => {
            Err("has build metadata (\"+…\"), by which releases cannot be ordered: leave it out".to_owned())
        }
        Err(error) => Err(format!("is no semantic version, such as 1.2.0 or 2.0.0-rc.1: {error}")),
    }
}
