//! Signing digests that come from elsewhere than the files.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use modelseal::{
    Cancel, DigestListError, Error, Finding, HashType, Ignored, IgnoredKind, Listed, MAX_BUNDLE_BYTES,
    ManifestError, OciManifest, SignedStatement, Statement, parse_digest_list, sign_statement,
    statement_of_digests,
};
use modelseal_disk::read_named;
use serde_json::{Value, json};

use super::args::{SignArgs, Source};
use super::failure::{Exit, Failure, Named, Task};
use super::keyless::Publishes;
use super::output::{Report, Terminal};
use super::output_file::{Kind, OutputFile};
use super::shapes::{digests_json, facts_json, log_entries_json, method, model_json, times_json};
use super::sign::{ignored_json, print_ignored, print_signer, warn_of_findings, warnings_json};
use super::signer::{self, Chosen, SignerFacts};
use super::text::{GOOD, WARN, count, how, row, shown};
use super::verify::print_evidence;

const OCI_HELP: &str = "a model whose layers are raw files can be signed by their digests; unpack any other, and sign the directory";

pub(crate) struct ListedReport {
    digests: Digests,
    bundle: Option<PathBuf>,
    signed: Box<SignedStatement>,
    facts: Box<SignerFacts>,
}

/// A statement, and whose word its digests are.
struct Digests {
    statement: Statement,
    ignored: Vec<Ignored>,
    findings: Vec<Finding>,
    /// A stable code.
    from: &'static str,
    path: PathBuf,
    /// Bytes in the files, where somebody says it.
    size: Option<u64>,
}

pub(crate) fn run(
    args: &SignArgs,
    source: Source<'_>,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<ListedReport, Failure> {
    let output = args.output.as_deref().unwrap_or(Path::new("-"));
    let output = OutputFile::open(output, Kind::Signature, args.force)?;
    let digests = read(args, source, cancel)?;
    warn_of_findings(terminal, &digests.findings);
    let Chosen { signer, facts } = signer::choose(&args.signer, Publishes::Signature, terminal, cancel)?;
    let named =
        Named { model: &digests.path, bundle: output.path().unwrap_or(Path::new("-")), is_strict: false };
    let signed =
        sign_statement(&digests.statement, &*signer).map_err(|error| Task::Signing.failure(error, &named))?;
    output.write(&signed.bundle)?;
    let bundle = output.path().map(Path::to_owned);
    Ok(ListedReport { digests, bundle, signed: Box::new(signed), facts: Box::new(facts) })
}

fn read(args: &SignArgs, source: Source<'_>, cancel: &Cancel) -> Result<Digests, Failure> {
    let (Source::Model(path) | Source::Digests(path) | Source::OciManifest(path) | Source::Manifest(path)) =
        source;
    let bytes = read_named(path, MAX_BUNDLE_BYTES, cancel).map_err(|error| Failure::input(&error))?;
    let subject_name = args.listed.subject_name.as_deref().unwrap_or_default();
    let of_files = |code, hash_type, resources| {
        let listed = statement_of_digests(subject_name, hash_type, resources);
        listed.map_err(|error| not_signable(path, code, error))
    };
    let hash_type = args.serialization.hash_type();
    let (listed, from, size) = match source {
        Source::OciManifest(_) => {
            let manifest = OciManifest::parse(&bytes)
                .map_err(|error| unusable(path, "oci-manifest", &error).help(OCI_HELP))?;
            let size = Some(manifest.size);
            (of_files("oci-manifest", HashType::Sha256, manifest.resources)?, "oci-manifest", size)
        }
        Source::Manifest(_) => {
            let statement = read_manifest(path, &bytes)?;
            (Listed { statement, ignored: vec![], findings: vec![] }, "manifest", None)
        }
        Source::Digests(_) | Source::Model(_) => {
            let resources =
                parse_digest_list(&bytes, hash_type).map_err(|error| list_failure(path, &error))?;
            (of_files("digest-list", hash_type, resources)?, "list", None)
        }
    };
    let Listed { statement, ignored, findings } = listed;
    let ignored = ignored.into_iter().map(|path| Ignored { path, kind: IgnoredKind::File }).collect();
    Ok(Digests { statement, ignored, findings, from, path: path.to_owned(), size })
}

/// Read and written again it has to be the same bytes, so that there is one way to say it.
fn read_manifest(path: &Path, bytes: &[u8]) -> Result<Statement, Failure> {
    let merged = "name what modelseal manifest merge wrote";
    let statement =
        Statement::parse(bytes).map_err(|error| unusable(path, "manifest", &error).help(merged))?;
    if statement.to_payload() != bytes {
        let problem = "is not written as modelseal manifest merge writes it";
        return Err(unusable(path, "manifest", &problem).help(merged));
    }
    let possible = statement.manifest().check_possible();
    possible.map_err(|error| {
        unusable(path, "manifest", &error).help("nobody could verify it: make the plan anew")
    })?;
    Ok(statement)
}

fn list_failure(path: &Path, error: &DigestListError) -> Failure {
    unusable(path, "digest-list", error)
        .help("sha256sum writes such a list, b2sum and b3sum write others: --hash says which it is")
}

fn unusable(path: &Path, code: &'static str, problem: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Usage, code, format!("{}: {problem}", shown(path)))
}

fn not_signable(path: &Path, code: &'static str, error: Error) -> Failure {
    match &error {
        Error::Manifest(ManifestError::Empty) => {
            let message = format!("{}: lists no file that a signature covers", shown(path));
            Failure::new(Exit::Usage, "empty-model", message).help("is it the right one?")
        }
        Error::Manifest(error) => unusable(path, code, error)
            .help("no directory has such files: have it made anew by whoever made it"),
        _ => Task::Signing.failure(error, &Named { model: path, bundle: path, is_strict: false }),
    }
}

impl Report for ListedReport {
    fn json(&self) -> Value {
        let Digests { statement, ignored, findings, from, path, size } = &self.digests;
        let (manifest, verified) = (statement.manifest(), &self.signed.verified);
        json!({
            "outcome": "signed",
            "model": model_json(None, manifest, manifest.model_digest(), *size),
            "signature": {
                "path": self.bundle.as_ref().map(|path| path.to_string_lossy()),
                "method": method(verified.signer()),
                "signer": facts_json(&self.facts, verified.signer()),
                "subject_name": verified.subject_name(),
                "times": times_json(verified.times()),
                "log_entries": log_entries_json(verified.log_entries()),
            },
            "digests": digests_json(from, Some(path), &[], None),
            "release": null,
            "claims": null,
            "ignored": ignored_json(ignored),
            "warnings": warnings_json(findings, &[]),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let manifest = self.digests.statement.manifest();
        let files = count(manifest.files().len(), "file", "files");
        row(
            out,
            GOOD,
            "Signed",
            format_args!(
                "{}: {files}, {}",
                shown(Path::new(self.digests.statement.subject_name())),
                how(manifest)
            ),
        )?;
        print_signer(out, &self.facts, self.signed.verified.signer())?;
        print_evidence(out, self.signed.verified.times(), self.signed.verified.log_entries())?;
        if let Some(digest) = manifest.model_digest() {
            row(out, GOOD, "Model", digest)?;
        }
        row(out, GOOD, "Root", manifest.root_digest())?;
        print_ignored(out, &self.digests.ignored)?;
        let path = shown(&self.digests.path);
        row(out, WARN, "Digests", format_args!("taken from {path}: no file was read"))?;
        let bundle = self.bundle.as_ref().map_or_else(|| "(standard output)".to_owned(), |path| shown(path));
        row(out, GOOD, "Signature", bundle)
    }
}
