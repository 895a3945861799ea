use std::collections::{BTreeSet, HashMap};

use crate::{ContentDigest, Manifest, ManifestPath, Resource, ResourceName};

/// Every way in which a model differs from its signed manifest.
///
/// Each list is in code-point order of file names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Differences {
    /// Files whose content is another than what was signed.
    pub changed: Vec<Change>,
    /// Files that were signed and are not there.
    pub missing: Vec<ManifestPath>,
    /// Files that are there and were not signed.
    pub extra: Vec<ManifestPath>,
}

/// A file, or a shard of one, with another content than what was signed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Change {
    /// What differs.
    pub name: ResourceName,
    /// The signed digest; `None` where the file has a part that was not signed.
    pub expected: Option<ContentDigest>,
    /// The digest of what is there; `None` where a signed part is not there.
    pub found: Option<ContentDigest>,
}

impl Differences {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.missing.is_empty() && self.extra.is_empty()
    }

    /// How many files are changed: several shards of one count once.
    pub fn changed_files(&self) -> usize {
        self.changed.iter().map(|change| &change.name.path).collect::<BTreeSet<_>>().len()
    }

    pub(crate) fn between(signed: &Manifest, measured: &[Resource], unhashed: &[ManifestPath]) -> Self {
        // What is verified day by day is in order, and the same.
        if unhashed.is_empty() && signed.resources() == measured {
            return Self::default();
        }
        let present: BTreeSet<&ManifestPath> =
            measured.iter().map(|resource| &resource.name.path).chain(unhashed).collect();
        let signed_files = signed.files();
        let measured: HashMap<&ResourceName, &ContentDigest> =
            measured.iter().map(|resource| (&resource.name, &resource.digest)).collect();
        let expected: HashMap<&ResourceName, &ContentDigest> =
            signed.resources().iter().map(|resource| (&resource.name, &resource.digest)).collect();

        let differing = expected
            .iter()
            .filter(|(name, _)| present.contains(&name.path))
            .map(|(name, digest)| change(name, Some(digest), measured.get(name).copied()));
        let unsigned_parts = measured
            .iter()
            .filter(|(name, _)| !expected.contains_key(*name) && signed_files.contains(&name.path))
            .map(|(name, digest)| change(name, None, Some(digest)));
        let mut changed: Vec<Change> =
            differing.chain(unsigned_parts).filter(|change| change.expected != change.found).collect();
        changed.sort_by(|a, b| (&a.name.path, a.name.range).cmp(&(&b.name.path, b.name.range)));

        Self {
            changed,
            missing: signed_files.difference(&present).copied().cloned().collect(),
            extra: present.difference(&signed_files).copied().cloned().collect(),
        }
    }
}

fn change(name: &ResourceName, expected: Option<&ContentDigest>, found: Option<&ContentDigest>) -> Change {
    Change { name: name.clone(), expected: expected.copied(), found: found.copied() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HashType, Method, Serialization, Sha256Digest, ShardSize};

    fn list(method: Method, files: &[(&str, &str)]) -> Vec<Resource> {
        let resource = |(name, content): &(&str, &str)| Resource {
            name: match method {
                Method::Files => ResourceName::file(name).unwrap(),
                Method::Shards(_) => ResourceName::shard(name).unwrap(),
            },
            digest: ContentDigest::Sha256(Sha256Digest::of(content.as_bytes())),
        };
        files.iter().map(resource).collect()
    }

    fn differences(
        method: Method,
        signed: &[(&str, &str)],
        found: &[(&str, &str)],
        unhashed: &[&str],
    ) -> Differences {
        let serialization = Serialization {
            method,
            hash_type: HashType::Sha256,
            allow_symlinks: false,
            ignore_paths: vec![],
        };
        let unhashed: Vec<_> = unhashed.iter().map(|name| ManifestPath::new(*name).unwrap()).collect();
        let signed = Manifest::new(serialization, list(method, signed)).unwrap();
        signed.differences(&list(method, found), &unhashed)
    }

    fn names<'a>(paths: impl IntoIterator<Item = &'a ManifestPath>) -> Vec<&'a str> {
        paths.into_iter().map(ManifestPath::as_str).collect()
    }

    #[test]
    fn equal_models_do_not_differ() {
        assert!(
            differences(Method::Files, &[("a", "1"), ("b", "2")], &[("b", "2"), ("a", "1")], &[]).is_empty()
        );
    }

    #[test]
    fn every_change_loss_and_addition_is_named() {
        let signed = [("changed", "1"), ("gone", "2"), ("same", "3")];
        let found =
            differences(Method::Files, &signed, &[("changed", "x"), ("same", "3")], &["new", "also-new"]);
        assert_eq!(names(found.changed.iter().map(|change| &change.name.path)), ["changed"]);
        assert_eq!(names(&found.missing), ["gone"]);
        assert_eq!(names(&found.extra), ["also-new", "new"]);
    }

    #[test]
    fn item_26_swapped_names_are_changes_though_the_digests_are_the_same() {
        let found = differences(Method::Files, &[("a", "1"), ("b", "2")], &[("a", "2"), ("b", "1")], &[]);
        assert_eq!(found.changed.len(), 2);
    }

    #[test]
    fn item_76_an_extra_empty_file_under_shards_is_extra() {
        let shards = Method::Shards(ShardSize::new(4).unwrap());
        let found = differences(shards, &[("a:0:4", "1")], &[("a:0:4", "1")], &["empty"]);
        assert_eq!(names(&found.extra), ["empty"]);
    }

    #[test]
    fn a_longer_shorter_or_emptied_sharded_file_is_changed_not_missing() {
        let shards = Method::Shards(ShardSize::new(4).unwrap());
        let signed = [("a:0:4", "1"), ("a:4:8", "2")];
        let longer = differences(shards, &signed, &[("a:0:4", "1"), ("a:4:8", "2"), ("a:8:9", "3")], &[]);
        assert_eq!((longer.changed.len(), longer.changed[0].expected), (1, None));
        let shorter = differences(shards, &signed, &[("a:0:4", "1")], &[]);
        assert_eq!((shorter.changed.len(), shorter.changed[0].found), (1, None));
        let emptied = differences(shards, &signed, &[], &["a"]);
        assert_eq!((emptied.changed.len(), emptied.missing.len(), emptied.extra.len()), (2, 0, 0));
    }
}
