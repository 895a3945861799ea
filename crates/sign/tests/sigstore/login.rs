//! Somebody who logs in, with an issuer and a browser of ours.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use modelseal_manifest::Sha256Digest;
use modelseal_sign::sigstore::{
    IdentityError, IdentityProvider, InteractiveIdentity, LoginError, ServiceFailure, TokenError,
};
use serde_json::{Value, json};

use crate::server::{Asked, Reply, Server};
use crate::world::{in_an_hour, jwt, timeouts};

type Fields = HashMap<String, String>;

/// An issuer at `/iss`, and what may be wrong with it.
#[derive(Clone, Default)]
struct Issuer {
    /// Instead of the true answers.
    discovery: Value,
    claims: Value,
    /// What the last login asked for.
    login: Arc<Mutex<Fields>>,
}

impl Issuer {
    fn start(self) -> Server {
        Server::start(move |asked| {
            let base = format!("http://{}/iss", asked.header("host"));
            match asked.target.as_str() {
                "/iss/.well-known/openid-configuration" => Reply::json(&self.configuration(&base)),
                "/iss/token" => self.exchange(&base, asked),
                _ => Reply::refusal(404, ""),
            }
        })
    }

    fn configuration(&self, base: &str) -> Value {
        let mut document = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/auth?tenant=1"),
            "token_endpoint": format!("{base}/token"),
        });
        extend(&mut document, &self.discovery);
        document
    }

    /// Gives a token for the code of the last login, to whoever knows the
    /// verifier of its challenge.
    fn exchange(&self, base: &str, asked: &Asked) -> Reply {
        let form = fields(std::str::from_utf8(&asked.body).unwrap());
        let login = self.login.lock().unwrap();
        let digest = Sha256Digest::of(form["code_verifier"].as_bytes());
        assert_eq!(login["code_challenge"], URL_SAFE_NO_PAD.encode(digest.as_bytes()));
        assert_eq!(asked.header("content-type"), "application/x-www-form-urlencoded");
        assert_eq!(form["grant_type"], "authorization_code");
        for shared in ["client_id", "redirect_uri"] {
            assert_eq!(form[shared], login[shared]);
        }
        if form["code"] != "c+o d&e" {
            return Reply::refusal(400, r#"{"error":"invalid_grant","error_description":"wrong code"}"#);
        }
        let mut claims = json!({
            "iss": base, "sub": "s", "aud": form["client_id"], "exp": in_an_hour(), "nonce": login["nonce"],
            "email": "person@acme.example", "email_verified": true,
            "secret": form.get("client_secret"),
        });
        extend(&mut claims, &self.claims);
        Reply::json(&json!({"access_token": "a", "token_type": "Bearer", "id_token": jwt(&claims)}))
    }

    /// A browser that answers a login as `answer` says, on a thread of its own.
    fn browser(
        &self,
        answer: impl Fn(&Fields) -> Vec<String> + Send + Sync + 'static,
    ) -> impl Fn(&str) + Send + Sync + 'static {
        let (login, answer) = (self.login.clone(), Arc::new(answer));
        move |url| {
            let (_, query) = url.split_once('?').unwrap();
            let asked = fields(query);
            login.lock().unwrap().clone_from(&asked);
            let answer = answer.clone();
            thread::spawn(move || answer(&asked).iter().for_each(|url| drop(get(url))));
        }
    }
}

fn extend(document: &mut Value, more: &Value) {
    for (name, value) in more.as_object().into_iter().flatten() {
        document[name] = value.clone();
    }
}

fn fields(query: &str) -> Fields {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [byte, after @ ..] = rest {
            let (byte, after) = match (byte, after) {
                (b'%', [high, low, after @ ..]) => {
                    let hex = [*high, *low];
                    (u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap(), after)
                }
                (b'+', _) => (b' ', after),
                (byte, _) => (*byte, after),
            };
            bytes.push(byte);
            rest = after;
        }
        String::from_utf8(bytes).unwrap()
    };
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

