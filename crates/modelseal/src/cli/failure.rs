//! How things go wrong, in words, codes and exit codes (`spec/exit-codes.md`).

use std::path::Path;
use std::process::ExitCode;

use modelseal::{
    BundleError, BundleMethod, CertificateError, Differences, DiskError, Error, ErrorKind, JudgedAt,
    SignError, Unsigned, VerifiedSigner, VerifyError,
};
use modelseal::{IgnoredBy, StatementError};

use super::signing_failure::signing_failure;
use super::sigstore_failure::{
    log_entry_code, log_entry_help, sigstore_code, sigstore_help, timestamp_code, timestamp_help,
};
use super::text::shown;
use super::verdict::Judged;

/// What the process ends with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Exit {
    Success,
    NotVerified,
    Usage,
    Undecided,
    Interrupted,
}

impl Exit {
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Success => 0,
            Self::NotVerified => 1,
            Self::Usage => 2,
            Self::Undecided => 3,
            Self::Interrupted => 130,
        }
    }

    pub(crate) fn from_code(code: i32) -> Option<Self> {
        let all = [Self::Success, Self::NotVerified, Self::Usage, Self::Undecided, Self::Interrupted];
        all.into_iter().find(|exit| exit.code() == code)
    }

    /// The `outcome` of a JSON report that failed.
    pub(crate) const fn outcome(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::NotVerified => "not-verified",
            Self::Usage => "usage",
            Self::Undecided => "undecided",
            Self::Interrupted => "interrupted",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(u8::try_from(exit.code()).unwrap_or(u8::MAX))
    }
}

/// Why a command did not do what it was asked to do.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    pub(crate) details: Details,
}

/// What goes with a message.
#[derive(Debug, Default)]
pub(crate) enum Details {
    #[default]
    None,
    /// The model is not what was signed by this signer.
    Differences(Box<(Differences, VerifiedSigner)>),
    Unsigned(Vec<Unsigned>),
    /// What a policy says of a model, and why.
    Verdict(Box<Judged>),
    /// Entries that can be no part of a model, and how the rest differs.
    Unfit(Vec<DiskError>, Box<(Differences, VerifiedSigner)>),
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        Self { exit, code, message: message.into(), help: None, details: Details::None }
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What to do when the output is there already.
    pub(crate) fn help_if_exists(self, help: &str) -> Self {
        if self.code == "exists" { self.help(help) } else { self }
    }

    /// The model was signed, and then its release was not: what is said of the
    /// second alone would be wrong of the first.
    fn after_the_model(self) -> Self {
        let message = format!("the model was signed, and its release was not: {}", self.message);
        Self { message, ..self }
            .help("neither was written; what was published for an identity stays published; sign both again")
    }

    fn helped(mut self, help: Option<&str>) -> Self {
        self.help = help.map(str::to_owned);
        self
    }

    /// A file that the caller named, such as a key.
    pub(crate) fn input(error: &DiskError) -> Self {
        let exit = match error.kind() {
            ErrorKind::Undecided => Exit::Undecided,
            ErrorKind::Cancelled => Exit::Interrupted,
            ErrorKind::Model | ErrorKind::Usage => Exit::Usage,
        };
        Self::new(exit, disk_code(error), error.to_string())
    }
}

/// The files that a message may have to name.
pub(crate) struct Named<'a> {
    pub(crate) model: &'a Path,
    pub(crate) bundle: &'a Path,
    /// Whether unsigned files are not to be tolerated in any case.
    pub(crate) is_strict: bool,
}

/// What a failure is a failure of. Of the same model, a publisher is told that
/// the input is wrong, a consumer that it is not verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Task {
    Signing,
    Verifying,
}

impl Task {
    /// Puts an error of the library into words that name the file.
    pub(crate) fn failure(self, error: Error, named: &Named<'_>) -> Failure {
        if let Error::Sign(error @ SignError::Sigstore(_)) = &error {
            return signing_failure(error);
        }
        if let Error::NotReleased(error) = error {
            return self.failure(*error, named).after_the_model();
        }
        let message = message(&error, named);
        let (exit, code, help) = self.judge(&error, named.is_strict);
        Failure { exit, code, message, help: help.map(str::to_owned), details: details(error) }
    }

