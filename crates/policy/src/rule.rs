use jiff::Timestamp;
use modelseal_manifest::{Escaped, HashType, Scope};

use crate::demand::{Demand, Verifier, read_demands, read_verifiers};
use crate::document::{DocumentError, Field, Table};
use crate::evidence::{Said, Unsigned};
use crate::reason::NotCounted;
use crate::threshold::most_distinct;

/// The most publishers of one rule.
const MAX_PUBLISHERS: usize = 64;

/// What a model of some names has to be.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of the policy")]
pub struct Rule {
    pub(crate) scope: Scope,
    pub(crate) signed_by: SignedBy,
    pub(crate) mode: Mode,
    pub(crate) continuity: Continuity,
    pub(crate) bind_name: bool,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) not_after: Option<Timestamp>,
    pub(crate) proved_time: bool,
    pub(crate) hashes: Option<Vec<HashType>>,
    pub(crate) unsigned_files: UnsignedFiles,
    pub(crate) symlinks: bool,
    pub(crate) legacy_formats: bool,
    pub(crate) demands: Vec<Demand>,
    pub(crate) verifiers: Vec<Verifier>,
}

impl Rule {
    /// Which names it is for.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// What becomes of a denial.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What the lock is asked.
    pub fn continuity(&self) -> Continuity {
        self.continuity
    }

    /// Whether files that the signed statement neither lists nor ignores may be
    /// there. The verdict lists them.
    pub fn tolerates_unsigned(&self) -> bool {
        self.unsigned_files == UnsignedFiles::Allow
    }

    /// Why no signatures could ever be enough: publishers that are one and the
    /// same count once. `signers` are those that each publisher could be.
    pub(crate) fn never_met(&self, signers: &[Vec<String>]) -> Option<String> {
        let of_model = match &self.signed_by {
            SignedBy::Publishers(threshold) => Some(threshold),
            SignedBy::Verifiers | SignedBy::Nobody => None,
        };
        let of_demands = self.demands.iter().map(|demand| &demand.signed_by);
        of_model.into_iter().chain(of_demands).find_map(|Threshold { at_least, of }| {
            let options: Vec<&[String]> = of.iter().map(|index| signers[*index].as_slice()).collect();
            let most = most_distinct(&options);
            (most < *at_least).then(|| {
                format!("asks for {at_least} publishers, but some of them are the same signers: at most {most} can count")
            })
        })
    }

    /// What the rule asks of the time of a signature.
    pub(crate) fn suits_time(&self, signed: Option<Timestamp>) -> Result<(), NotCounted> {
        let (not_before, not_after) = (self.not_before, self.not_after);
        let Some(signed) = signed else {
            let asks = self.proved_time || not_before.is_some() || not_after.is_some();
            return if asks { Err(NotCounted::TimeNotProved) } else { Ok(()) };
        };
        match (not_before, not_after) {
            (Some(not_before), _) if signed < not_before => Err(NotCounted::TooEarly { signed, not_before }),
            (_, Some(not_after)) if signed > not_after => Err(NotCounted::TooLate { signed, not_after }),
            _ => Ok(()),
        }
    }

    /// What is there, and may not be.
    pub(crate) fn too_much(&self, unsigned: &Unsigned) -> Vec<String> {
        match self.unsigned_files {
            UnsignedFiles::Allow => vec![],
            UnsignedFiles::Ignored => unsigned.unlisted.clone(),
            UnsignedFiles::Refuse => [unsigned.unlisted.clone(), unsigned.ignored.clone()].concat(),
        }
    }

    /// Whose signatures of the model count, as places in the policy's list of
    /// publishers.
    pub(crate) fn publishers(&self) -> &[usize] {
        match &self.signed_by {
            SignedBy::Publishers(Threshold { of, .. }) => of,
            SignedBy::Verifiers | SignedBy::Nobody => &[],
        }
    }

    /// Whether a publisher's signature of the model itself counts.
    pub fn is_signed_by(&self, publisher: usize) -> bool {
        self.publishers().contains(&publisher)
    }

    /// Whether it asks what the model was made from.
    pub(crate) fn asks_bases(&self) -> bool {
        self.demands.iter().any(|demand| demand.build.dependencies.is_some())
    }

