use std::collections::HashMap;

use jiff::Timestamp;
use modelseal_manifest::{Escaped, ModelDigest, ModelName, Reference, Scope, Sha256Digest};
use modelseal_verify::{Certificate, Clock, PublicKey, TimestampAuthorities, TrustedRoot, VerifyError};

use crate::deny::{Denials, DenyList, read_entries, read_reason, read_serial, read_version};
use crate::document::{self, DocumentError, Field, Table};
use crate::publisher::{Common, Publisher, read_file, read_publisher};
use crate::rule::{Rule, read_rule};

/// The version of policies that is read.
const VERSION: u64 = 1;

/// Who may publish models of which names (`spec/policy.md`).
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) serial: u64,
    pub(crate) expires: Timestamp,
    pub(crate) publishers: Vec<Publisher>,
    pub(crate) rules: HashMap<String, Rule>,
    /// By the model, and by the key of the rule's scope.
    pub(crate) waivers: HashMap<(ModelDigest, String), Vec<Waiver>>,
    remaps: HashMap<String, (Scope, Scope)>,
    pub(crate) denials: Denials,
    pub(crate) deny_list: DenyListState,
    fingerprint: Sha256Digest,
}

/// What loading a policy takes from its surroundings: nothing is found by it.
pub struct Materials<'a> {
    /// Reads a file that the policy names; the error says which and why not.
    pub read: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
    /// The Sigstore instance of a policy that names none.
    pub root: &'a dyn Fn() -> Result<TrustedRoot, String>,
    /// Keys that the policy may name by their fingerprints.
    pub keys: &'a [PublicKey],
    /// What time it is.
    pub clock: Clock,
}

/// Bytes of one model that count as admitted though they break a rule.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Waiver {
    pub(crate) owner: String,
    pub(crate) reason: String,
    pub(crate) expires: Timestamp,
}

/// The separate deny-list of a policy.
#[derive(Clone, Debug)]
pub(crate) enum DenyListState {
    /// The policy names none.
    None,
    /// It is signed by whom the policy says.
    Signed(DenyList),
    /// It cannot be believed, so that nothing can be admitted.
    Unusable(String),
}

impl Policy {
    /// Reads TOML or JSON, and every file that it names.
    ///
    /// # Errors
    /// [`DocumentError`], with line and key. A deny-list that cannot be
    /// believed is no error here: under it every model is denied.
    pub fn load(bytes: &[u8], materials: &Materials<'_>) -> Result<Self, DocumentError> {
        let mut table = document::parse(bytes)?;
        read_version(&table.required("version")?, VERSION)?;
        let serial = read_serial(&table.required("serial")?)?;
        let expires = table.required("expires")?.time()?;
        let mut common = read_common(&mut table, materials)?;
        let publishers = read_publishers(&mut table, &mut common, materials)?;
        let names: HashMap<&str, usize> =
            publishers.iter().enumerate().map(|(index, publisher)| (publisher.name(), index)).collect();
        let rules = read_rules(&mut table, &names, &publishers)?;
        let deny_list = table.optional("deny-list");
        let deny = table.optional("deny").map(read_entries).transpose()?.unwrap_or_default();
        // Whoever is denied has no say in what else is.
        let own = Denials::of(&deny);
        let deny_list = deny_list.map(|field| read_deny_list(field, &names, &publishers, &own, materials));
        let deny_list = deny_list.transpose()?.unwrap_or(DenyListState::None);
        let listed = match &deny_list {
            DenyListState::Signed(list) => list.entries(),
            DenyListState::None | DenyListState::Unusable(_) => &[],
        };
        let policy = Self {
            serial,
            expires,
            waivers: read_waivers(&mut table, &rules)?,
            remaps: read_remaps(&mut table)?,
            denials: Denials::of(deny.iter().chain(listed)),
            deny_list,
            fingerprint: Sha256Digest::of(bytes),
            rules,
            publishers,
        };
        table.finish()?;
        Ok(policy)
    }

    /// Its number, which only grows.
    pub fn serial(&self) -> u64 {
        self.serial
    }