    fn judge(self, error: &Error, is_strict: bool) -> (Exit, &'static str, Option<&'static str>) {
        let refused = match self {
            Self::Signing => Exit::Usage,
            Self::Verifying => Exit::NotVerified,
        };
        let of_disk = |error: &DiskError| (self.disk_exit(error), disk_code(error), disk_help(error, self));
        match error {
            Error::Disk(error) => of_disk(error),
            Error::Unfit { unfit, .. } => unfit.first().map_or((refused, "unknown", None), of_disk),
            Error::Bundle(error) => (
                refused,
                bundle_code(error),
                Some("this is no model signature: fetch it anew from the publisher"),
            ),
            Error::Verify(error) => (refused, verify_code(error), verify_help(error)),
            Error::Mismatch(mismatch) => {
                (refused, "mismatch", Some(mismatch_help(&mismatch.differences, is_strict)))
            }
            Error::Unsigned { .. } => {
                let help = "remove them, or take the signed files alone with --into DIR and without --strict";
                (refused, "not-signed", Some(help))
            }
            Error::Sign(SignError::SelfCheck) => (Exit::Undecided, "signer", Some(SELF_CHECK_HELP)),
            Error::SelfCheck(error) if matches!(&**error, Error::Verify(VerifyError::Sigstore(_))) => {
                (Exit::Undecided, "signer", Some(INSTANCE_HELP))
            }
            Error::Sign(_) | Error::SelfCheck(_) => (Exit::Undecided, "signer", None),
            Error::IgnoresSigned { by: IgnoredBy::Caller, .. } => {
                (Exit::Usage, "ignores-signed", Some("a signed file cannot be ignored: leave the option out"))
            }
            error => other(error, refused),
        }
    }

    fn disk_exit(self, error: &DiskError) -> Exit {
        match (error.kind(), self) {
            (ErrorKind::Model, Self::Verifying) => Exit::NotVerified,
            (ErrorKind::Model, Self::Signing) | (ErrorKind::Usage, _) => Exit::Usage,
            (ErrorKind::Undecided, _) => Exit::Undecided,
            (ErrorKind::Cancelled, _) => Exit::Interrupted,
        }
    }

    /// An error of the disk that names its file already.
    pub(crate) fn disk(self, error: &DiskError) -> Failure {
        Failure::new(self.disk_exit(error), disk_code(error), error.to_string())
            .helped(disk_help(error, self))
    }
}

const SELF_CHECK_HELP: &str = "does the token hold another public key or certificate under the id of this key? modelseal pkcs11 list shows them";

const CLAIMS_NOT_IGNORED_HELP: &str = "sign the model anew with modelseal, whose signatures leave the claims file out, or name a file outside of the model with --claims";

const INSTANCE_HELP: &str = "does the trusted root belong to the services that signed? what they published stays published; no signature was written";

/// Errors of the library are about the model or the bundle, and do not know by
/// which path the caller named it.
fn message(error: &Error, named: &Named<'_>) -> String {
    match error {
        Error::Disk(disk) if matches!(disk.kind(), ErrorKind::Usage | ErrorKind::Cancelled) => {
            disk.to_string()
        }
        Error::Sign(_)
        | Error::SelfCheck(_)
        | Error::OtherSigner { .. }
        | Error::ReusedFromAnother { .. }
        | Error::NotClaims { .. }
        | Error::ClaimsFull { .. }
        | Error::IgnoresSigned { by: IgnoredBy::Caller, .. } => error.to_string(),
        Error::Bundle(_) | Error::Verify(_) => format!("{}: {error}", shown(named.bundle)),
        error => format!("{}: {error}", shown(named.model)),
    }
}

fn details(error: Error) -> Details {
    match error {
        Error::Mismatch(mismatch) => {
            let signer = mismatch.statement.signer().clone();
            Details::Differences(Box::new((mismatch.differences, signer)))
        }
        Error::Unfit { unfit, differences, signer } => {
            Details::Unfit(unfit, Box::new((*differences, signer)))
        }
        Error::Unsigned { unsigned } => Details::Unsigned(unsigned),
        _ => Details::None,
    }
}