/// What a browser gets there.
fn get(url: &str) -> io::Result<String> {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    send(host, &format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n"))
}

fn send(host: &str, request: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(request.as_bytes())?;
    let mut page = String::new();
    stream.read_to_string(&mut page)?;
    Ok(page)
}

fn callback(login: &Fields, query: &str) -> String {
    format!("{}?{query}", login["redirect_uri"])
}

fn granted(login: &Fields) -> String {
    callback(login, &format!("code=c%2Bo+d%26e&state={}", login["state"]))
}

fn log_in(
    issuer: Issuer,
    answer: impl Fn(&Fields) -> Vec<String> + Send + Sync + 'static,
) -> Result<(), IdentityError> {
    let open = issuer.browser(answer);
    let server = issuer.start();
    let identity = InteractiveIdentity::browser(server.url("/iss"), open)
        .with_timeouts(timeouts())
        .with_login_time(Duration::from_secs(5));
    let token = identity.token(Timestamp::now)?;
    assert_eq!((token.identity(), token.issuer()), ("person@acme.example", server.url("/iss").as_str()));
    Ok(())
}

fn log_in_well(issuer: Issuer) -> Result<(), IdentityError> {
    log_in(issuer, |login| vec![granted(login)])
}

#[test]
fn a_login_in_a_browser_gives_a_token_and_asks_only_once() {
    let issuer = Issuer::default();
    let (open, login) = (issuer.browser(|login| vec![granted(login)]), issuer.login.clone());
    let server = issuer.start();
    let identity = InteractiveIdentity::browser(server.url("/iss"), open).with_timeouts(timeouts());
    for _ in 0..2 {
        assert_eq!(identity.token(Timestamp::now).unwrap().identity(), "person@acme.example");
    }
    assert_eq!(server.asked().len(), 2);
    let login = login.lock().unwrap();
    for (name, value) in [
        ("tenant", "1"),
        ("response_type", "code"),
        ("client_id", "sigstore"),
        ("scope", "openid email"),
        ("code_challenge_method", "S256"),
    ] {
        assert_eq!(login[name], value);
    }
    for random in ["state", "nonce", "code_challenge"] {
        assert_eq!(login[random].len(), 43, "{random}");
    }
    assert!(login["redirect_uri"].starts_with("http://127.0.0.1:"));
    assert!(login["redirect_uri"].ends_with("/auth/callback"));
}

#[test]
fn a_login_is_repeated_when_its_token_is_about_to_end_and_not_before() {
    for (left, requests) in [(30, 2), (4, 4)] {
        let exp = Timestamp::now().as_second() + left;
        let issuer = Issuer { claims: json!({"exp": exp}), ..Issuer::default() };
        let open = issuer.browser(|login| vec![granted(login)]);
        let server = issuer.start();
        let identity = InteractiveIdentity::browser(server.url("/iss"), open);
        for _ in 0..2 {
            identity.token(Timestamp::now).unwrap();
        }
        assert_eq!(server.asked().len(), requests, "{left} s");
    }
}

#[test]
fn every_login_has_its_own_secrets() {
    let issuer = Issuer::default();
    let seen = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..2 {
        let (issuer, seen) = (issuer.clone(), seen.clone());
        log_in(issuer, move |login| {
            seen.lock().unwrap().extend(["state", "nonce", "code_challenge"].map(|name| login[name].clone()));
            vec![granted(login)]
        })
        .unwrap();
    }
    let mut seen = seen.lock().unwrap().clone();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 6);
}

#[test]
fn another_client_is_named_and_its_secret_given() {
    let issuer = Issuer::default();
    let open = issuer.browser(|login| vec![granted(login)]);
    let server = issuer.start();
    let secret = Some("s&t".to_owned().into());
    let identity = InteractiveIdentity::browser(server.url("/iss"), open).with_client("acme", secret);
    identity.token(Timestamp::now).unwrap();
    let form = fields(std::str::from_utf8(&server.asked()[1].body).unwrap());
    assert_eq!((form["client_id"].as_str(), form["client_secret"].as_str()), ("acme", "s&t"));
}

#[test]
fn another_state_ends_the_login_before_a_code_is_used() {
    for query in ["code=c&state=another", "code=c", "code=c&state=", "error=access_denied&state=another"] {
        let error = log_in(Issuer::default(), move |login| vec![callback(login, query)]).unwrap_err();
        assert_eq!(error, LoginError::State.into(), "{query}");
    }
}

#[test]
fn another_nonce_is_refused() {
    for nonce in [json!("another"), Value::Null] {
        let issuer = Issuer { claims: json!({"nonce": nonce}), ..Issuer::default() };
        assert_eq!(log_in_well(issuer).unwrap_err(), LoginError::Nonce.into());
    }
}

#[test]
fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let issuer = Issuer { claims: json!({"iss": "https://another.example"}), ..Issuer::default() };
    let error = log_in_well(issuer).unwrap_err();
    assert!(matches!(error, IdentityError::Login(LoginError::Issuer { .. })), "{error:?}");
    let issuer = Issuer { claims: json!({"aud": "another"}), ..Issuer::default() };
    let error = log_in_well(issuer).unwrap_err();
    assert!(matches!(error, IdentityError::Token(TokenError::WrongAudience { .. })), "{error:?}");
}

