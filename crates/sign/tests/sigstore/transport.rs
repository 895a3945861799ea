//! How any service is asked, shown with the first that a job asks.

use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use modelseal_sign::sigstore::{
    AmbientIdentity, IdentityError, IdentityProvider, IdentityToken, Service, ServiceError, ServiceFailure,
    TimeoutStep, Timeouts,
};
use serde_json::json;

use crate::server::{Reply, Server};
use crate::world::{alone_with_programs, mail_token, timeouts};

const MIB: usize = 1024 * 1024;

fn token(url: &str, timeouts: Timeouts) -> Result<IdentityToken, IdentityError> {
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", url),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "secret"),
    ];
    let find = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    AmbientIdentity::detect(find, timeouts).unwrap().unwrap().token(Timestamp::now)
}

fn failure(server: &Server, timeouts: Timeouts) -> ServiceError {
    match token(&server.base(), timeouts) {
        Err(IdentityError::Service(error)) => {
            assert_eq!((error.service, &error.url), (Service::GitHubActions, &format!("{}/", server.base())));
            error
        }
        other => panic!("{other:?}"),
    }
}

fn token_answer() -> Reply {
    Reply::json(&json!({"value": mail_token()}))
}

#[test]
fn item_58_a_server_that_drips_bytes_for_ever_ends_with_the_total_timeout() {
    let total = Duration::from_millis(500);
    let started = Instant::now();
    let error = failure(&Server::replying(Reply::Drip), Timeouts { total, ..timeouts() });
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!(error.failure, ServiceFailure::Timeout { step: TimeoutStep::Total, after: total });
    assert_eq!(error.tries, 1);
}

#[test]
fn a_server_that_never_answers_ends_with_the_read_timeout() {
    let read = Duration::from_millis(200);
    let error = failure(&Server::replying(Reply::Silence), Timeouts { read, ..timeouts() });
    assert_eq!(error.failure, ServiceFailure::Timeout { step: TimeoutStep::Read, after: read });
    assert_eq!(error.tries, 1);
    assert!(error.to_string().ends_with(": nothing came within 0.2 s"), "{error}");
}

#[test]
fn a_body_without_an_end_is_read_to_its_limit() {
    let error = failure(&Server::replying(Reply::Endless), timeouts());
    assert_eq!(error.failure, ServiceFailure::TooLarge { limit: MIB });
}

#[test]
fn a_body_one_byte_too_long_is_refused() {
    let padded = |length: usize| {
        let mut body = json!({"value": mail_token()}).to_string().into_bytes();
        body.resize(length, b' ');
        Server::replying(Reply::Answer(200, "application/json", body))
    };
    token(&padded(MIB).base(), timeouts()).unwrap();
    assert_eq!(failure(&padded(MIB + 1), timeouts()).failure, ServiceFailure::TooLarge { limit: MIB });
}

#[test]
fn a_service_that_is_busy_for_a_moment_is_asked_up_to_three_times() {
    for [first, second] in [[429, 502], [503, 504]] {
        let busy = |status| Reply::refusal(status, "");
        let server = Server::in_turn(vec![busy(first), busy(second), token_answer()]);
        token(&server.base(), timeouts()).unwrap();
        assert_eq!(server.asked().len(), 3);
    }
}

#[test]
fn a_service_that_stays_busy_is_given_up_after_three_tries() {
    let server = Server::replying(Reply::refusal(503, "busy"));
    let error = failure(&server, timeouts());
    assert_eq!(error.failure, ServiceFailure::Status { status: 503, message: "busy".to_owned() });
    assert_eq!((error.tries, server.asked().len()), (3, 3));
    let shown = format!(
        "the identity provider of GitHub Actions at {}/: answered with status 503: busy (after 3 tries)",
        server.base()
    );
    assert_eq!(error.to_string(), shown);
}