fn other(error: &Error, refused: Exit) -> (Exit, &'static str, Option<&'static str>) {
    match error {
        Error::Manifest(_) => (refused, "empty-model", Some("is this the right directory?")),
        Error::EmptyFile { .. } => {
            (refused, "empty-file", Some("remove it, --ignore it, or sign without --shard-size"))
        }
        Error::NotEvidence { .. } => {
            (refused, "reserved-name", Some("rename it: modelseal keeps signatures under this name"))
        }
        Error::SecretInModel { .. } => {
            (refused, "key-in-model", Some("move it out of the model: releases are copied to strangers"))
        }
        Error::BundleTooLarge { .. } => {
            (refused, "too-large", Some("the model has too many files, or the shards are too small"))
        }
        Error::NotClaims { .. } => {
            let help = "name another file with --claims, or move this one away; it was left as it is";
            (refused, "malformed-claims", (refused == Exit::Usage).then_some(help))
        }
        Error::ClaimsFull { .. } => (refused, "too-large", Some("start another file with --claims")),
        Error::ClaimsNotIgnored { .. } => (Exit::Usage, "claims-not-ignored", Some(CLAIMS_NOT_IGNORED_HELP)),
        Error::OtherContent { .. } => (
            Exit::Usage,
            "other-content",
            Some("is this what was signed? if it was changed on purpose, sign it anew without --append"),
        ),
        Error::NotReleasable { .. } => (Exit::Usage, "usage", None),
        Error::OtherFiles { .. } => (
            Exit::Usage,
            "other-content",
            Some("is this what was signed? if it was changed on purpose, sign it anew first"),
        ),
        Error::Attestation(_) => {
            (Exit::Usage, "predicate", Some("readers would refuse it: make it smaller, or flatter"))
        }
        Error::Contradicted { .. } => (
            Exit::Usage,
            "provenance-contradicted",
            Some(
                "nothing was written; sign in the run that it is about, and name a reusable workflow with --builder URI",
            ),
        ),
        Error::OtherSigner { .. } => {
            (Exit::Undecided, "signer", Some("sign again, and log in as one person"))
        }
        Error::HashPlan(_) => (refused, "hash-plan", None),
        Error::ReusedFromAnother { .. } => (
            Exit::NotVerified,
            "wrong-identity",
            Some("sign without --reuse; nothing was written, and what was published stays published"),
        ),
        Error::IgnoresSigned { .. } => (refused, "ignores-signed", None),
        Error::IgnoreInFile => (Exit::Usage, "ignore-path", Some("leave --ignore out")),
        Error::Partial { .. } => {
            let exit = if refused == Exit::NotVerified { Exit::Undecided } else { refused };
            (exit, "partial", Some("wait for the other run, or remove the file if there is none"))
        }
        Error::NotOneFile => (refused, "not-one-file", Some("name the file itself as MODEL")),
        Error::CopyInModel => (Exit::Usage, "copy-in-model", Some("choose a directory outside of the model")),
        _ => (Exit::Undecided, "unknown", None),
    }
}

fn disk_code(error: &DiskError) -> &'static str {
    match error {
        DiskError::Io { .. } => "io",
        DiskError::NotFound { .. } => "not-found",
        DiskError::NotUtf8 { .. } | DiskError::Name(_) => "name",
        DiskError::Symlink { .. } => "symlink",
        DiskError::LinkEscapes { .. } => "symlink-escapes",
        DiskError::LinkCycle { .. } => "symlink-cycle",
        DiskError::LinkDangles { .. } => "symlink-dangles",
        DiskError::NotRegular { .. } => "not-regular",
        DiskError::Changed { .. } | DiskError::OtherThanPlanned { .. } => "changed-while-read",
        DiskError::TooDeep { .. } | DiskError::TooMany { .. } | DiskError::TooLarge { .. } => "too-large",
        DiskError::Exists { .. } => "exists",
        DiskError::NotPortable { .. } => "not-portable",
        DiskError::Cancelled => "interrupted",
        _ => "unknown",
    }
}

fn disk_help(error: &DiskError, task: Task) -> Option<&'static str> {
    match (error, task) {
        (DiskError::Symlink { .. }, Task::Signing) => Some(
            "replace the link by a copy, --ignore it, or sign links as what they point at with --allow-symlinks",
        ),
        (DiskError::Symlink { .. }, Task::Verifying) => Some(
            "the publisher signed a model without links: remove it, or put the published file in its place",
        ),
        (DiskError::LinkEscapes { .. } | DiskError::LinkCycle { .. } | DiskError::LinkDangles { .. }, _) => {
            Some("a model may hold only links that lead to its own files")
        }
        (DiskError::Exists { .. }, Task::Verifying) => Some("name a directory that does not exist yet"),
        (DiskError::OtherThanPlanned { .. }, _) => Some("make the plan anew, and hash all of it again"),
        (DiskError::Changed { .. }, _) => Some("something writes to the model: try again when it is at rest"),
        (DiskError::NotUtf8 { .. } | DiskError::Name(_), Task::Signing) => Some("rename the file"),
        (DiskError::NotUtf8 { .. } | DiskError::Name(_), Task::Verifying) => {
            Some("a file of this name cannot be verified: remove it")
        }
        (DiskError::NotRegular { .. }, _) => Some("only regular files and directories make a model"),
        _ => None,
    }
}

fn bundle_code(error: &BundleError) -> &'static str {
    match error {
        BundleError::TooLarge { .. } | BundleError::TooMany { .. } => "too-large",
        _ => "malformed-bundle",
    }
}

