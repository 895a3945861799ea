//! Whatever the bytes, parsing ends with a value or an error, and what was
//! parsed is written and read back as the same.

use modelseal_bundle::{
    Claims, Envelope, KeyHint, KeyMaterial, Statement, UntrustedBundle, VerificationMaterial,
};
use modelseal_manifest::{
    ContentDigest, HashType, Manifest, Method, Resource, ResourceName, Serialization, Sha256Digest, ShardSize,
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
    fn a_damaged_statement_reads_back_as_what_was_parsed(bytes in mutated(statement().to_payload())) {
        if let Ok(parsed) = Statement::parse(&bytes) {
            let again = Statement::parse(&parsed.to_payload()).unwrap();
            prop_assert_eq!(again.manifest().root_digest(), parsed.manifest().root_digest());
            prop_assert_eq!(again, parsed);
        }
    }
}
