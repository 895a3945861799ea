//! Logging in: with a browser on this machine, which a script plays, or with
//! one elsewhere.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};

use crate::http;
use crate::scene::{BUNDLE, Scene, succeeds};
use crate::service::{NOWHERE, Service};
use crate::sigstore::{self, Signer, services_at};
use crate::stage::{Answer, talk};

const QUESTION: &str = "Publish it? [y/N] ";
/// What a browser does: it follows where it is sent.
const BROWSER: &str = "exec curl --silent --location --max-time 10 --output \"$HOME/page\" \"$1\"";

/// A browser that changes how it comes back, by a `sed` expression.
fn deceived(change: &str) -> String {
    let ask = "back=$(curl --silent --max-time 10 --output /dev/null --write-out '%{redirect_url}' \"$1\")";
    let answer = "exec curl --silent --max-time 10 --output \"$HOME/page\"";
    format!("{ask}\n{answer} \"$(printf %s \"$back\" | sed '{change}')\"")
}

/// Signs on a terminal with this browser, and gives what is shown.
fn log_in(scene: &Scene, browser: &str, turns: &[(&str, &str)]) -> String {
    scene.program("xdg-open", browser);
    let config = sigstore::file("client_trust_config.json");
    let sign = ["sign", "model", "--format", "json", "--trust-config", &config];
    talk(&mut scene.on_a_terminal(&sign), turns)
}

#[track_caller]
fn fails(shown: &str, exit: i32, code: &str, words: &[&str]) {
    assert!(shown.contains(&format!("exit code {exit}")), "{shown}");
    assert!(shown.contains(&format!("\"code\": \"{code}\"")), "{shown}");
    for word in words {
        assert!(shown.contains(word), "{word:?} is missing from {shown}");
    }
}

