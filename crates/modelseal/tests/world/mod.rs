//! A directory of models, signed, unsigned and spoilt, in which the cases of
//! the snapshot and schema tests run. Everything in it is the same each time.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use modelseal::{
    BundleMethod, Certificate, Coverage, HashType, IgnorePath, KeySigner, Manifest, ManifestPath, Method,
    Model, PrivateKey, Resource, ResourceName, Serialization, SignOptions, Signer, Statement, Unobserved,
    UntrustedBundle, VerificationMaterial,
};
use modelseal_manifest::{ContentDigest, Sha256Digest};
use serde_json::{Value, json};

use crate::workbench::{modelseal as command, testdata};

/// Builds it in `root`.
pub(crate) fn build(root: &Path) {
    let world = World(root.to_owned());
    copy_directory(&testdata().join("keys"), &world.at("keys"));
    copy_directory(&testdata().join("certificates"), &world.at("certificates"));
    world.write("passphrase", "secret\nnot this line\n");
    world.write("wrong-passphrase", "Secret\n");
    symlink(env!("CARGO_BIN_EXE_modelseal"), world.at("model_signing")).unwrap();
    world.models_to_sign();
    world.models_that_verify();
    world.models_that_changed();
    world.models_under_certificates();
    world.models_with_claims();
    world.bundles_that_are_refused();
    world.policies();
    world.models_with_provenance();
    world.digests_from_elsewhere();
    world.write("taken.key", "not to be lost\n");
    world.write("half.key.pub", "not to be lost\n");
    fs::create_dir(world.at("taken")).unwrap();
}

struct World(PathBuf);

