//! Whatever the bytes, parsing ends with a value or an error, and what was
//! parsed is written and read back as the same.

use modelseal_bundle::{
    Claims, Envelope, HashPlan, HashedUnit, KeyHint, KeyMaterial, OciManifest, Statement, UntrustedBundle,
    VerificationMaterial,
};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, ManifestPath, Method, Resource, ResourceName, Serialization,
    Sha256Digest, ShardSize, parse_digest_list,
};
use proptest::prelude::*;

fn statement() -> Statement {
    let resource = |name: &str| Resource {
        name: ResourceName::shard(name).unwrap(),
        digest: ContentDigest::Sha256(Sha256Digest::of(name.as_bytes())),
    };
    let serialization = Serialization {
        method: Method::Shards(ShardSize::new(4).unwrap()),
        hash_type: HashType::Sha256,
        allow_symlinks: true,
        ignore_paths: vec![],
    };
    Statement::new("m", Manifest::new(serialization, vec![resource("a:0:4"), resource("b:c:0:3")]).unwrap())
}

/// Of the shards of that statement, and of one more file.
fn plan() -> HashPlan {
    let serialization = statement().manifest().serialization().clone();
    let files = [("a", 4), ("b:c", 3), ("d", 9)].map(|(name, size)| (ManifestPath::new(name).unwrap(), size));
    HashPlan::new("m", serialization, files).unwrap()
}

fn part(plan: &HashPlan) -> Vec<u8> {
    let digest = ContentDigest::Sha256(Sha256Digest::of(b""));
    let lines = (0..plan.units().len()).map(|unit| plan.line(&HashedUnit { unit, digest }) + "\n");
    lines.collect::<String>().into_bytes()
}

const OCI: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json"},
"layers":[{"mediaType":"application/octet-stream","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
"size":0,"annotations":{"org.opencontainers.image.title":"a"}}]}"#;

const LIST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  a\n\\e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 *b\\nc\n";

fn bundle() -> Vec<u8> {
    let material = VerificationMaterial::Key(KeyMaterial::hinted(KeyHint::new("hint")));
    UntrustedBundle::new(material, Envelope::new(statement().to_payload(), vec![1, 2, 3])).to_json()
}

/// A document with some bytes replaced, removed or doubled.
fn mutated(document: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let edit = (any::<prop::sample::Index>(), any::<u8>(), 0..3_u8);
    prop::collection::vec(edit, 1..8).prop_map(move |edits| {
        let mut bytes = document.clone();
        for (index, byte, kind) in edits {
            let at = index.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        let _ = (UntrustedBundle::parse(&bytes), Statement::parse(&bytes), Claims::parse(&bytes));
        let _ = (HashPlan::parse(&bytes), OciManifest::parse(&bytes), plan().merge().add("x", &bytes));
        let _ = parse_digest_list(&bytes, HashType::Sha256);
    }

    #[test]
    fn any_text_that_looks_like_json(text in r#"[\[\]{}:,"0-9a-z\\ \-.]{0,64}"#) {
        let _ = (UntrustedBundle::parse(text.as_bytes()), Statement::parse(text.as_bytes()));
    }

    #[test]
    fn a_damaged_bundle_reads_back_as_what_was_parsed(bytes in mutated(bundle())) {
        if let Ok(parsed) = UntrustedBundle::parse(&bytes) {
            let again = UntrustedBundle::parse(&parsed.to_json()).unwrap();
            prop_assert_eq!(again.envelope(), parsed.envelope());
        }
    }

    #[test]
    fn a_damaged_plan_reads_back_as_what_was_parsed(bytes in mutated(plan().to_bytes())) {
        if let Ok(parsed) = HashPlan::parse(&bytes) {
            let again = HashPlan::parse(&parsed.to_bytes()).unwrap();
            prop_assert_eq!(again.units(), parsed.units());
            prop_assert_eq!(again.serialization(), parsed.serialization());
        }
    }

    /// Whatever is damaged, nothing is merged that has not one line for each unit.
    #[test]
    fn a_damaged_part_is_merged_only_with_a_line_for_each_unit(bytes in mutated(part(&plan()))) {
        let plan = plan();
        let mut merge = plan.merge();
        if merge.add("x", &bytes).is_ok() && merge.finish().is_ok() {
            let lines = bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|byte| *byte == b'\n');
            prop_assert_eq!(lines.count(), plan.units().len());
        }
    }

    #[test]
    fn damaged_lists_of_digests_are_read_or_refused(
        list in mutated(LIST.into()), manifest in mutated(OCI.into()),
    ) {
        let listed = parse_digest_list(&list, HashType::Sha256).unwrap_or_default();
        let layers = OciManifest::parse(&manifest).map_or(vec![], |manifest| manifest.resources);
        for resource in listed.iter().chain(&layers) {
            // That is how another tool calls a file without a name, in statements alone.
            prop_assert!(!resource.name.path.is_unnamed_file());
        }
    }

    #[test]
    fn a_damaged_statement_reads_back_as_what_was_parsed(bytes in mutated(statement().to_payload())) {
        if let Ok(parsed) = Statement::parse(&bytes) {
            let again = Statement::parse(&parsed.to_payload()).unwrap();
            prop_assert_eq!(again.manifest().root_digest(), parsed.manifest().root_digest());
            prop_assert_eq!(again, parsed);
        }
    }
}