    /// Whether it asks what the model was made from, by what is said here.
    pub(crate) fn asks_bases_by(&self, said: &Said) -> bool {
        self.demands.iter().any(|demand| demand.build.dependencies.is_some() && demand.is_asked(said))
    }

    /// Everybody whose word counts for something: for the model, for what is
    /// attested of it, or in place of both.
    pub(crate) fn speakers(&self) -> Vec<usize> {
        let attest = self.demands.iter().flat_map(|demand| &demand.signed_by.of);
        let verify = self.verifiers.iter().map(|verifier| &verifier.signer);
        let mut all: Vec<usize> = self.publishers().iter().chain(attest).chain(verify).copied().collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum SignedBy {
    Publishers(Threshold),
    /// Admitted only by the verdict of somebody else.
    Verifiers,
    /// Admitted only as pinned in the lock.
    Nobody,
}

/// Some of the policy's publishers.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Threshold {
    pub(crate) at_least: usize,
    /// By their places in the policy's list, in its order.
    pub(crate) of: Vec<usize>,
}

/// What becomes of a denial.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// The model is denied.
    #[default]
    Enforce,
    /// The model is admitted, with a warning.
    Warn,
    /// The model is admitted; the verdict says that it would be denied.
    Audit,
}

impl Mode {
    /// The word of the policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enforce => "enforce",
            Self::Warn => "warn",
            Self::Audit => "audit",
        }
    }
}

/// What the lock is asked.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Continuity {
    /// Nothing.
    #[default]
    None,
    /// Whether the signers are those that the name has had; a name that is not
    /// in the lock is admitted with a warning.
    Tofu,
    /// Whether it is this very model.
    Pinned,
}

impl Continuity {
    /// The word of the policy.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Tofu => "tofu",
            Self::Pinned => "pinned",
        }
    }
}

/// Files that are not signed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum UnsignedFiles {
    /// What the signed statement leaves out, and git's own files.
    #[default]
    Ignored,
    /// None but those that carry signatures.
    Refuse,
    /// Any.
    Allow,
}