#[test]
fn a_document_of_another_issuer_is_refused_before_anybody_logs_in() {
    let issuer = Issuer { discovery: json!({"issuer": "https://another.example"}), ..Issuer::default() };
    let login = issuer.login.clone();
    let error = log_in_well(issuer).unwrap_err();
    let IdentityError::Login(LoginError::Issuer { found, .. }) = &error else { panic!("{error:?}") };
    assert_eq!(found, "https://another.example");
    assert!(login.lock().unwrap().is_empty());
}

#[test]
fn endpoints_over_plain_http_on_another_machine_are_refused() {
    for name in ["authorization_endpoint", "token_endpoint"] {
        for (endpoint, reason) in
            [(json!("http://issuer.example/x"), "not an https URL"), (json!(null), "has no")]
        {
            let mut discovery = json!({});
            discovery[name] = endpoint;
            let error = log_in_well(Issuer { discovery, ..Issuer::default() }).unwrap_err();
            let IdentityError::Service(error) = &error else { panic!("{error:?}") };
            let ServiceFailure::Unexpected { reason: found } = &error.failure else { panic!("{error:?}") };
            assert!(found.contains(name) && found.contains(reason), "{found}");
        }
    }
}

#[test]
fn a_login_that_is_refused_says_why_and_cannot_act_on_a_terminal() {
    let refused = |login: &Fields| {
        let query = "error=access_denied&error_description=%1b%5B2Jnot+you&state=";
        vec![callback(login, &format!("{query}{}", login["state"]))]
    };
    let error = log_in(Issuer::default(), refused).unwrap_err();
    assert_eq!(error.to_string(), r"the OIDC issuer refused the login: access_denied: \u{1b}[2Jnot you");
}

#[test]
fn a_code_that_the_issuer_does_not_know_is_its_refusal() {
    let wrong = |login: &Fields| vec![callback(login, &format!("code=wrong&state={}", login["state"]))];
    let error = log_in(Issuer::default(), wrong).unwrap_err();
    let IdentityError::Service(error) = &error else { panic!("{error:?}") };
    assert_eq!(error.failure, ServiceFailure::Status { status: 400, message: "wrong code".to_owned() });
    let none = |login: &Fields| vec![callback(login, &format!("state={}", login["state"]))];
    assert_eq!(log_in(Issuer::default(), none).unwrap_err(), LoginError::NoCode.into());
}

#[test]
fn whatever_else_a_browser_asks_does_not_end_the_login() {
    let stray = |login: &Fields| {
        let base = login["redirect_uri"].strip_suffix("/auth/callback").unwrap();
        let host = base.strip_prefix("http://").unwrap().to_owned();
        let idle: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&host).unwrap()).collect();
        assert!(get(&format!("{base}/favicon.ico")).unwrap().starts_with("HTTP/1.1 404"));
        assert!(get(&format!("{base}/auth/callback/x?code=1")).unwrap().starts_with("HTTP/1.1 404"));
        for noise in ["POST /auth/callback HTTP/1.1\r\n\r\n", "\r\n\r\n", "GET /auth/callback\r\n\r\n"] {
            assert_eq!(send(&host, noise).unwrap_or_default(), "");
        }
        send(&host, &format!("GET /{} HTTP/1.1\r\n", "x".repeat(20_000))).unwrap_or_default();
        let page = get(&granted(login)).unwrap();
        assert!(page.starts_with("HTTP/1.1 200 OK") && page.contains("You are logged in."), "{page}");
        drop(idle);
        vec![]
    };
    log_in(Issuer::default(), stray).unwrap();
}

#[test]
fn nobody_who_comes_back_ends_with_the_time_for_a_login() {
    let server = Issuer::default().start();
    let limit = Duration::from_millis(200);
    let identity = InteractiveIdentity::browser(server.url("/iss"), |_| {}).with_login_time(limit);
    let started = Instant::now();
    assert_eq!(identity.token(Timestamp::now).unwrap_err(), LoginError::Timeout { after: limit }.into());
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn a_login_elsewhere_shows_its_url_and_reads_the_code() {
    for (typed, outcome) in [
        (Ok(" c+o d&e\n"), Ok("person@acme.example".to_owned())),
        (Ok("\n"), Err(LoginError::NoCode)),
        (Err("closed"), Err(LoginError::Read { reason: "closed".to_owned() })),
    ] {
        let issuer = Issuer::default();
        let (show, login) = (issuer.browser(|_| vec![]), issuer.login.clone());
        let server = issuer.start();
        let read = move || typed.map(str::to_owned).map_err(io::Error::other);
        let identity = InteractiveIdentity::out_of_band(server.url("/iss"), show, read);
        let token = identity.token(Timestamp::now).map(|token| token.identity().to_owned());
        assert_eq!(token, outcome.map_err(IdentityError::from));
        assert_eq!(login.lock().unwrap()["redirect_uri"], "urn:ietf:wg:oauth:2.0:oob");
    }
}