impl World {
    fn at(&self, path: &str) -> PathBuf {
        self.0.join(path)
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), text).unwrap();
    }

    fn model(&self, name: &str) {
        copy_directory(&testdata().join("tiny-model"), &self.at(name));
    }

    fn sign(&self, name: &str, options: &[&str]) {
        self.sign_with("p256", name, options);
    }

    fn sign_with(&self, key: &str, name: &str, options: &[&str]) {
        let key = format!("keys/{key}.pem");
        let arguments = ["sign", name, "--quiet", "--key", &key];
        let output = command(&self.0, arguments.iter().chain(options)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn signed(&self, name: &str, options: &[&str]) {
        self.model(name);
        self.sign(name, options);
    }

    fn models_to_sign(&self) {
        self.model("tiny-model");
        self.write("weights.bin", "weights\n");
        fs::create_dir(self.at("empty")).unwrap();
        for path in [".env", "signing.key", "__pycache__/a.pyc", "config.json~", "Model.bin", "model.bin"] {
            self.write(&format!("suspect/{path}"), "x");
        }
        self.model("linked");
        symlink("config.json", self.at("linked/settings.json")).unwrap();
        self.model("escaping");
        symlink("../weights.bin", self.at("escaping/weights.bin")).unwrap();
        self.model("dangling");
        symlink("nothing", self.at("dangling/weights.bin")).unwrap();
        self.model("circular");
        symlink("circle", self.at("circular/circle")).unwrap();
        self.model("with-empty-file");
        self.write("with-empty-file/empty.txt", "");
        self.model("with-notes");
        self.write("with-notes/claims.jsonl", "my notes\n");
        self.model("with-key");
        self.write("with-key/release.key", fs::read(self.at("keys/p256.pem")).unwrap());
        self.model("with-ignored");
        self.write("with-ignored/scratch/a.txt", "x");
        self.model("with-git");
        self.write("with-git/.gitattributes", "x");
        self.model("with-backslash");
        self.write("with-backslash/a\\b", "x");
    }

    fn models_that_verify(&self) {
        self.signed("signed", &[]);
        self.write("signed.bin", "weights\n");
        self.sign("signed.bin", &[]);
        self.signed("sharded", &["--shard-size", "100"]);
        self.signed("blake2b", &["--hash", "blake2b"]);
        self.signed("blake3", &["--hash", "blake3"]);
        for kind in ["p384", "p521", "ed25519"] {
            self.model(kind);
            self.sign_with(kind, kind, &[]);
        }
        self.model("followed");
        symlink("config.json", self.at("followed/settings.json")).unwrap();
        self.sign("followed", &["--allow-symlinks"]);
        self.model("ignoring");
        self.write("ignoring/scratch/a.txt", "x");
        self.sign("ignoring", &["--ignore", "scratch"]);
        self.signed("git", &[]);
        self.write("git/.gitattributes", "x");
        self.signed("legacy", &[]);
        self.edit_bundle("legacy/model.sig", |bundle| {
            // As releases 1.0 of the reference wrote it: the PEM in base64.
            let pem = fs::read(self.at("keys/p256.pub")).unwrap();
            bundle["verificationMaterial"]["publicKey"] = json!({ "rawBytes": base64(&pem) });
        });
    }

    fn models_under_certificates(&self) {
        let chain = ["--certificate", "certificates/release.pem", "--chain", "certificates/issuing-ca.pem"];
        self.signed("certified", &chain);
        let ed25519 = ["--certificate", "certificates/release-ed25519.pem", "--chain", chain[3]];
        self.model("certified-ed25519");
        self.sign_with("ed25519", "certified-ed25519", &ed25519);
        // They are all for the same key, so the signature stays good.
        for leaf in ["expired", "marked", "revoked", "rsa", "tls"] {
            let name = format!("certified-{leaf}");
            self.signed(&name, &chain);
            self.edit_bundle(&format!("{name}/model.sig"), |bundle| {
                let pem = fs::read(self.at(&format!("certificates/{leaf}.pem"))).unwrap();
                let der = Certificate::all_from_pem(&pem).unwrap().remove(0).as_der().to_vec();
                let certificates =
                    &mut bundle["verificationMaterial"]["x509CertificateChain"]["certificates"];
                certificates[0]["rawBytes"] = base64(&der).into();
            });
        }
        self.write("garbage.crl", "garbage\n");
        self.signed("certified-changed", &chain);
        self.write("certified-changed/config.json", "{}\n");
        self.write("empty.txt", "");
    }

    fn models_with_claims(&self) {
        let release = ["--name", "hf://acme/toy", "--release", "1.2.0"];
        self.signed("released", &release);
        self.sign_with("p384", "released", &["--append"]);
        // Another model of theirs, and an older release of this one.
        self.signed("other", &["--name", "hf://acme/other", "--release", "1.2.0"]);
        self.signed("older", &["--name", "hf://acme/toy", "--release", "1.1.0"]);
        self.signed("succeeded", &[]);
        let to = ["--scope", "hf://acme/*", "--to-identity", "release@acme.example"];
        let issuer = ["--to-issuer", "https://issuer.example"];
        let key = ["succession", "succeeded", "--quiet", "--key", "keys/p256.pem"];
        let arguments = [&key[..], &to, &issuer].concat();
        assert!(command(&self.0, arguments).output().unwrap().status.success());
        self.model("foreign");
        self.sign_without_evidence("foreign");
        let roots = ["root", "other-root"].map(|root| fs::read(self.at(&format!("certificates/{root}.pem"))));
        self.write("two-roots.pem", roots.map(Result::unwrap).concat());
        self.write("full.jsonl", "\n".repeat(1024));
        let predicate = json!({ "purl": "pkg:huggingface/acme/toy@latest\u{1b}[2J" });
        let statement = json!({
            "_type": "https://in-toto.io/Statement/v1",
            "subject": [{ "name": "m", "digest": { "sha256": "00" } }],
            "predicateType": "https://in-toto.io/attestation/release/v0.1",
            "predicate": predicate,
        });
        self.write("strange-release.jsonl", self.signer().sign(statement.to_string().as_bytes()).unwrap());
        let lines = [fs::read(self.at("strange-release.jsonl")).unwrap(), b"notes\n".to_vec()].concat();
        self.write("half-claims.jsonl", lines);
    }

    fn models_that_changed(&self) {
        self.signed("changed", &[]);
        self.write("changed/config.json", "{}\n");
        fs::remove_file(self.at("changed/tokenizer/vocab.json")).unwrap();
        self.write("changed/payload.py", "x");
        self.signed("added", &[]);
        self.write("added/payload.py", "x");
        self.signed("sharded-changed", &["--shard-size", "100"]);
        let file = self.at("sharded-changed/config.json");
        let mut bytes = fs::read(&file).unwrap();
        bytes.truncate(50);
        fs::write(file, bytes).unwrap();
        self.signed("replaced-by-link", &[]);
        fs::remove_file(self.at("replaced-by-link/config.json")).unwrap();
        symlink("README.md", self.at("replaced-by-link/config.json")).unwrap();
        self.model("hub");
        self.sign_without_evidence("hub");
        self.write("hub/.cache/huggingface/download/config.json.metadata", "x");
    }

    /// As other tools sign: nothing but the signature itself is left out.
    fn sign_without_evidence(&self, name: &str) {
        let bundle_path = self.at(name).join("model.sig");
        let coverage = Coverage { ignore_evidence: false, ..Coverage::default() };
        let options = SignOptions { coverage, bundle_path: Some(&bundle_path), ..SignOptions::default() };
        let model = Model::open(&self.at(name)).unwrap();
        let signed = modelseal::sign(&model, &options, &self.signer(), &Unobserved).unwrap();
        fs::write(bundle_path, signed.bundle).unwrap();
    }

    fn signer(&self) -> KeySigner {
        KeySigner::new(PrivateKey::from_pem(&fs::read(self.at("keys/p256.pem")).unwrap()).unwrap())
    }

    fn bundles_that_are_refused(&self) {
        self.model("unsigned");
        self.model("garbage");
        self.write("garbage/model.sig", "garbage\n");
        self.signed("altered", &[]);
        self.edit_bundle("altered/model.sig", |bundle| {
            let payload = bundle["dsseEnvelope"]["payload"].as_str().unwrap();
            // Another letter in the middle of the payload is still base64.
            let (head, tail) = payload.split_at(payload.len() / 2);
            let other = if tail.starts_with('A') { "B" } else { "A" };
            bundle["dsseEnvelope"]["payload"] = format!("{head}{other}{}", &tail[1..]).into();
        });
        self.signed("logged", &[]);
        self.edit_bundle("logged/model.sig", |bundle| {
            bundle["verificationMaterial"]["tlogEntries"] = json!([log_entry()]);
        });
        self.model("certified-garbage");
        self.write("certified-garbage/model.sig", certified(&self.signer()));
        self.signed("future", &[]);
        self.edit_bundle("future/model.sig", |bundle| {
            bundle["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.9+json".into();
        });
        self.signed_payload("no-statement", b"{}");
        self.signed_payload("one-file", &statement("one-file", ManifestPath::unnamed_file(), &[]));
        let config = ManifestPath::new("config.json").unwrap();
        self.signed_payload("contradiction", &statement("contradiction", config, &["config.json"]));
        let readme = ManifestPath::new("README.md").unwrap();
        self.signed_payload("hostile-subject", &statement("\x1b[31m\u{202e}gnihton\r\n", readme, &[]));
    }

    /// `acme` has the key on P-256, `registry` that on P-384.
    fn policies(&self) {
        self.write("policy.toml", POLICY);
        self.write("expired.toml", POLICY.replace("2099", "2020"));
        self.write("misspelt.toml", POLICY.replace("bind-name", "bind_name"));
        let again = "[publishers.acme-again]\nkeys = [\"keys/p256.pub\"]\n";
        let both =
            "[[rules]]\nscope = \"hf://acme/never\"\nsigned-by = { all = [\"acme\", \"acme-again\"] }\n";
        self.write("never-met.toml", [POLICY, again, both].concat());
        let list = "[deny-list]\nfile = \"deny.toml\"\nsigned-by = \"registry\"\n";
        self.write("with-list.toml", [POLICY, list].concat());
        self.write("with-unsigned-list.toml", [POLICY, list].concat().replace("deny.toml", "old-list.toml"));
        self.write("old-list.toml", "version = 1\nserial = 1\nexpires = 2020-01-01\n");
        self.write("model-signed.toml", "version = 1\nserial = 1\nexpires = 2099-01-01\n");
        let sign = ["sign", "model-signed.toml", "--quiet", "--key", "keys/p384.pem"];
        assert!(command(&self.0, sign).output().unwrap().status.success());
        // SHA-256 of the small model's config.json.
        let file = "sha256:eefbbe96f7137773a7f9bd51fcb550d9c8323119196913327bbe3c67b2427a16";
        let add = ["deny", "add", "deny.toml", "--quiet", "--key", "keys/p384.pem", "--deny-file", file];
        let more = ["--reason", "settings that run code", "--expires", "2099-01-01"];
        assert!(command(&self.0, add.iter().chain(&more)).output().unwrap().status.success());
        self.write("modelseal.lock", LOCK);
        self.write("both.lock", LOCK.replace("hf://acme/kept", "hf://acme/both"));
        self.write("misspelt.lock", LOCK.replace("last-seen", "last_seen"));
        let empty = "version = 1\npolicy-serial = 0\ndeny-list-serial = 0\n";
        self.write("empty.lock", empty);
        self.write("newer.lock", empty.replace("policy-serial = 0", "policy-serial = 8"));
        self.signed("with-policy", &[]);
        self.write("with-policy/policy.toml", POLICY);
    }

    /// `meta` has the key on Ed25519, `ci` that on P-384; `tune` is made from `base`.
    fn models_with_provenance(&self) {
        self.write("chain.toml", CHAIN);
        for (name, from, to) in [
            ("other-builder", "ci.example/builder", "ci.example/another"),
            ("other-source", "git.example/acme/models", "git.example/acme/elsewhere"),
            ("other-base", "of = [\"hf://meta/*\"]", "of = [\"hf://vera/*\"]"),
            ("other-meta", "keys = [\"keys/ed25519.pub\"]", "keys = [\"keys/p521.pub\"]"),
            ("two-attestors", "signed-by = { any = [\"ci\"] }", "signed-by = { all = [\"acme\", \"ci\"] }"),
            ("no-build", "type = \"provenance\"", "type = \"https://slsa.dev/provenance/v0.2\""),
        ] {
            assert!(CHAIN.contains(from), "{name}");
            self.write(&format!("{name}.toml"), CHAIN.replace(from, to));
        }
        let digest = Sha256Digest::of(CHAIN.as_bytes()).to_string();
        self.write("consumer.toml", CONSUMER.replace("$POLICY", &digest));
        self.write("provenance.json", PROVENANCE);
        self.write("broken-provenance.json", PROVENANCE.replace("https://ci.example/tune/v1", "tune"));
        self.write("whole.json", json!({ "_type": "x", "predicateType": "y", "predicate": {} }).to_string());
        self.write("list.json", "[]");
        self.write("twice.json", "{\"a\": 1, \"a\": 2}");
        self.write("bom.json", json!({ "bomFormat": "CycloneDX", "components": [] }).to_string());
        self.model("base");
        self.sign_with("ed25519", "base", &["--name", "hf://meta/base", "--release", "1.0.0"]);
        self.model("tune");
        self.write("tune/config.json", "{ \"tuned\": true }\n");
        self.sign("tune", &["--name", "hf://acme/tune", "--release", "2.0.0"]);
        self.model("bare");
        copy_directory(&self.at("tune"), &self.at("tuned"));
        let base = ["--base-model", "hf://meta/base=base", "--base-policy", "chain.toml"];
        self.attest("tune", &[&["--provenance", "provenance.json"], &base[..]].concat());
        copy_directory(&self.at("tune"), &self.at("tune-without-base"));
        let claims = fs::read_to_string(self.at("tune/claims.jsonl")).unwrap();
        let of_tune: Vec<&str> =
            claims.lines().enumerate().filter(|(at, _)| [0, 3].contains(at)).map(|(_, line)| line).collect();
        self.write("tune-without-base/claims.jsonl", of_tune.join("\n"));
        copy_directory(&self.at("tune"), &self.at("tune-changed"));
        self.write("tune-changed/config.json", "{ \"tuned\": false }\n");
    }

    fn digests_from_elsewhere(&self) {
        let digest =
            |name: &str| Sha256Digest::of(&fs::read(self.at(&format!("tiny-model/{name}"))).unwrap());
        let names = ["README.md", "config.json", "model.safetensors", "tokenizer/vocab.json"];
        let list = names.map(|name| format!("{}  {name}\n", digest(name))).concat();
        self.write("SHA256SUMS", &list);
        self.write("twice.sums", list.clone() + &list);
        self.write("signed.sums", list + &format!("{}  model.sig\n", digest(names[0])));
        let layer = |name: &str, media_type: &str| {
            let annotations = json!({ "org.opencontainers.image.title": name });
            let digest = format!("sha256:{}", digest(name));
            json!({ "mediaType": media_type, "digest": digest, "size": 100, "annotations": annotations })
        };
        let manifest = |media_type: &str| {
            let layers: Vec<Value> = names.iter().map(|name| layer(name, media_type)).collect();
            json!({ "schemaVersion": 2, "layers": layers }).to_string()
        };
        self.write("oci.json", manifest("application/octet-stream"));
        self.write("packed.oci.json", manifest("application/vnd.cncf.model.weight.v1.tar"));
        self.write("index.oci.json", json!({ "schemaVersion": 2, "manifests": [] }).to_string());
        self.write("empty.sums", "");
        let run = |arguments: &[&str]| {
            let output = command(&self.0, arguments).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        run(&["manifest", "plan", "tiny-model", "--shard-size", "200", "-o", "plan.json", "--quiet"]);
        for part in ["0/2", "1/2"] {
            let output = format!("{}.part", &part[..1]);
            run(&["manifest", "hash", "plan.json", "tiny-model", "--part", part, "-o", &output, "--quiet"]);
        }
        run(&["manifest", "merge", "plan.json", "0.part", "1.part", "-o", "merged.json", "--quiet"]);
        let merged = fs::read_to_string(self.at("merged.json")).unwrap();
        self.write("edited.json", merged + "\n");
        let part = fs::read_to_string(self.at("0.part")).unwrap();
        self.write("other.part", part.replace("\"plan\":\"sha256:", "\"plan\":\"sha256:0"));
    }

    fn attest(&self, name: &str, options: &[&str]) {
        let arguments = ["attest", name, "--quiet", "--key", "keys/p384.pem"];
        let output = command(&self.0, arguments.iter().chain(options)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn signed_payload(&self, name: &str, payload: &[u8]) {
        self.model(name);
        self.write(&format!("{name}/model.sig"), self.signer().sign(payload).unwrap());
    }

    fn edit_bundle(&self, path: &str, edit: impl FnOnce(&mut Value)) {
        let mut bundle = serde_json::from_slice(&fs::read(self.at(path)).unwrap()).unwrap();
        edit(&mut bundle);
        self.write(path, bundle.to_string());
    }
}

const POLICY: &str = r#"version = 1
serial = 7
expires = 2099-01-01

[publishers.acme]
keys = ["keys/p256.pub"]

[publishers.registry]
keys = ["keys/p384.pub"]

[publishers.legal]
certificates = [{ roots = ["certificates/root.pem"], subject = "CN=Model Release,O=Acme" }]

[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme"] }

[[rules]]
scope = "hf://acme/toy"
signed-by = { any = ["acme"] }
bind-name = true
continuity = "tofu"

[[rules]]
scope = "hf://acme/kept"
signed-by = { any = ["acme", "registry"] }
continuity = "tofu"

[[rules]]
scope = "hf://acme/both"
signed-by = { all = ["acme", "registry"] }

[[rules]]
scope = "hf://acme/tolerant"
signed-by = { at-least = 1, of = ["acme", "legal"] }
unsigned-files = "allow"
symlinks = true

[[rules]]
scope = "hf://acme/tried"
signed-by = { any = ["acme"] }
mode = "warn"

[[rules]]
scope = "hf://nobody/*"
unsigned = "pinned"

[[remap]]
from = "oci://mirror.example/hf/*"
to = "hf://*"
"#;

const CHAIN: &str = r#"version = 1
serial = 3
expires = 2099-01-01

[publishers.acme]
keys = ["keys/p256.pub"]

[publishers.ci]
keys = ["keys/p384.pub"]

[publishers.meta]
keys = ["keys/ed25519.pub"]

[[rules]]
scope = "hf://meta/*"
signed-by = { any = ["meta"] }
bind-name = true

[[rules]]
scope = "hf://acme/*"
signed-by = { any = ["acme"] }

[[rules.attestations]]
type = "provenance"
signed-by = { any = ["ci"] }
builder = "https://ci.example/builder"
source = "https://git.example/acme/models"
source-ref = "refs/tags/*"
dependencies = { of = ["hf://meta/*"] }
build-level = 2
"#;

/// Whoever takes the registry's word for what `CHAIN` says.
const CONSUMER: &str = r#"version = 1
serial = 1
expires = 2099-01-01

[publishers.registry]
keys = ["keys/p384.pub"]

[[rules]]
scope = "hf://acme/*"

[[rules.summaries]]
signed-by = "registry"
verifier = "https://registry.example/verifier"
policies = ["sha256:$POLICY"]
max-age = "30d"
"#;

const PROVENANCE: &str = r#"{
  "buildDefinition": {
    "buildType": "https://ci.example/tune/v1",
    "externalParameters": { "source": "git+https://git.example/acme/models@refs/tags/v2", "epochs": 3 }
  },
  "runDetails": {
    "builder": { "id": "https://ci.example/builder" },
    "metadata": { "finishedOn": "2026-11-01T10:00:00Z" }
  },
  "acme_note": "kept as it is"
}
"#;

/// What the names of some rules were.
const LOCK: &str = r#"version = 1
policy-serial = 7
deny-list-serial = 0

[[model]]
reference = "hf://acme/kept"
digest = "model-v1:5bed699f29fdebc00ec0f9017a18703803fd6e03f31046f879a02a3ee9a997d8"
root = "sha256:3249a0fd508ced120ab1f2d0a047e49a392f2beea667cc597bfb9a3f075b507a"
first-seen = 2026-01-02T03:04:05Z
last-seen = 2026-02-03T04:05:06Z
[[model.signers]]
publisher = "acme"
method = "key"
key = "sha256:63cda5735687eaf6a3fb7386cc916066f19e776a940d790a1d9b76b47147fd21"

[[model]]
reference = "hf://acme/toy"
digest = "model-v1:5bed699f29fdebc00ec0f9017a18703803fd6e03f31046f879a02a3ee9a997d8"
root = "sha256:3249a0fd508ced120ab1f2d0a047e49a392f2beea667cc597bfb9a3f075b507a"
release = "1.2.0"
first-seen = 2026-01-02T03:04:05Z
last-seen = 2026-02-03T04:05:06Z
[[model.signers]]
publisher = "acme"
method = "key"
key = "sha256:63cda5735687eaf6a3fb7386cc916066f19e776a940d790a1d9b76b47147fd21"

[[model]]
reference = "hf://nobody/toy"
digest = "model-v1:5bed699f29fdebc00ec0f9017a18703803fd6e03f31046f879a02a3ee9a997d8"
first-seen = 2026-01-02T03:04:05Z
last-seen = 2026-01-02T03:04:05Z
"#;

fn statement(name: &str, path: ManifestPath, ignored: &[&str]) -> Vec<u8> {
    let serialization = Serialization {
        method: Method::Files,
        hash_type: HashType::Sha256,
        allow_symlinks: false,
        ignore_paths: ignored.iter().map(|path| IgnorePath::new(path).unwrap()).collect(),
    };
    let resource = Resource {
        name: ResourceName { path, range: None },
        digest: ContentDigest::Sha256(Sha256Digest::of(b"x")),
    };
    Statement::new(name, Manifest::new(serialization, vec![resource]).unwrap()).to_payload()
}

fn certified(signer: &KeySigner) -> Vec<u8> {
    let envelope = UntrustedBundle::parse(&signer.sign(b"{}").unwrap()).unwrap().into_envelope();
    let bundle = UntrustedBundle::new(VerificationMaterial::CertificateChain(vec![vec![0]]), envelope);
    assert_eq!(bundle.method(), BundleMethod::Certificate);
    bundle.to_json()
}

/// An entry about another signature.
fn log_entry() -> Value {
    let hash = base64(&[0; 32]);
    let checkpoint = format!("log.example\n6\n{hash}\n\n\u{2014} log.example {}\n", base64(&[0; 68]));
    let body = json!({
        "apiVersion": "0.0.1", "kind": "dsse",
        "spec": {
            "envelopeHash": { "algorithm": "sha256", "value": "00" },
            "payloadHash": { "algorithm": "sha256", "value": "00".repeat(32) },
            "signatures": [{ "signature": base64(b"another"), "verifier": base64(b"nobody") }],
        },
    });
    json!({
        "logIndex": "5",
        "logId": { "keyId": hash },
        "kindVersion": { "kind": "dsse", "version": "0.0.1" },
        "integratedTime": "1700000000",
        "canonicalizedBody": base64(body.to_string().as_bytes()),
        "inclusionProof": {
            "logIndex": "5", "rootHash": hash, "treeSize": "6", "hashes": [],
            "checkpoint": { "envelope": checkpoint },
        },
    })
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0, |bits, index| bits << 8 | usize::from(*chunk.get(index).unwrap_or(&0)));
        let letter = |index: usize| char::from(LETTERS[bits >> (18 - 6 * index) & 63]);
        (0..4).map(|index| if index <= chunk.len() { letter(index) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(group).collect()
}

fn copy_directory(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_directory(&entry.path(), &target);
        } else {
            fs::write(target, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
