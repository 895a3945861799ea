//! From a token to a bundle, with services that nobody has to believe.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use modelseal_bundle::{BundleMethod, PAYLOAD_TYPE, UntrustedBundle, pae};
use modelseal_manifest::Sha256Digest;
use modelseal_sign::sigstore::{
    IdentityError, IdentityProvider, IdentityToken, InstanceError, Service, ServiceError, ServiceFailure,
    SigstoreError, SigstoreInstance, SigstoreSigner, TokenError,
};
use modelseal_sign::{SignError, Signer};
use modelseal_verify::{
    FulcioCertificate, PublicKey, SigstoreError as NotBelieved, TrustedRoot, VerifyError, verify,
};
use serde_json::{Value, json};

use crate::der;
use crate::server::{Reply, Server};
use crate::world::{
    Behaviour, Sigstore, certificate, certificate_for, certificate_within, in_an_hour, jwt, key_of, log_v1,
    log_v2, mail_token, other_key, parsed, payload, signer_with, timeouts, timestamp,
};

fn error_of(outcome: Result<Vec<u8>, SignError>) -> SigstoreError {
    match outcome {
        Err(SignError::Sigstore(error)) => *error,
        other => panic!("{other:?}"),
    }
}

fn service_error(outcome: Result<Vec<u8>, SignError>) -> ServiceError {
    match error_of(outcome) {
        SigstoreError::Service(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Why the answer of one service was not believed.
fn unexpected(services: Sigstore, service: Service) -> String {
    let error = service_error(services.start().signer().sign(&payload()));
    assert_eq!(error.service, service);
    match error.failure {
        ServiceFailure::Unexpected { reason } => reason,
        other => panic!("{other:?}"),
    }
}

fn fulcio(answer: impl Fn(&crate::server::Asked) -> Reply + Send + Sync + 'static) -> Sigstore {
    Sigstore { fulcio: Arc::new(answer), ..Sigstore::default() }
}

fn rekor(version: u32, answer: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Sigstore {
    let rekor: Behaviour = Arc::new(move |asked| Reply::json(&answer(&asked.json())));
    Sigstore { rekor, rekor_version: version, ..Sigstore::default() }
}

#[test]
fn the_services_are_asked_in_turn_and_their_answers_are_in_the_bundle() {
    let services = Sigstore::default().start();
    let bundle = UntrustedBundle::parse(&services.signer().sign(&payload()).unwrap()).unwrap();
    assert_eq!((bundle.method(), bundle.envelope().payload()), (BundleMethod::Sigstore, &payload()[..]));
    assert_eq!((bundle.log_entries().len(), bundle.timestamps().len()), (1, 1));
    assert_eq!(services.asked(), [1, 1, 1]);

    let request = services.fulcio.asked()[0].json();
    assert_eq!(services.fulcio.asked()[0].target, "/api/v2/signingCert");
    assert!(request["credentials"]["oidcIdentityToken"].as_str().unwrap().starts_with("eyJ"));
    let key = &request["publicKeyRequest"]["publicKey"]["content"];
    let key = PublicKey::from_pem(key.as_str().unwrap().as_bytes()).unwrap();
    let proof = STANDARD.decode(request["publicKeyRequest"]["proofOfPossession"].as_str().unwrap()).unwrap();
    key.verify(b"release@acme.example", &proof).unwrap();
    key.verify(&bundle.envelope().signed_bytes(), bundle.envelope().signature()).unwrap();

    let logged = &services.rekor.asked()[0].json()["hashedRekordRequestV002"];
    let digest = Sha256Digest::of(&pae(PAYLOAD_TYPE, &payload()));
    assert_eq!(logged["digest"], STANDARD.encode(digest.as_bytes()));
    assert_eq!(logged["signature"]["content"], STANDARD.encode(bundle.envelope().signature()));
    assert_eq!(logged["signature"]["verifier"]["keyDetails"], "PKIX_ECDSA_P256_SHA_256");
}

#[test]
fn the_proof_of_possession_is_over_the_subject_where_there_is_no_address() {
    let services = Sigstore::default().start();
    let token = jwt(&json!({
        "iss": "i", "sub": "repo:acme/models", "aud": "sigstore", "exp": in_an_hour(),
        "job_workflow_ref": "acme/models/.github/workflows/w.yml@refs/heads/main",
    }));
    signer_with(&services.signing_config(), &token).sign(&payload()).unwrap();
    let request = services.fulcio.asked()[0].json();
    let key = request["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap();
    let proof = STANDARD.decode(request["publicKeyRequest"]["proofOfPossession"].as_str().unwrap()).unwrap();
    PublicKey::from_pem(key.as_bytes()).unwrap().verify(b"repo:acme/models", &proof).unwrap();
}

#[test]
fn every_signature_has_a_key_of_its_own() {
    let services = Sigstore::default().start();
    let signer = services.signer();
    for _ in 0..2 {
        signer.sign(&payload()).unwrap();
    }
    let keys = services.fulcio.asked();
    let [first, second] = &keys[..] else { panic!() };
    assert_ne!(first.json()["publicKeyRequest"], second.json()["publicKeyRequest"]);
}

#[test]
fn a_log_of_version_1_keeps_the_promise_and_the_time_of_its_entry() {
    let services = rekor(1, log_v1).start();
    let bundle = UntrustedBundle::parse(&services.signer().sign(&payload()).unwrap()).unwrap();
    let [entry] = bundle.log_entries() else { panic!() };
    assert_eq!(entry.kind, ("dsse".to_owned(), "0.0.1".to_owned()));
    assert_eq!(entry.log_index, 9);
    assert!(entry.integrated_time.is_some());
    assert_eq!(services.rekor.asked()[0].target, "/api/v1/log/entries");
}

#[test]
fn a_message_is_signed_as_it_is() {
    for (version, kind) in [(1, "0.0.1"), (2, "0.0.2")] {
        let services = rekor(version, if version == 1 { log_v1 } else { log_v2 }).start();
        let bundle = services.signer().sign_message(b"message").unwrap();
        let bundle: Value = serde_json::from_slice(&bundle).unwrap();
        let digest = STANDARD.encode(Sha256Digest::of(b"message").as_bytes());
        let signed = &bundle["messageSignature"];
        assert_eq!(signed["messageDigest"], json!({"algorithm": "SHA2_256", "digest": digest}));
        let key = services.fulcio.asked()[0].json()["publicKeyRequest"]["publicKey"]["content"].clone();
        let signature = STANDARD.decode(signed["signature"].as_str().unwrap()).unwrap();
        PublicKey::from_pem(key.as_str().unwrap().as_bytes())
            .unwrap()
            .verify(b"message", &signature)
            .unwrap();
        let material = &bundle["verificationMaterial"];
        assert_eq!(
            material["tlogEntries"][0]["kindVersion"],
            json!({"kind": "hashedrekord", "version": kind})
        );
        assert_eq!(material["timestampVerificationData"]["rfc3161Timestamps"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_signer_believes_nobody_before_it_signed_and_then_only_its_last_certificate() {
    let services = Sigstore::default().start();
    let signer = services.signer();
    let is_another = |bundle: &[u8]| {
        // What these services say is not true: no bundle of theirs verifies.
        match verify(UntrustedBundle::parse(bundle).unwrap(), &signer.trust()) {
            Err(VerifyError::Sigstore(error)) => matches!(error, NotBelieved::OtherCertificate { .. }),
            other => panic!("{other:?}"),
        }
    };
    let of_another_signer = services.signer().sign(&payload()).unwrap();
    assert!(is_another(&of_another_signer));
    let first = signer.sign(&payload()).unwrap();
    assert!(is_another(&of_another_signer) && !is_another(&first));
    let second = signer.sign(&payload()).unwrap();
    assert!(is_another(&first) && !is_another(&second));
}

#[test]
fn a_certificate_for_another_key_is_refused() {
    let reason = unexpected(fulcio(|_| certificate_for(&other_key())), Service::Fulcio);
    assert_eq!(reason, "the certificate is for another key");
}

#[test]
fn an_answer_without_one_certificate_that_proves_its_log_is_refused() {
    let (from, to) = (SignedDuration::ZERO, SignedDuration::from_hours(1));
    let chain = move |asked: &crate::server::Asked| json!({"chain": {"certificates": [certificate(&key_of(asked), from, to)]}});
    let detached = move |asked: &crate::server::Asked| {
        let mut detached = chain(asked);
        detached["signedCertificateTimestamp"] = json!("c2N0");
        Reply::json(&json!({"signedCertificateDetachedSct": detached}))
    };
    assert!(unexpected(fulcio(detached), Service::Fulcio).contains("beside it"));
    let both = move |asked: &crate::server::Asked| {
        Reply::json(
            &json!({"signedCertificateEmbeddedSct": chain(asked), "signedCertificateDetachedSct": chain(asked)}),
        )
    };
    let none = |_: &crate::server::Asked| Reply::json(&json!({}));
    for services in [fulcio(both), fulcio(none)] {
        assert_eq!(unexpected(services, Service::Fulcio), "it has not exactly one certificate");
    }
    for certificates in [json!([]), json!(["garbage"]), json!([""])] {
        let answer = json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}});
        unexpected(fulcio(move |_| Reply::json(&answer)), Service::Fulcio);
    }
    let several = move |asked: &crate::server::Asked| {
        let pem = certificate(&key_of(asked), from, to);
        let certificates = [format!("{pem}{pem}")];
        Reply::json(&json!({"signedCertificateEmbeddedSct": {"chain": {"certificates": certificates}}}))
    };
    assert_eq!(unexpected(fulcio(several), Service::Fulcio), "the certificate is several");
}

#[test]
fn a_certificate_that_is_not_valid_now_ends_before_anything_is_logged() {
    let hour = SignedDuration::from_hours(1);
    for (from, to) in [(hour, hour * 2), (-hour, SignedDuration::from_secs(-2))] {
        let services = fulcio(move |asked| certificate_within(&key_of(asked), from, to)).start();
        let error = error_of(services.signer().sign(&payload()));
        assert!(matches!(error, SigstoreError::CertificateNotCurrent { .. }), "{error:?}");
        assert_eq!(services.asked(), [1, 0, 0]);
    }
}

#[test]
fn a_timestamp_outside_of_the_certificate_ends_before_anything_is_logged() {
    let authority: Behaviour = Arc::new(|asked| {
        let mut answer = der::Timestamp::answering(&asked.body);
        answer.time += SignedDuration::from_hours(2);
        timestamp(&answer)
    });
    let services = Sigstore { authority, ..Sigstore::default() }.start();
    let error = error_of(services.signer().sign(&payload()));
    assert!(matches!(error, SigstoreError::TimestampOutsideCertificate { .. }), "{error:?}");
    assert_eq!(services.asked(), [1, 1, 0]);
}

#[test]
fn item_48_an_entry_about_another_signature_is_refused() {
    let spoil = |pointer: &'static str, value: Value| {
        move |request: &Value| {
            let mut entry = log_v2(request);
            let body = STANDARD.decode(entry["canonicalizedBody"].as_str().unwrap()).unwrap();
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            *body.pointer_mut(&format!("/spec/hashedRekordV002/{pointer}")).unwrap() = value.clone();
            entry["canonicalizedBody"] = json!(STANDARD.encode(body.to_string()));
            entry
        }
    };
    let other = STANDARD.encode([9; 32]);
    for (pointer, value) in [
        ("data/digest", json!(other)),
        ("signature/content", json!(other)),
        ("signature/verifier/x509Certificate/rawBytes", json!(other)),
        ("signature/verifier/x509Certificate", Value::Null),
    ] {
        let reason = unexpected(rekor(2, spoil(pointer, value)), Service::Rekor);
        assert!(reason.contains("is about another signature"), "{pointer}: {reason}");
    }
}

#[test]
fn item_48_an_entry_of_version_1_about_another_signature_is_refused() {
    for pointer in ["payloadHash/value", "signatures/0/signature", "signatures/0/verifier"] {
        let spoilt = move |request: &Value| {
            let mut entry = log_v1(request);
            let body = STANDARD.decode(entry["uuid"]["body"].as_str().unwrap()).unwrap();
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            *body.pointer_mut(&format!("/spec/{pointer}")).unwrap() = json!(STANDARD.encode("another"));
            entry["uuid"]["body"] = json!(STANDARD.encode(body.to_string()));
            entry
        };
        let reason = unexpected(rekor(1, spoilt), Service::Rekor);
        assert!(reason.contains("is about another signature"), "{pointer}: {reason}");
    }
    for entries in [json!({}), json!({"a": 1})] {
        let services = rekor(1, move |_| entries.clone()).start();
        assert_eq!(service_error(services.signer().sign(&payload())).service, Service::Rekor);
    }
    let two = |request: &Value| {
        let one = log_v1(request)["uuid"].clone();
        json!({"a": one, "b": one})
    };
    assert_eq!(unexpected(rekor(1, two), Service::Rekor), "it has not exactly one entry");
}

#[test]
fn an_entry_that_no_bundle_may_carry_is_refused() {
    let unproved = |request: &Value| {
        let mut entry = log_v2(request);
        entry["inclusionProof"] = Value::Null;
        entry
    };
    let error = error_of(rekor(2, unproved).start().signer().sign(&payload()));
    assert!(matches!(error, SigstoreError::Bundle(_)), "{error:?}");
}

#[test]
fn whichever_service_fails_is_named_and_the_next_one_is_not_asked() {
    let down: Behaviour = Arc::new(|_| Reply::refusal(500, r#"{"code":13,"message":"out of order"}"#));
    for (services, service, asked) in [
        (Sigstore { fulcio: down.clone(), ..Sigstore::default() }, Service::Fulcio, [1, 0, 0]),
        (Sigstore { authority: down.clone(), ..Sigstore::default() }, Service::TimestampAuthority, [1, 1, 0]),
        (Sigstore { rekor: down.clone(), ..Sigstore::default() }, Service::Rekor, [1, 1, 1]),
    ] {
        let services = services.start();
        let error = service_error(services.signer().sign(&payload()));
        assert_eq!((error.service, services.asked()), (service, asked));
        let message = "out of order".to_owned();
        assert_eq!(error.failure, ServiceFailure::Status { status: 500, message });
    }
}

#[test]
fn an_expired_token_ends_before_anybody_is_asked() {
    let services = Sigstore::default().start();
    let config = services.signing_config().to_string();
    let instance = SigstoreInstance::from_configs(TrustedRoot::staging(), config.as_bytes()).unwrap();
    let tomorrow = || Timestamp::now() + SignedDuration::from_hours(24);
    let signer = SigstoreSigner::new(instance, Box::new(parsed(&mail_token())), tomorrow);
    let error = error_of(signer.sign(&payload()));
    assert!(
        matches!(error, SigstoreError::Identity(IdentityError::Token(TokenError::Expired { .. }))),
        "{error:?}"
    );
    assert_eq!(services.asked(), [0, 0, 0]);
}

#[test]
fn a_log_of_version_2_without_a_timestamp_authority_ends_before_anybody_is_asked() {
    let services = Sigstore::default().start();
    let mut config = services.signing_config();
    config["tsaUrls"] = json!([]);
    let error = error_of(signer_with(&config, &mail_token()).sign(&payload()));
    assert!(
        matches!(error, SigstoreError::Instance(InstanceError::NoTimestampAuthority { .. })),
        "{error:?}"
    );
    assert_eq!(services.asked(), [0, 0, 0]);
}

#[test]
fn as_many_logs_and_authorities_are_asked_as_the_signing_config_says() {
    let services = Sigstore::default().start();
    let mut config = services.signing_config();
    for (urls, wanted) in [("rekorTlogUrls", "rekorTlogConfig"), ("tsaUrls", "tsaConfig")] {
        config[urls] = json!([config[urls][0], config[urls][0]]);
        config[wanted] = json!({"selector": "EXACT", "count": 2});
    }
    let bundle = signer_with(&config, &mail_token()).sign(&payload()).unwrap();
    let bundle = UntrustedBundle::parse(&bundle).unwrap();
    assert_eq!((bundle.log_entries().len(), bundle.timestamps().len()), (2, 2));
    assert_eq!(services.asked(), [1, 2, 2]);
}

#[test]
fn a_signing_config_is_read_strictly() {
    let services = Sigstore::default().start();
    let read = |json: &str| SigstoreInstance::from_configs(TrustedRoot::staging(), json.as_bytes()).map(drop);
    let good = services.signing_config().to_string();
    read(&good).unwrap();
    let doubled = good.replacen('{', r#"{"caUrls":[],"#, 1);
    for malformed in ["", "[]", "{}", &format!("{good} x"), &doubled] {
        let error = read(malformed).unwrap_err();
        assert!(matches!(error, InstanceError::Json { document: "signing config", .. }), "{error:?}");
    }
    let error = read(&good.replace("v0.2+json", "v0.9+json")).unwrap_err();
    assert!(matches!(error, InstanceError::MediaType { .. }), "{error:?}");
    let error = read(&" ".repeat(4 * 1024 * 1024 + 1)).unwrap_err();
    assert!(matches!(error, InstanceError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_client_trust_config_is_read_strictly() {
    let services = Sigstore::default().start();
    let read = |json: &Value| {
        SigstoreInstance::from_client_trust_config(json.to_string().as_bytes()).map(drop).unwrap_err()
    };
    let config = json!({
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": {"mediaType": "unknown"},
        "signingConfig": services.signing_config(),
    });
    assert!(matches!(read(&config), InstanceError::TrustedRoot { .. }));
    let mut other = config.clone();
    other["mediaType"] = json!("application/json");
    assert!(matches!(read(&other), InstanceError::MediaType { document: "client trust config", .. }));
    let twice = config.to_string().replacen('{', r#"{"mediaType":"a","#, 1);
    let found = SigstoreInstance::from_client_trust_config(twice.as_bytes()).map(drop).unwrap_err();
    assert!(matches!(found, InstanceError::Json { document: "client trust config", .. }), "{found:?}");
}

#[test]
fn the_instances_that_are_built_in_name_their_issuers() {
    let issuer =
        |instance: SigstoreInstance| instance.oidc_issuer(Timestamp::now()).unwrap().as_str().to_owned();
    assert_eq!(issuer(SigstoreInstance::production()), "https://oauth2.sigstore.dev/auth");
    assert_eq!(issuer(SigstoreInstance::staging()), "https://oauth2.sigstage.dev/auth");
}

#[test]
fn no_error_and_no_signer_shows_a_token() {
    let services = fulcio(|_| Reply::refusal(400, "no")).start();
    let token = mail_token();
    let signer = signer_with(&services.signing_config(), &token);
    let error = signer.sign(&payload()).unwrap_err();
    let shown = format!("{signer:?} {error} {error:?}");
    assert!(token.split('.').all(|part| !shown.contains(part)), "{shown}");
}

#[test]
fn a_service_that_quotes_the_request_does_not_make_us_show_the_token() {
    let echo = |asked: &crate::server::Asked| String::from_utf8(asked.body.clone()).unwrap();
    let plain = move |asked: &crate::server::Asked| Reply::refusal(400, &echo(asked));
    let message = move |asked: &crate::server::Asked| {
        Reply::refusal(400, &json!({ "message": format!("bad token: {}", echo(asked)) }).to_string())
    };
    for services in [fulcio(plain), fulcio(message)] {
        let (services, token) = (services.start(), mail_token());
        let error = signer_with(&services.signing_config(), &token).sign(&payload()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("credentials") && shown.contains('…'), "{shown}");
        assert!(token.split('.').all(|part| !shown.contains(part)), "{shown}");
    }
}

/// Somebody who finds that another identity was certified than was foreseen.
struct Surprised(IdentityToken);

impl IdentityProvider for Surprised {
    fn token(&self, _: fn() -> Timestamp) -> Result<IdentityToken, IdentityError> {
        Ok(self.0.clone())
    }

    fn certified(&self, certificate: &FulcioCertificate) -> Result<(), IdentityError> {
        assert!(!certificate.identity().as_str().is_empty());
        Err(IdentityError::DeclinedCertified)
    }
}

#[test]
fn an_identity_that_is_not_to_sign_after_all_gets_neither_timestamp_nor_log_entry() {
    let services = Sigstore::default().start();
    let config = services.signing_config().to_string();
    let instance = SigstoreInstance::from_configs(TrustedRoot::production(), config.as_bytes()).unwrap();
    let provider = Box::new(Surprised(parsed(&mail_token())));
    let signer = SigstoreSigner::new(instance.with_timeouts(timeouts()), provider, Timestamp::now);
    let error = error_of(signer.sign(&payload()));
    assert_eq!(error, SigstoreError::Identity(IdentityError::DeclinedCertified));
    let asked = [&services.fulcio, &services.authority, &services.rekor].map(|server| server.asked().len());
    assert_eq!(asked, [1, 0, 0]);
}

#[test]
fn services_may_be_asked_from_within_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let services = Sigstore::default().start();
    runtime.block_on(async { services.signer().sign(&payload()).unwrap() });
}

#[test]
fn a_service_that_is_not_there_is_named() {
    let services = Sigstore::default().start();
    let mut config = services.signing_config();
    config["caUrls"][0]["url"] = json!(Server::nobody().as_str());
    let error = service_error(signer_with(&config, &mail_token()).sign(&payload()));
    assert!(matches!(error.failure, ServiceFailure::Connect { .. }), "{error:?}");
    assert_eq!((error.service, error.tries), (Service::Fulcio, 3));
    assert_eq!(services.asked(), [0, 0, 0]);
}