#[test]
fn whoever_logs_in_with_a_browser_signs() {
    let scene = Scene::new();
    let shown = log_in(&scene, BROWSER, &[(QUESTION, "y\n")]);
    assert!(shown.contains("exit code 0"), "{shown}");
    let place =
        format!("Log in with your browser. If none opens, go to\n  {}/auth?", Signer::Person.issuer());
    assert!(shown.contains(&place), "{shown}");
    assert!(shown.contains("Identity    release@acme.example"), "{shown}");
    let page = fs::read_to_string(scene.at("home/page")).unwrap();
    assert!(page.contains("You are logged in."), "{page}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn whoever_logs_in_and_says_no_has_nothing_published() {
    let scene = Scene::new();
    let shown = log_in(&scene, BROWSER, &[(QUESTION, "n\n")]);
    fails(&shown, 2, "declined", &["nothing was published"]);
    assert!(!scene.at(BUNDLE).exists());
}

#[test]
fn item_90_a_browser_that_comes_back_with_another_state_is_refused() {
    for change in ["s/state=[^&]*/state=forged/", "s/&state=.*//", "s/state=/state=x/"] {
        let scene = Scene::new();
        let shown = log_in(&scene, &deceived(change), &[]);
        fails(&shown, 3, "login", &["another state", "nothing was published"]);
        assert!(!shown.contains("Identity    "), "{shown}");
        let page = fs::read_to_string(scene.at("home/page")).unwrap();
        assert!(page.contains("The login did not work."), "{page}");
        assert!(!scene.at(BUNDLE).exists());
    }
}

/// The browser is sent to the issuer by somebody else, who logs in themselves.
#[test]
fn item_90_a_token_for_another_login_is_refused() {
    let scene = Scene::new();
    let browser = BROWSER.replace("\"$1\"", "\"$(printf %s \"$1\" | sed 's/nonce=[^&]*/nonce=other/')\"");
    let shown = log_in(&scene, &browser, &[]);
    fails(&shown, 3, "login", &["another nonce", "nothing was published"]);
    assert!(!scene.at(BUNDLE).exists());
}

/// Without the secret of this login, its code is worth nothing.
#[test]
fn a_code_for_the_challenge_of_another_login_is_refused_by_the_issuer() {
    let scene = Scene::new();
    let change = "s/code_challenge=[^&]*/code_challenge=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/";
    let browser = BROWSER.replace("\"$1\"", &format!("\"$(printf %s \"$1\" | sed '{change}')\""));
    let shown = log_in(&scene, &browser, &[]);
    fails(&shown, 3, "service-refused", &["the identity provider (OIDC issuer)", "code_verifier"]);
    assert!(!scene.at(BUNDLE).exists());
}

#[test]
fn a_code_that_the_issuer_did_not_give_is_refused_by_it() {
    let scene = Scene::new();
    let shown = log_in(&scene, &deceived("s/code=[^&]*/code=forged/"), &[]);
    fails(&shown, 3, "service-refused", &["the identity provider (OIDC issuer)", "status 400"]);
    assert!(!shown.contains("forged"), "{shown}");
    assert!(!scene.at(BUNDLE).exists());
}

#[test]
fn an_issuer_that_lets_nobody_in_is_quoted() {
    let scene = Scene::new();
    let change = "s/code=[^&]*/error=access_denied\\&error_description=go+away/";
    let shown = log_in(&scene, &deceived(change), &[]);
    fails(&shown, 3, "login", &["refused the login", "access_denied", "go away"]);
}

/// Signs with another browser, and gives the page that it would show.
fn log_in_elsewhere(scene: &Scene, code: impl FnOnce(&str) -> String) -> Answer {
    let config = sigstore::file("client_trust_config.json");
    let sign = ["sign", "model", "--format", "json", "--trust-config", &config, "--oob"];
    converse(&mut scene.command(sign), code)
}

/// Reads the URL, and types what `code` makes of the code that it leads to.
pub(crate) fn converse(command: &mut Command, code: impl FnOnce(&str) -> String) -> Answer {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut screen = BufReader::new(child.stderr.take().unwrap());
    let mut shown = String::new();
    while !shown.ends_with("type the code that is shown there.\n") {
        assert_ne!(screen.read_line(&mut shown).unwrap(), 0, "{shown}");
    }
    let url = shown.lines().find(|line| line.contains("/auth?")).unwrap().trim();
    assert!(url.contains("redirect_uri=urn%3Aietf%3Awg%3Aoauth%3A2.0%3Aoob"), "{url}");
    let typed = code(http::get(url).trim());
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    screen.read_to_string(&mut shown).unwrap();
    let mut output = child.wait_with_output().unwrap();
    output.stderr = shown.into_bytes();
    Answer::from(output)
}

#[test]
fn whoever_types_the_code_that_another_browser_shows_signs() {
    let scene = Scene::new();
    let answer = log_in_elsewhere(&scene, |code| format!("  {code} \n")).expect(0);
    assert!(answer.stderr.contains("Identity    release@acme.example"), "{answer:#?}");
    succeeds(&mut scene.verify(Signer::Person, &[]));
}

#[test]
fn whoever_types_no_code_or_another_one_does_not_sign() {
    for (typed, code) in [("", "login"), ("\n", "login"), ("forged\n", "service-refused")] {
        let scene = Scene::new();
        let answer = log_in_elsewhere(&scene, |_| typed.to_owned()).expect(3);
        assert!(answer.stdout.contains(&format!("\"code\": \"{code}\"")), "{typed:?}: {answer:#?}");
        assert!(!scene.at(BUNDLE).exists());
    }
}

#[test]
fn a_code_is_good_for_one_login() {
    let scene = Scene::new();
    let mut kept = String::new();
    log_in_elsewhere(&scene, |code| {
        code.clone_into(&mut kept);
        format!("{code}\n")
    })
    .expect(0);
    fs::remove_file(scene.at(BUNDLE)).unwrap();
    let again = log_in_elsewhere(&scene, |_| format!("{kept}\n")).expect(3).hides(&kept);
    assert!(again.stdout.contains("service-refused"), "{again:#?}");
    assert!(!scene.at(BUNDLE).exists());
}

#[test]
fn without_a_terminal_nobody_is_asked_to_log_in() {
    let scene = Scene::new();
    let config = sigstore::file("client_trust_config.json");
    let mut sign = scene.command(["sign", "model", "--format", "json", "--trust-config", &config]);
    let words = ["no key was named", "there is no terminal", "--key", "--identity-token-file", "--oob"];
    scene.refuses(&mut sign, 2, "no-identity", &words);
}

#[test]
fn an_issuer_that_is_down_is_named() {
    let scene = Scene::new();
    let mut sign = scene.sign_at(&services_at(&[("oidcUrls", NOWHERE)]), &["--oob"]);
    let words = ["the identity provider (OIDC issuer)", NOWHERE, "/.well-known/openid-configuration"];
    scene.refuses(&mut sign, 3, "network", &words);
}

#[test]
fn an_issuer_that_drips_bytes_is_not_waited_for() {
    let scene = Scene::new();
    let dripping = Service::dripping("application/json");
    let services = services_at(&[("oidcUrls", &dripping.url())]);
    let mut sign = scene.sign_at(&services, &["--oob", "--timeout", "1"]);
    scene.refuses(&mut sign, 3, "timeout", &["the identity provider (OIDC issuer)", &dripping.url()]);
}

#[test]
fn an_issuer_that_says_it_is_another_is_refused() {
    let scene = Scene::new();
    let url = format!("{}/.well-known/openid-configuration", Signer::Person.issuer());
    let other = Service::answering(200, "application/json", http::get(&url));
    let services = services_at(&[("oidcUrls", &other.url())]);
    let mut sign = scene.sign_at(&services, &["--oob"]);
    scene.refuses(&mut sign, 3, "login", &[Signer::Person.issuer(), &other.url(), "says that it is"]);
}
