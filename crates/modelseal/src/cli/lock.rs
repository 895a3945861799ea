//! `modelseal lock`: what names meant when they were last seen.

use std::collections::BTreeSet;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use modelseal::policy::{Entry, Lock, LockedSigner, Outcome, Policy, ReasonKind, Verdict};
use modelseal::{AdmitOptions, Cancel, Clock, Model, ModelDigest, Reference};
use modelseal_disk::{Alone, Overwrite, exists, write_output};
use serde_json::{Value, json};

use super::args::{LockDiffArgs, LockUpdateArgs, LockVerifyArgs, LockWriteArgs};
use super::failure::{Exit, Failure, Named, Task};
use super::output::{Report, Terminal};
use super::policy::{read_lock, read_policy, refuse_in_model};
use super::progress::Progress;
use super::secrets;
use super::text::{BAD, GOOD, WARN, row, shown};
use super::verdict::{Judged, admit, entry_json, locked_text};

/// An entry that was written, and what stood there before.
pub(crate) struct WriteReport {
    lock: PathBuf,
    reference: Reference,
    old: Option<Entry>,
    new: Entry,
}

pub(crate) fn add(args: &LockWriteArgs, terminal: Terminal, cancel: &Cancel) -> Result<WriteReport, Failure> {
    let case = Case::open(args, cancel)?;
    let lock = read_if_there(&args.lock, cancel)?.unwrap_or_default();
    if lock.entry(&case.reference).is_some() {
        let message = format!("{}: has an entry for {} already", shown(&args.lock), case.reference);
        return Err(Failure::new(Exit::Usage, "exists", message).help("modelseal lock update replaces it"));
    }
    let new = case.entry(&lock, terminal, cancel)?;
    case.write(None, new, cancel)
}

fn read_if_there(path: &Path, cancel: &Cancel) -> Result<Option<Lock>, Failure> {
    exists(path).then(|| read_lock(path, cancel)).transpose()
}

pub(crate) fn update(
    args: &LockUpdateArgs,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<WriteReport, Failure> {
    let case = Case::open(&args.write, cancel)?;
    let lock = read_lock(&args.write.lock, cancel)?;
    let Some(old) = lock.entry(&case.reference).cloned() else {
        let message = format!("{}: has no entry for {}", shown(&args.write.lock), case.reference);
        return Err(Failure::new(Exit::Usage, "not-found", message).help("modelseal lock add makes one"));
    };
    // The policy has its say as if the name were new; the person has theirs about what changed.
    let new = case.entry(&lock.without(case.reference.name()), terminal, cancel)?;
    let new = Entry { first_seen: old.first_seen, ..new };
    if !old.is_same(&new) && !args.yes {
        confirm(&case.reference, &old, &new, terminal)?;
    }
    case.write(Some(old), new, cancel)
}

/// A model, and the policy that has to admit it.
struct Case<'a> {
    args: &'a LockWriteArgs,
    model: Model,
    policy: Policy,
    reference: Reference,
}

impl<'a> Case<'a> {
    fn open(args: &'a LockWriteArgs, cancel: &Cancel) -> Result<Self, Failure> {
        let model = Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))?;
        let policy = read_policy(&args.policy, &args.policy_key, &model, cancel)?;
        refuse_in_model("lock", &args.lock, &model)?;
        let reference = policy.judged_as(&args.reference);
        Ok(Self { args, model, policy, reference })
    }

    /// What the policy admits, as an entry.
    fn entry(&self, lock: &Lock, terminal: Terminal, cancel: &Cancel) -> Result<Entry, Failure> {
        let options = AdmitOptions {
            lock: Some(lock),
            bundles: self.args.bundle.iter().map(PathBuf::as_path).collect(),
            jobs: self.args.jobs.unwrap_or_else(modelseal::default_jobs),
            ..AdmitOptions::default()
        };
        let admission = admit(&self.model, &self.args.reference, &self.policy, &options, terminal, cancel)?;
        let verdict = admission.verdict();
        if verdict.outcome == Outcome::Deny && !is_only_unknown(verdict) {
            return Err(Judged::new(&self.args.model, &self.args.policy, &self.policy, admission).denied());
        }
        let may_be_unsigned = verdict.rule.as_ref().is_some_and(|rule| rule.is_for_unsigned);
        let is_unsigned = !verdict.is_signed() && !may_be_unsigned;
        match Entry::of(verdict, Clock::system().now()) {
            Some(entry) if !is_unsigned => Ok(entry),
            _ => {
                let message = format!(
                    "{}: no publisher's signature counts, so that there is nobody to remember",
                    verdict.reference
                );
                Err(Failure::new(Exit::NotVerified, "not-signed-by-publisher", message)
                    .help("the policy admits it all the same: only signed models, and those of rules with unsigned = \"pinned\", go into a lock"))
            }
        }
    }

    /// Into the lock as it is by now: what others wrote while this model was
    /// judged stays.
    fn write(self, old: Option<Entry>, new: Entry, cancel: &Cancel) -> Result<WriteReport, Failure> {
        let _alone = Alone::beside(&self.args.lock).map_err(|error| Failure::input(&error))?;
        let mut lock = read_if_there(&self.args.lock, cancel)?.unwrap_or_default();
        if lock.entry(&self.reference) != old.as_ref() {
            let message = format!(
                "{}: somebody else wrote the entry of {} meanwhile",
                shown(&self.args.lock),
                self.reference
            );
            return Err(Failure::new(Exit::Undecided, "changed-while-read", message)
                .help("nothing was written: run it again"));
        }
        lock.see_serials(self.policy.serial(), self.policy.deny_list_serial());
        lock.insert(self.reference.clone(), new.clone());
        write_output(&self.args.lock, lock.to_toml().as_bytes(), 0o644, Overwrite::Replace)
            .map_err(|error| Failure::input(&error))?;
        Ok(WriteReport { lock: self.args.lock.clone(), reference: self.reference, old, new })
    }
}

