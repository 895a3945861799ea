//! Timestamps for the signatures of other methods.

use modelseal_bundle::UntrustedBundle;
use modelseal_manifest::Sha256Digest;
use modelseal_sign::sigstore::{Service, ServiceError, ServiceFailure, SigstoreError, TimestampingSigner};
use modelseal_sign::{KeyAlgorithm, KeySigner, PrivateKey, SignError, Signer};
use modelseal_verify::verify;

use crate::der::{self, Timestamp};
use crate::server::{Asked, Reply, Server};
use crate::world::{payload, timeouts, timestamp};

fn key() -> KeySigner {
    KeySigner::new(PrivateKey::generate(KeyAlgorithm::P384))
}

fn sign(server: &Server) -> Result<Vec<u8>, SignError> {
    TimestampingSigner::new(key(), vec![server.url("/ts")], timeouts()).sign(&payload())
}

fn refused(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> ServiceError {
    match sign(&Server::start(answer)) {
        Err(SignError::Sigstore(error)) => match *error {
            SigstoreError::Service(error) => {
                assert_eq!(error.service, Service::TimestampAuthority);
                error
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn refused_reason(change: impl Fn(&mut Timestamp) + Send + Sync + 'static) -> String {
    let error = refused(move |asked| {
        let mut answer = Timestamp::answering(&asked.body);
        change(&mut answer);
        timestamp(&answer)
    });
    match error.failure {
        ServiceFailure::Unexpected { reason } => reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_authority_adds_a_timestamp_over_the_signature() {
    let servers = [0; 2].map(|_| Server::start(|asked| timestamp(&Timestamp::answering(&asked.body))));
    let authorities = servers.iter().map(|server| server.url("/ts")).collect();
    let signer = TimestampingSigner::new(key(), authorities, timeouts());
    let bundle = UntrustedBundle::parse(&signer.sign(&payload()).unwrap()).unwrap();
    assert_eq!(bundle.timestamps().len(), 2);
    let imprint = Sha256Digest::of(bundle.envelope().signature());
    for server in servers {
        let asked = &server.asked()[0];
        assert_eq!((asked.method.as_str(), asked.target.as_str()), ("POST", "/ts"));
        assert_eq!(asked.header("content-type"), "application/timestamp-query");
        assert_eq!(asked.header("accept"), "application/timestamp-reply");
        assert!(Timestamp::answering(&asked.body).imprint.ends_with(imprint.as_bytes()));
    }
    let verified = verify(bundle, &signer.trust()).unwrap();
    assert_eq!(verified.payload(), payload());
}

#[test]
fn a_nonce_is_never_used_twice() {
    let server = Server::start(|asked| timestamp(&Timestamp::answering(&asked.body)));
    for _ in 0..3 {
        sign(&server).unwrap();
    }
    let mut nonces: Vec<_> =
        server.asked().iter().map(|asked| Timestamp::answering(&asked.body).nonce).collect();
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 3);
}

#[test]
fn a_timestamp_over_something_else_is_refused() {
    let reason = refused_reason(|answer| *answer.imprint.last_mut().unwrap() ^= 1);
    assert_eq!(reason, "the timestamp is over something else");
}

#[test]
fn a_timestamp_with_another_hash_is_refused() {
    // The last byte of the OID of SHA-256 makes it that of SHA-384.
    let reason = refused_reason(|answer| {
        let hash = answer.imprint.windows(4).position(|bytes| bytes == [0x03, 0x04, 0x02, 0x01]).unwrap();
        answer.imprint[hash + 3] = 2;
    });
    assert_eq!(reason, "the timestamp is over something else");
}

#[test]
fn a_timestamp_with_another_nonce_or_none_is_refused() {
    for nonce in [vec![2, 1, 5], vec![]] {
        let reason = refused_reason(move |answer| answer.nonce.clone_from(&nonce));
        assert!(reason.starts_with("the timestamp has another nonce"), "{reason}");
    }
}

#[test]
fn a_timestamp_that_was_not_granted_is_refused_with_what_the_authority_says() {
    let reason =
        refused_reason(|answer| (answer.status, answer.text, answer.has_token) = (2, "busy\x07", false));
    assert_eq!(reason, "no timestamp was granted (status 2): busy\x07");
    for status in 2..=6 {
        let reason = refused_reason(move |answer| answer.status = status);
        assert_eq!(reason, format!("no timestamp was granted (status {status})"));
    }
}

fn taken(change: impl Fn(&mut Timestamp) + Send + Sync + 'static) {
    let server = Server::start(move |asked| {
        let mut answer = Timestamp::answering(&asked.body);
        change(&mut answer);
        timestamp(&answer)
    });
    sign(&server).unwrap();
}

#[test]
fn granted_with_modifications_is_granted() {
    taken(|answer| answer.status = 1);
}

#[test]
fn a_timestamp_may_tell_its_accuracy_order_authority_and_more() {
    taken(|answer| answer.is_full = true);
}

#[test]
fn a_reply_without_a_timestamp_is_refused() {
    assert_eq!(refused_reason(|answer| answer.has_token = false), "it holds no timestamp");
    assert_eq!(refused_reason(|answer| answer.kind = der::DATA), "it holds no timestamp");
}

#[test]
fn a_reply_that_is_no_der_or_has_more_after_it_is_refused() {
    let garbage: [fn(Vec<u8>) -> Vec<u8>; 3] =
        [|_| b"garbage".to_vec(), |_| vec![], |good| [&good[..], b"\0"].concat()];
    for spoil in garbage {
        let error = refused(move |asked| {
            let reply = spoil(Timestamp::answering(&asked.body).to_der());
            Reply::Answer(200, "application/timestamp-reply", reply)
        });
        assert!(error.to_string().contains("it is not a reply of RFC 3161"), "{error}");
    }
}

#[test]
fn a_reply_of_another_content_type_is_refused() {
    let error = refused(|asked| Reply::Answer(200, "text/html", Timestamp::answering(&asked.body).to_der()));
    let expected = "application/timestamp-reply";
    assert_eq!(error.failure, ServiceFailure::ContentType { expected, found: "text/html".to_owned() });
}

#[test]
fn without_a_timestamp_there_is_no_bundle() {
    let good = Server::start(|asked| timestamp(&Timestamp::answering(&asked.body)));
    let authorities = vec![good.url("/ts"), Server::nobody()];
    let error = TimestampingSigner::new(key(), authorities, timeouts()).sign(&payload()).unwrap_err();
    assert!(error.to_string().contains("could not connect"), "{error}");
}