    /// When it has to be replaced by a newer one.
    pub fn expires(&self) -> Timestamp {
        self.expires
    }

    /// SHA-256 of its bytes.
    pub fn fingerprint(&self) -> Sha256Digest {
        self.fingerprint
    }

    /// How many rules it has.
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// The number of its separate deny-list, where that can be believed.
    pub fn deny_list_serial(&self) -> Option<u64> {
        match &self.deny_list {
            DenyListState::Signed(list) => Some(list.serial()),
            DenyListState::None | DenyListState::Unusable(_) => None,
        }
    }

    /// Under which name a model is judged: where it is mirrored, that of what
    /// it is a mirror of. Names are mapped once.
    pub fn judged_as(&self, reference: &Reference) -> Reference {
        let narrowest = Scope::keys_over(reference.name()).find_map(|key| self.remaps.get(&key));
        match narrowest.and_then(|(from, to)| from.rename(reference.name(), to)) {
            Some(name) => reference.clone().renamed(name),
            None => reference.clone(),
        }
    }

    /// The rule that governs `name`: that of the narrowest scope.
    pub fn rule(&self, name: &ModelName) -> Option<&Rule> {
        Scope::keys_over(name).find_map(|key| self.rules.get(&key))
    }

    /// The name of a publisher that a [`Recogniser`](crate::Recogniser) found.
    pub fn publisher(&self, index: usize) -> &str {
        self.publishers.get(index).map_or("", Publisher::name)
    }

    /// Whether the model as it is has to be known, though a signature may be over
    /// less of it: something may be denied, waived, vouched for, or said to be made from what is
    /// denied, by the digest of the whole.
    pub fn judges_as_it_is(&self, rule: &Rule) -> bool {
        let key = rule.scope.key();
        self.denials.has_models()
            || self.denials.has_files() && rule.asks_bases()
            || !rule.verifiers.is_empty()
            || self.waivers.keys().any(|(_, waived)| *waived == key)
    }

    /// Whether the SHA-256 of every file is needed, because a single file may
    /// be denied.
    pub fn denies_files(&self) -> bool {
        self.denials.has_files()
    }
}

/// A bundle that is of no publisher whose signature would count.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not by {}: {}", Escaped(publisher), shortly(error))]
pub struct Unrecognised {
    /// The publisher that came closest.
    pub publisher: String,
    /// Why it is not theirs.
    pub error: VerifyError,
}

/// Of every bundle of every stranger something is said, so it is little.
fn shortly(error: &VerifyError) -> String {
    match error {
        VerifyError::WrongKey { .. } => "another key signed it".to_owned(),
        VerifyError::Method { found, .. } => format!("it is signed by the method \"{found}\""),
        error => error.to_string(),
    }
}

fn list<'a>(table: &mut Table<'a>, name: &'static str) -> Result<Vec<Field<'a>>, DocumentError> {
    table.optional(name).map_or(Ok(vec![]), Field::list)
}

fn read_common(table: &mut Table<'_>, materials: &Materials<'_>) -> Result<Common, DocumentError> {
    let root = match table.optional("trusted-root") {
        Some(field) => {
            let json = read_file(&field, materials)?;
            Some(TrustedRoot::parse(&json).map_err(|error| field.refuse(error))?)
        }
        None => None,
    };
    let mut anchors = Vec::new();
    let mut timestamps = None;
    for field in list(table, "timestamp-roots")? {
        let pem = read_file(&field, materials)?;
        anchors.extend(Certificate::all_from_pem(&pem).map_err(|error| field.refuse(error))?);
        let authorities = TimestampAuthorities::certificates(anchors.clone(), materials.clock);
        timestamps = Some(authorities.map_err(|error| field.refuse(error))?);
    }
    Ok(Common { is_root_named: root.is_some(), root, timestamps, keys: HashMap::new() })
}