/// Whether it is denied for nothing but not being in the lock yet.
fn is_only_unknown(verdict: &Verdict) -> bool {
    verdict.denials().all(|kind| *kind == ReasonKind::NotPinned)
}

fn confirm(reference: &Reference, old: &Entry, new: &Entry, terminal: Terminal) -> Result<(), Failure> {
    let refused = |message: String| {
        Failure::new(Exit::Usage, "not-confirmed", message)
            .help("look at what changed; --yes accepts it without asking")
    };
    let can_ask = io::stdin().is_terminal();
    if can_ask || terminal.is_talkative() {
        // There is nobody left to tell when this fails.
        let _ = print_change(&mut anstream::stderr().lock(), reference, old, new);
    }
    if !can_ask {
        return Err(refused(format!("{reference}: is not what it was, and there is no terminal to ask on")));
    }
    let answer = secrets::line("Replace what the lock has by what is there now? [y/N] ");
    match answer.as_deref().map(str::trim) {
        Ok("y" | "Y" | "yes") => Ok(()),
        _ => Err(refused(format!("{reference}: is not what it was, and the lock was left as it is"))),
    }
}

/// Old and new, one beneath the other.
fn print_change(out: &mut dyn Write, reference: &Reference, old: &Entry, new: &Entry) -> io::Result<()> {
    row(out, WARN, "Changed", reference)?;
    if old.model != new.model {
        row(out, BAD, "  - model", old.model)?;
        row(out, GOOD, "  + model", new.model)?;
    }
    if old.release != new.release {
        let shown = |entry: &Entry| {
            entry.release.as_ref().map_or_else(|| "(not signed)".to_owned(), ToString::to_string)
        };
        row(out, BAD, "  - release", shown(old))?;
        row(out, GOOD, "  + release", shown(new))?;
    }
    for gone in old.signers.difference(&new.signers) {
        row(out, BAD, "  - signer", locked_text(gone))?;
    }
    for come in new.signers.difference(&old.signers) {
        row(out, GOOD, "  + signer", locked_text(come))?;
    }
    Ok(())
}