fn verify_code(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::Method { .. } => "wrong-method",
        VerifyError::WrongKey { .. } => "wrong-key",
        VerifyError::EmbeddedKeyUnreadable => "malformed-bundle",
        VerifyError::Signature { .. } => "bad-signature",
        VerifyError::LogEntry(error) => log_entry_code(error),
        VerifyError::Timestamp(error) => timestamp_code(error),
        VerifyError::Sigstore(error) => sigstore_code(error),
        VerifyError::Certificate(error) => certificate_code(error),
        VerifyError::Statement(_) => "malformed-statement",
        _ => "unknown",
    }
}

fn verify_help(error: &VerifyError) -> Option<&'static str> {
    match error {
        VerifyError::WrongKey { .. } => Some("ask the publisher, over another channel, which key is theirs"),
        VerifyError::Signature { .. } => {
            Some("do not use this model; fetch model and signature anew from the publisher")
        }
        VerifyError::Method { found, .. } => Some(match found {
            BundleMethod::Key => "verify it with --key PUB, the publisher's public key",
            BundleMethod::Certificate => {
                "verify it with --root PEM, the root of the publisher's certificates"
            }
            BundleMethod::Sigstore => {
                "verify it with --identity ID --issuer URL: who the publisher is, and who vouches for that"
            }
        }),
        VerifyError::LogEntry(error) => Some(log_entry_help(error)),
        VerifyError::Timestamp(error) => Some(timestamp_help(error)),
        VerifyError::Sigstore(error) => Some(sigstore_help(error)),
        VerifyError::Certificate(error) => certificate_help(error),
        VerifyError::Statement(
            StatementError::LegacyPredicateType { .. } | StatementError::LegacyAlgorithm { .. },
        ) => Some("ask the publisher for a signature by a current release"),
        _ => None,
    }
}

fn certificate_code(error: &CertificateError) -> &'static str {
    match error {
        CertificateError::Malformed { .. } | CertificateError::EmptyChain => "malformed-bundle",
        CertificateError::Key { .. } => "certificate-key",
        CertificateError::Usage { .. } => "certificate-usage",
        CertificateError::UnknownIssuer { .. } => "unknown-issuer",
        CertificateError::Expired { .. } => "certificate-expired",
        CertificateError::NotYetValid { .. } => "certificate-not-yet-valid",
        CertificateError::Revoked { .. } => "certificate-revoked",
        CertificateError::CrlExpired { .. } | CertificateError::CrlFromFuture { .. } => "crl-out-of-date",
        CertificateError::Path { .. } | CertificateError::TooComplicated { .. } => "certificate-chain",
        CertificateError::Subject { .. } => "wrong-subject",
        CertificateError::Leaf { .. } => "wrong-certificate",
        _ => "unknown",
    }
}

fn certificate_help(error: &CertificateError) -> Option<&'static str> {
    match error {
        CertificateError::UnknownIssuer { .. } => Some(
            "ask the publisher, over another channel, which root their certificates have; one in the bundle proves nothing",
        ),
        CertificateError::Expired { at: JudgedAt::Asserted(_), .. }
        | CertificateError::NotYetValid { at: JudgedAt::Asserted(_), .. } => None,
        CertificateError::Expired { at: JudgedAt::Proved(_), .. }
        | CertificateError::NotYetValid { at: JudgedAt::Proved(_), .. } => {
            Some("the publisher has to sign anew, under certificates that are valid when they sign")
        }
        CertificateError::Expired { .. } => Some(
            "nothing proves that the signature was made before; ask the publisher to sign anew, or audit the past with --at TIME",
        ),
        CertificateError::NotYetValid { .. } => Some("is the clock of this machine right?"),
        CertificateError::Revoked { .. } => Some("do not use this model; ask the publisher what happened"),
        CertificateError::CrlExpired { .. } | CertificateError::CrlFromFuture { .. } => {
            Some("fetch the current list from the certificate authority")
        }
        CertificateError::Subject { .. } => {
            Some("somebody else under the same root signed this model: is that meant?")
        }
        CertificateError::Leaf { .. } => {
            Some("ask the publisher, over another channel, whether they have a new certificate")
        }
        CertificateError::Usage { .. } => {
            Some("the publisher has to sign with a certificate that is made for signing code")
        }
        _ => None,
    }
}

fn mismatch_help(differences: &Differences, is_strict: bool) -> &'static str {
    let hub = |path: &modelseal::ManifestPath| path.as_str().starts_with(".cache/huggingface/");
    if !differences.changed.is_empty() || !differences.missing.is_empty() {
        "do not use this model; fetch it anew from the publisher"
    } else if is_strict {
        "remove what was added: --strict tolerates nothing that is not signed"
    } else if differences.extra.iter().all(hub) {
        "the hub client put these files there: verify with --ignore .cache/huggingface"
    } else {
        "remove what was added, or list it as unsigned with --ignore-unsigned-files"
    }
}