fn read_publishers(
    table: &mut Table<'_>,
    common: &mut Common,
    materials: &Materials<'_>,
) -> Result<Vec<Publisher>, DocumentError> {
    let Some(field) = table.optional("publishers") else { return Ok(vec![]) };
    let publishers = field.table()?.rest().into_iter();
    publishers.map(|(name, field)| read_publisher(name, field, common, materials)).collect()
}

fn read_rules(
    table: &mut Table<'_>,
    names: &HashMap<&str, usize>,
    publishers: &[Publisher],
) -> Result<HashMap<String, Rule>, DocumentError> {
    let signers: Vec<Vec<String>> = publishers.iter().map(Publisher::signers).collect();
    let mut rules = HashMap::new();
    let mut marks = HashMap::new();
    for field in list(table, "rules")? {
        let mark = field.mark();
        let rule = read_rule(field, &|name| names.get(name).copied())?;
        if let Some(problem) = rule.never_met(&signers) {
            return Err(mark.refuse(problem));
        }
        let key = rule.scope().key();
        if let Some(first) = marks.insert(key.clone(), mark.clone()) {
            let (scope, line) = (rule.scope(), first.line());
            return Err(
                mark.refuse(format!("{scope} has a rule already, on line {line}: which one governs?"))
            );
        }
        rules.insert(key, rule);
    }
    Ok(rules)
}

fn read_waivers(
    table: &mut Table<'_>,
    rules: &HashMap<String, Rule>,
) -> Result<HashMap<(ModelDigest, String), Vec<Waiver>>, DocumentError> {
    let mut waivers: HashMap<_, Vec<Waiver>> = HashMap::new();
    for field in list(table, "waivers")? {
        let (what, waiver) = read_waiver(field, rules)?;
        waivers.entry(what).or_default().push(waiver);
    }
    // Of several, the first is told, whatever order they were written in.
    for of_model in waivers.values_mut() {
        of_model.sort();
    }
    Ok(waivers)
}

/// The waiver, and what it is for.
fn read_waiver(
    field: Field<'_>,
    rules: &HashMap<String, Rule>,
) -> Result<((ModelDigest, String), Waiver), DocumentError> {
    let mut table = field.table()?;
    let rule = table.required("rule")?;
    let scope: Scope = rule.parse()?;
    if !rules.contains_key(&scope.key()) {
        return Err(rule.refuse(format!("no rule has the scope {scope}")));
    }
    let what = (table.required("model")?.parse()?, scope.key());
    let waiver = Waiver {
        owner: read_reason(&table.required("owner")?)?,
        reason: read_reason(&table.required("reason")?)?,
        expires: table.required("expires")?.time()?,
    };
    table.finish()?;
    Ok((what, waiver))
}

fn read_remaps(table: &mut Table<'_>) -> Result<HashMap<String, (Scope, Scope)>, DocumentError> {
    let mut remaps = HashMap::new();
    for field in list(table, "remap")? {
        let mut table = field.table()?;
        let from = table.required("from")?;
        let from_scope: Scope = from.parse()?;
        let to: Scope = table.required("to")?.parse()?;
        if from_scope.is_exact() != to.is_exact() {
            return Err(table.refuse("\"from\" and \"to\" have to be names both, or prefixes both"));
        }
        if remaps.insert(from_scope.key(), (from_scope, to)).is_some() {
            return Err(from.refuse("is mapped already"));
        }
        table.finish()?;
    }
    Ok(remaps)
}

fn read_deny_list(
    field: Field<'_>,
    names: &HashMap<&str, usize>,
    publishers: &[Publisher],
    denials: &Denials,
    materials: &Materials<'_>,
) -> Result<DenyListState, DocumentError> {
    let mut table = field.table()?;
    let file = table.required("file")?.text()?.to_owned();
    let signed_by = table.required("signed-by")?;
    let name = signed_by.text()?;
    let index = names
        .get(name)
        .ok_or_else(|| signed_by.refuse(format!("\"{}\" is no publisher of this policy", Escaped(name))))?;
    let signer = &publishers[*index];
    table.finish()?;
    Ok(DenyList::verified(&file, signer, denials, materials)
        .map_or_else(DenyListState::Unusable, DenyListState::Signed))
}
