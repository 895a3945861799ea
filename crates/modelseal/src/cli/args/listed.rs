//! Digests that are signed without the files that they are of.

use std::path::{Path, PathBuf};

use clap::Args;

use super::SignArgs;

/// What cannot be said of files that nobody looks at.
const OF_FILES: [&str; 11] = [
    "model",
    "shard_size",
    "ignore",
    "allow_symlinks",
    "jobs",
    "dry_run",
    "append",
    "claims",
    "name",
    "release",
    "reuse",
];

#[derive(Args, Debug)]
pub(crate) struct ListedArgs {
    /// Instead of a model: digests and names, as sha256sum, b2sum or b3sum write them (see --hash)
    #[arg(long, help_heading = "Digests from elsewhere", value_name = "FILE", conflicts_with_all = OF_FILES, requires_all = ["output", "subject_name"])]
    digests: Option<PathBuf>,
    /// Instead of a model: an OCI image manifest, each layer of which is a file
    #[arg(long, help_heading = "Digests from elsewhere", value_name = "FILE", conflicts_with_all = OF_FILES, conflicts_with = "hash", requires_all = ["output", "subject_name"])]
    oci_manifest: Option<PathBuf>,
    /// Instead of a model: what modelseal manifest merge wrote
    #[arg(long, help_heading = "Digests from elsewhere", value_name = "FILE", conflicts_with_all = OF_FILES, conflicts_with_all = ["hash", "subject_name"], requires = "output")]
    manifest: Option<PathBuf>,
    /// What the signature calls the model; signing a directory takes its name
    #[arg(long, help_heading = "Digests from elsewhere", value_name = "NAME", conflicts_with = "model", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(crate) subject_name: Option<String>,
}

/// Where the digests come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source<'a> {
    /// The files themselves.
    Model(&'a Path),
    /// A list of digests and names.
    Digests(&'a Path),
    OciManifest(&'a Path),
    /// Of `modelseal manifest merge`.
    Manifest(&'a Path),
}

impl SignArgs {
    /// Where the digests come from: exactly one of them was named.
    pub(crate) fn source(&self) -> Option<Source<'_>> {
        let ListedArgs { digests, oci_manifest, manifest, .. } = &self.listed;
        let model = self.model.as_deref().map(Source::Model);
        model
            .or(digests.as_deref().map(Source::Digests))
            .or(oci_manifest.as_deref().map(Source::OciManifest))
            .or(manifest.as_deref().map(Source::Manifest))
    }
}
