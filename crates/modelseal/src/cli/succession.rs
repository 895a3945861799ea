use std::io::{self, Write};
use std::path::Path;

use modelseal::{
    Cancel, Certificate, ClaimsFile, Escaped, Fingerprint, Model, SignedAttestation, SignerId, StagedClaims,
    Succession,
};
use serde_json::{Value, json};

use super::args::{SuccessionArgs, SuccessorArgs};
use super::claims::{
    Added, check_place, claims_failure, default_claims_path, open_claims, probe_claims, refuse_to_break,
};
use super::failure::{Exit, Failure, Named, Task};
use super::inputs::{default_bundle_path, read_certificates, read_public_key};
use super::keyless::Publishes;
use super::output::{Report, Terminal};
use super::shapes::{facts_json, log_entries_json, method, times_json};
use super::sign::print_signer;
use super::signer::{self, Chosen, SignerFacts};
use super::text::{GOOD, row, shown};
use super::verify::print_evidence;

pub(crate) struct SuccessionReport {
    succession: Succession,
    signed: Box<SignedAttestation>,
    facts: Box<SignerFacts>,
    claims: Added,
}

pub(crate) fn run(
    args: &SuccessionArgs,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<SuccessionReport, Failure> {
    let successor = successor(&args.successor, cancel)?;
    let mut claims = open(args)?;
    probe_claims(&claims)?;
    let Chosen { signer, facts } = signer::choose(&args.signer, Publishes::Signature, terminal, cancel)?;
    check_other(&facts, &successor)?;
    let succession = Succession { scope: args.scope.clone(), successor };
    let named = Named { model: claims.path(), bundle: claims.path(), is_strict: false };
    let signed = modelseal::attest(&succession.attest(), &*signer)
        .map_err(|error| Task::Signing.failure(error, &named))?;
    let added = claims.add(&signed.bundle);
    let written = added.and_then(|_| claims.stage().and_then(StagedClaims::commit));
    let written = written.map_err(claims_failure);
    written.map_err(|failure| match facts {
        SignerFacts::Identity => failure.help("what was published stays published; sign again"),
        _ => failure,
    })?;
    let claims = Added::to(&claims);
    Ok(SuccessionReport { succession, signed: Box::new(signed), facts: Box::new(facts), claims })
}

/// The claims file, which must not break the signatures of the model beside it.
fn open(args: &SuccessionArgs) -> Result<ClaimsFile, Failure> {
    let model = args.model.as_deref().map(|path| Model::open(path).map(|model| (path, model)));
    let model = model.transpose().map_err(|error| Task::Signing.disk(&error))?;
    let usual = model.as_ref().map(|(path, model)| default_claims_path(path, model));
    // The argument parser asks for one of the two.
    let path = args.claims.clone().or(usual).unwrap_or_default();
    let Some((name, model)) = model else { return open_claims(&path, 1) };
    check_place(&path, &model, &[&default_bundle_path(name, &model)])?;
    let claims = open_claims(&path, 1)?;
    refuse_to_break(name, &model, &claims)?;
    Ok(claims)
}

/// Who follows, as the arguments have it.
fn successor(args: &SuccessorArgs, cancel: &Cancel) -> Result<SignerId, Failure> {
    if let Some(path) = &args.to_key {
        return Ok(SignerId::Key { key: Fingerprint(read_public_key(path, cancel)?.fingerprint()) });
    }
    if let (Some(leaf), Some(root)) = (&args.to_certificate, &args.to_root) {
        return certified(leaf, root, cancel);
    }
    let issuer = args.to_issuer.clone().unwrap_or_default();
    let identity = args.to_identity.clone().unwrap_or_default();
    for (option, text) in [("--to-identity", &identity), ("--to-issuer", &issuer)] {
        if text.is_empty() || text.contains(['*', ' ']) || text.chars().any(char::is_control) {
            let message = format!(
                "{option} {}: names nobody: expected one to the letter, and no pattern",
                Escaped(text)
            );
            return Err(Failure::new(Exit::Usage, "usage", message));
        }
    }
    let (owner_id, repository_id) = (args.to_owner_id.clone(), args.to_repository_id.clone());
    if owner_id.is_some() || repository_id.is_some() {
        return Ok(SignerId::Workflow { issuer, owner_id, repository_id });
    }
    if identity.contains("://") && !args.to_name_only {
        return Err(name_only(&identity));
    }
    Ok(SignerId::Identity { issuer, identity })
}

fn name_only(identity: &str) -> Failure {
    let message = format!(
        "--to-identity {}: is a name alone, and names of owners and repositories can be registered anew, by somebody else",
        Escaped(identity)
    );
    Failure::new(Exit::Usage, "usage", message).help(
        "--to-owner-id N and --to-repository-id N say who it is for good: verify --format json shows them; --to-name-only takes the name nonetheless",
    )
}

/// The subject is read from a certificate, since it is compared as we show it.
fn certified(leaf: &Path, root: &Path, cancel: &Cancel) -> Result<SignerId, Failure> {
    let roots = read_certificates(root, cancel)?;
    let [anchor] = &roots[..] else {
        let message = format!("{}: holds {} certificates, expected the root alone", shown(root), roots.len());
        return Err(Failure::new(Exit::Usage, "certificate", message));
    };
    let leaf = read_certificates(leaf, cancel)?;
    let subject = leaf.first().map(Certificate::subject).unwrap_or_default();
    Ok(SignerId::Certificate { root: Fingerprint(anchor.fingerprint()), subject })
}

/// A pair of keys has two files, and they are easily confused.
fn check_other(facts: &SignerFacts, successor: &SignerId) -> Result<(), Failure> {
    match (facts, successor) {
        (SignerFacts::Key(signer), SignerId::Key { key }) if signer.fingerprint() == key.0 => {
            let message = format!("the successor is the signer itself: {successor}");
            Err(Failure::new(Exit::Usage, "usage", message)
                .help("--to-key names the public key of whoever follows; it is signed by the present key"))
        }
        _ => Ok(()),
    }
}

impl Report for SuccessionReport {
    fn json(&self) -> Value {
        let verified = &self.signed.verified;
        json!({
            "outcome": "signed",
            "scope": self.succession.scope.to_string(),
            "successor": self.succession.successor,
            "signature": {
                "method": method(verified.signer()),
                "signer": facts_json(&self.facts, verified.signer()),
                "times": times_json(verified.times()),
                "log_entries": log_entries_json(verified.log_entries()),
            },
            "claims": self.claims.json(),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let verified = &self.signed.verified;
        row(out, GOOD, "Signed", format_args!("succession for {}", self.succession.scope))?;
        print_signer(out, &self.facts, verified.signer())?;
        print_evidence(out, verified.times(), verified.log_entries())?;
        row(out, GOOD, "Successor", &self.succession.successor)?;
        self.claims.print(out)
    }
}