impl Report for WriteReport {
    fn json(&self) -> Value {
        let outcome = match &self.old {
            None => "added",
            Some(old) if old.is_same(&self.new) => "unchanged",
            Some(_) => "updated",
        };
        json!({
            "outcome": outcome,
            "lock": self.lock.to_string_lossy(),
            "reference": self.reference.to_string(),
            "old": self.old.as_ref().map(entry_json),
            "new": entry_json(&self.new),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let lock = shown(&self.lock);
        match &self.old {
            None => row(out, GOOD, "Locked", format_args!("{} in {lock}", self.reference))?,
            Some(old) if old.is_same(&self.new) => {
                return row(out, GOOD, "Unchanged", format_args!("{} in {lock}, seen again", self.reference));
            }
            Some(old) => {
                print_change(out, &self.reference, old, &self.new)?;
                return row(out, GOOD, "Updated", lock);
            }
        }
        row(out, GOOD, "Model", self.new.model)?;
        if let Some(release) = &self.new.release {
            row(out, GOOD, "Release", release)?;
        }
        for signer in &self.new.signers {
            row(out, GOOD, "Signer", locked_text(signer))?;
        }
        if self.new.signers.is_empty() {
            row(out, WARN, "Note", ReasonKind::PinnedNotSigned)?;
        }
        Ok(())
    }
}

/// A model that is the one of the lock.
pub(crate) struct LockVerifyReport {
    model: PathBuf,
    lock: PathBuf,
    reference: Reference,
    entry: Entry,
}

pub(crate) fn verify(
    args: &LockVerifyArgs,
    terminal: Terminal,
    cancel: &Cancel,
) -> Result<LockVerifyReport, Failure> {
    let model = Model::open(&args.model).map_err(|error| Task::Verifying.disk(&error))?;
    refuse_in_model("lock", &args.lock, &model)?;
    let lock = read_lock(&args.lock, cancel)?;
    let Some(entry) = lock.entry(&args.reference).cloned() else {
        let message = format!("{}: has no entry for {}", shown(&args.lock), args.reference);
        return Err(
            Failure::new(Exit::NotVerified, "not-pinned", message).help("modelseal lock add makes one")
        );
    };
    let found = {
        let progress = Progress::new(terminal, cancel);
        modelseal::identify(&model, args.jobs.unwrap_or_else(modelseal::default_jobs), &progress)
    };
    let named = Named { model: &args.model, bundle: &args.lock, is_strict: false };
    let found = found.map_err(|error| Task::Verifying.failure(error, &named))?;
    if found != entry.model {
        return Err(other_model(args, &entry, found));
    }
    Ok(LockVerifyReport {
        model: args.model.clone(),
        lock: args.lock.clone(),
        reference: args.reference.clone(),
        entry,
    })
}

fn other_model(args: &LockVerifyArgs, entry: &Entry, found: ModelDigest) -> Failure {
    let message = format!(
        "{}: is not the model that {} has for {}: expected {}, found {found}",
        shown(&args.model),
        shown(&args.lock),
        args.reference,
        entry.model
    );
    Failure::new(Exit::NotVerified, "model-changed", message).help(
        "every file counts here, also those that a publisher leaves unsigned: of such a model ask modelseal verify --policy",
    )
}

impl Report for LockVerifyReport {
    fn json(&self) -> Value {
        json!({
            "outcome": "verified",
            "model": self.model.to_string_lossy(),
            "lock": self.lock.to_string_lossy(),
            "reference": self.reference.to_string(),
            "entry": entry_json(&self.entry),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        row(
            out,
            GOOD,
            "Verified",
            format_args!("{} is what the lock has for {}", shown(&self.model), self.reference),
        )?;
        row(out, GOOD, "Model", self.entry.model)?;
        row(out, GOOD, "Locked", format_args!("since {}", self.entry.first_seen))?;
        row(out, WARN, "Not proved", "who signed it: no signature was looked at")
    }
}

/// In what two locks differ.
pub(crate) struct DiffReport {
    old: Lock,
    new: Lock,
}

pub(crate) fn diff(args: &LockDiffArgs, cancel: &Cancel) -> Result<DiffReport, Failure> {
    Ok(DiffReport { old: read_lock(&args.old, cancel)?, new: read_lock(&args.new, cancel)? })
}

impl DiffReport {
    /// Every reference of either, with what is different.
    fn changes(&self) -> impl Iterator<Item = (&Reference, Option<&Entry>, Option<&Entry>)> {
        let references: BTreeSet<&Reference> =
            self.old.entries().chain(self.new.entries()).map(|(reference, _)| reference).collect();
        let entries = references.into_iter().map(|r| (r, self.old.entry(r), self.new.entry(r)));
        entries.filter(|(_, old, new)| match (old, new) {
            (Some(old), Some(new)) => !old.is_same(new),
            _ => true,
        })
    }

    fn serials(&self) -> [(&'static str, u64, u64); 2] {
        [
            ("policy-serial", self.old.policy_serial(), self.new.policy_serial()),
            ("deny-list-serial", self.old.deny_list_serial(), self.new.deny_list_serial()),
        ]
    }
}

impl Report for DiffReport {
    fn json(&self) -> Value {
        let changes = self.changes().map(|(reference, old, new)| {
            json!({ "reference": reference.to_string(), "old": old.map(entry_json), "new": new.map(entry_json) })
        });
        let changes: Vec<Value> = changes.collect();
        let serials = self.serials();
        let is_same = changes.is_empty() && serials.iter().all(|(_, old, new)| old == new);
        json!({
            "outcome": if is_same { "same" } else { "different" },
            "changes": changes,
            "serials": serials.iter().map(|(name, old, new)| json!({ "name": name, "old": old, "new": new })).collect::<Vec<_>>(),
        })
    }

    fn human(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut is_same = true;
        for (name, old, new) in self.serials().into_iter().filter(|(_, old, new)| old != new) {
            is_same = false;
            let style = if new < old { BAD } else { WARN };
            row(out, style, "Serial", format_args!("{name}: {old} -> {new}"))?;
        }
        for (reference, old, new) in self.changes() {
            is_same = false;
            match (old, new) {
                (Some(old), Some(new)) => print_change(out, reference, old, new)?,
                (None, Some(new)) => print_one(out, "Added", reference, new)?,
                (Some(old), None) => print_one(out, "Removed", reference, old)?,
                (None, None) => {}
            }
        }
        if is_same { row(out, GOOD, "Same", "the locks say the same of every name") } else { Ok(()) }
    }
}

fn print_one(out: &mut dyn Write, word: &str, reference: &Reference, entry: &Entry) -> io::Result<()> {
    row(out, WARN, word, reference)?;
    row(out, GOOD, "  model", entry.model)?;
    if let Some(release) = &entry.release {
        row(out, GOOD, "  release", release)?;
    }
    let signers: Vec<&LockedSigner> = entry.signers.iter().collect();
    signers.into_iter().try_for_each(|signer| row(out, GOOD, "  signer", locked_text(signer)))
}