/// `publishers` are the names in the order of the policy's list.
pub(crate) fn read_rule(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Rule, DocumentError> {
    let mut table = field.table()?;
    let scope = table.required("scope")?.parse()?;
    let mode = word(
        &mut table,
        "mode",
        &[("enforce", Mode::Enforce), ("warn", Mode::Warn), ("audit", Mode::Audit)],
    )?;
    let continuity = table.optional("continuity");
    let is_continuity_named = continuity.is_some();
    let continuity = continuity.map_or(Ok(Continuity::None), |field| {
        field.word(&[("none", Continuity::None), ("tofu", Continuity::Tofu), ("pinned", Continuity::Pinned)])
    })?;
    let verifiers =
        table.optional("summaries").map_or(Ok(vec![]), |field| read_verifiers(field, publishers))?;
    let has_verifiers = !verifiers.is_empty();
    let signed_by = table.optional("signed-by");
    let unsigned = table.optional("unsigned").map(|field| field.word(&[("pinned", ())])).transpose()?;
    let (signed_by, continuity) = match (signed_by, unsigned) {
        (Some(field), None) => (SignedBy::Publishers(read_signed_by(field, publishers)?), continuity),
        (None, Some(())) if !is_continuity_named || continuity == Continuity::Pinned => {
            (SignedBy::Nobody, Continuity::Pinned)
        }
        (None, Some(())) => return Err(table.refuse("unsigned = \"pinned\" is continuity = \"pinned\"")),
        (Some(_), Some(())) => return Err(table.refuse("has both \"signed-by\" and \"unsigned\"")),
        (None, None) if has_verifiers => (SignedBy::Verifiers, continuity),
        (None, None) => {
            return Err(table.refuse(
                "says not who signs: expected \"signed-by\", \"summaries\" of somebody who verified, or unsigned = \"pinned\" for models that nobody signs",
            ));
        }
    };
    let rule = Rule {
        scope,
        mode,
        continuity,
        bind_name: flag(&mut table, "bind-name")?,
        not_before: table.optional("not-before").map(|field| field.time()).transpose()?,
        not_after: table.optional("not-after").map(|field| field.time()).transpose()?,
        proved_time: flag(&mut table, "proved-time")?,
        hashes: table.optional("hashes").map(read_hashes).transpose()?,
        unsigned_files: word(
            &mut table,
            "unsigned-files",
            &[
                ("ignored", UnsignedFiles::Ignored),
                ("refuse", UnsignedFiles::Refuse),
                ("allow", UnsignedFiles::Allow),
            ],
        )?,
        symlinks: flag(&mut table, "symlinks")?,
        legacy_formats: flag(&mut table, "legacy-formats")?,
        demands: table
            .optional("attestations")
            .map_or(Ok(vec![]), |field| read_demands(field, publishers))?,
        verifiers,
        signed_by,
    };
    if let (Some(not_before), Some(not_after)) = (rule.not_before, rule.not_after)
        && not_before > not_after
    {
        return Err(
            table.refuse("\"not-before\" is later than \"not-after\": nothing could be signed between")
        );
    }
    let asks_of_signatures = rule.bind_name
        || rule.proved_time
        || rule.hashes.is_some()
        || rule.not_before.is_some()
        || rule.not_after.is_some()
        || !rule.demands.is_empty();
    match rule.signed_by {
        SignedBy::Nobody if asks_of_signatures || has_verifiers => {
            return Err(table.refuse("asks something of signatures, but is for models that nobody signs"));
        }
        SignedBy::Verifiers if asks_of_signatures => {
            return Err(table.refuse(
                "asks something of signatures, but names nobody who signs: \"summaries\" stand for all of it",
            ));
        }
        _ => {}
    }
    table.finish()?;
    Ok(rule)
}

fn word<T: Copy + Default>(
    table: &mut Table<'_>,
    name: &'static str,
    words: &[(&str, T)],
) -> Result<T, DocumentError> {
    table.optional(name).map_or(Ok(T::default()), |field| field.word(words))
}

fn flag(table: &mut Table<'_>, name: &'static str) -> Result<bool, DocumentError> {
    table.optional(name).map_or(Ok(false), |field| field.boolean())
}

fn read_hashes(field: Field<'_>) -> Result<Vec<HashType>, DocumentError> {
    let mark = field.mark();
    let found = field.list()?.iter().map(Field::parse).collect::<Result<Vec<_>, _>>()?;
    if found.is_empty() {
        Err(mark.refuse("is empty: nothing could be signed with none of them"))
    } else {
        Ok(found)
    }
}

/// `{ any = […] }`, `{ all = […] }`, or `{ at-least = K, of = […] }`.
pub(crate) fn read_signed_by(
    field: Field<'_>,
    publishers: &dyn Fn(&str) -> Option<usize>,
) -> Result<Threshold, DocumentError> {
    let mut table = field.table()?;
    let (any, all, of) = (table.optional("any"), table.optional("all"), table.optional("of"));
    let at_least = table.optional("at-least");
    let (field, at_least) = match (any, all, of, at_least) {
        (Some(any), None, None, None) => (any, Some(1)),
        (None, Some(all), None, None) => (all, None),
        (None, None, Some(of), Some(at_least)) => {
            let number = at_least.integer()?;
            let number = usize::try_from(number).map_err(|_| at_least.refuse("is too large"))?;
            if number == 0 {
                return Err(at_least.refuse("is 0: anything would do"));
            }
            (of, Some(number))
        }
        _ => {
            table.check()?;
            return Err(table.refuse(
                "expected { any = […] }, { all = […] } or { at-least = K, of = […] }, with names of publishers",
            ));
        }
    };
    let mark = field.mark();
    let mut of: Vec<usize> = Vec::new();
    for field in field.list()? {
        let name = field.text()?;
        let index = publishers(name)
            .ok_or_else(|| field.refuse(format!("\"{}\" is no publisher of this policy", Escaped(name))))?;
        if of.contains(&index) {
            return Err(field.refuse(format!("\"{}\" stands here twice, and counts once", Escaped(name))));
        }
        if of.len() == MAX_PUBLISHERS {
            return Err(field.refuse(format!("more than {MAX_PUBLISHERS} publishers")));
        }
        of.push(index);
    }
    if of.is_empty() {
        return Err(mark.refuse("is empty: nobody could sign"));
    }
    let at_least = at_least.unwrap_or(of.len());
    if at_least > of.len() {
        return Err(mark.refuse(format!(
            "names {} publishers, and {at_least} are asked for: that can never be",
            of.len()
        )));
    }
    table.finish()?;
    // In whatever order they are named, they are told in one.
    of.sort_unstable();
    Ok(Threshold { at_least, of })
}