#[test]
fn a_refusal_is_final_and_tells_what_the_service_says() {
    for (status, body, message) in [
        (400, r#"{"code":3,"message":"the token is wrong","details":[]}"#, "the token is wrong"),
        (401, r#"{"error":"invalid_grant","error_description":"code expired"}"#, "code expired"),
        (403, r#"{"error":"invalid_grant"}"#, "invalid_grant"),
        (404, "plain text\n", "plain text"),
        (409, r#"{"message":"a","message":"b"}"#, r#"{"message":"a","message":"b"}"#),
        (500, "", ""),
    ] {
        let server = Server::replying(Reply::refusal(status, body));
        let error = failure(&server, timeouts());
        assert_eq!(error.failure, ServiceFailure::Status { status, message: message.to_owned() });
        assert_eq!((error.tries, server.asked().len()), (1, 1));
    }
}

#[test]
fn what_a_refusal_says_is_shortened_and_cannot_act_on_a_terminal() {
    let server = Server::replying(Reply::refusal(400, &format!("\x1b[2J\u{202e}{}", "x".repeat(100_000))));
    let shown = failure(&server, timeouts()).to_string();
    assert!(shown.contains(r"\u{1b}[2J\u{202e}xxx") && shown.len() < 700, "{shown}");
    assert!(!shown.chars().any(char::is_control), "{shown:?}");
}

#[test]
fn a_port_where_nobody_listens_is_tried_three_times_and_named() {
    let url = Server::nobody();
    let Err(IdentityError::Service(error)) = token(url.as_str(), timeouts()) else { panic!() };
    let ServiceFailure::Connect { reason } = &error.failure else { panic!("{error:?}") };
    assert!(reason.contains("Connection refused"), "{reason}");
    assert_eq!(error.tries, 3);
}

#[test]
fn a_connection_that_breaks_is_not_tried_again() {
    let error = failure(&Server::replying(Reply::HangUp), timeouts());
    assert!(matches!(error.failure, ServiceFailure::Broken { .. }), "{error:?}");
    assert_eq!(error.tries, 1);
}

#[test]
fn a_redirect_is_refused_and_the_bearer_goes_nowhere_else() {
    let other = Server::replying(token_answer());
    let server = Server::replying(Reply::Redirect(other.base()));
    assert_eq!(failure(&server, timeouts()).failure, ServiceFailure::Redirect { status: 307 });
    assert!(other.asked().is_empty());
}

#[test]
fn an_answer_that_is_not_the_expected_json_is_refused_without_showing_it() {
    for body in ["", "secret", "\"secret\"", "[\"secret\"]", "{\"value\":[\"secret\"]}", "{\"value\":1}"] {
        let error = failure(&Server::replying(Reply::refusal(200, body)), timeouts());
        let is_expected =
            matches!(error.failure, ServiceFailure::Json(_) | ServiceFailure::Unexpected { .. });
        assert!(is_expected && !format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    let doubled = Server::replying(Reply::refusal(200, r#"{"value":"x","value":"y"}"#));
    assert!(matches!(failure(&doubled, timeouts()).failure, ServiceFailure::Json(_)));
}

#[test]
fn a_request_says_who_asks() {
    let server = Server::replying(token_answer());
    token(&server.base(), timeouts()).unwrap();
    assert!(server.asked()[0].header("user-agent").starts_with("modelseal/"));
}

#[test]
fn what_goes_over_plain_http_goes_to_no_proxy() {
    const HERE: &str = "transport::a_request_says_who_asks";
    let _alone = alone_with_programs();
    let proxy = Server::nobody();
    let mut test = Command::new(std::env::current_exe().unwrap());
    test.args(["--exact", HERE])
        .envs(["http_proxy", "HTTP_PROXY", "all_proxy"].map(|name| (name, proxy.as_str())));
    let output = test.env_remove("no_proxy").env_remove("NO_PROXY").output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    assert!(output.contains("1 passed"), "{output}");
}
