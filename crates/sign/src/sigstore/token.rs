use std::fmt::{self, Debug};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use modelseal_bundle::check_json;
use modelseal_manifest::Escaped;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// The audience of tokens that Fulcio takes, and the client that asks for them.
pub const SIGSTORE_AUDIENCE: &str = "sigstore";

/// Tokens have some 1 to 2 KiB.
const MAX_TOKEN_BYTES: usize = 32 * 1024;
const MAX_CLAIMS: usize = 1_000;
/// How far the clock of an issuer may be ahead of ours.
const MAX_SKEW: SignedDuration = SignedDuration::from_secs(60);

/// A statement of an OIDC issuer about who somebody is (a JWT, RFC 7519).
///
/// Its signature is *not* verified here: that is for Fulcio, which believes
/// the issuers that it knows. Whoever holds the token can sign as its subject
/// until it expires: it is wiped from memory when it is dropped, and never
/// shown.
#[derive(Clone)]
pub struct IdentityToken {
    raw: Zeroizing<String>,
    issuer: String,
    subject: Option<String>,
    email: Option<String>,
    identity: String,
    nonce: Option<String>,
    not_before: Option<Timestamp>,
    expires_at: Timestamp,
}

impl IdentityToken {
    /// Reads a token for `audience`, usually [`SIGSTORE_AUDIENCE`]. White space
    /// around it is passed over.
    ///
    /// # Errors
    /// [`TokenError`]. It never holds any part of the token but its audience
    /// and its times.
    pub fn parse(token: &str, audience: &str, now: Timestamp) -> Result<Self, TokenError> {
        let raw = Zeroizing::new(token.trim().to_owned());
        let claims = claims_of(&raw)?;
        check_audience(&claims, audience)?;
        let text = |name| text(&claims, name);
        let malformed = |reason| TokenError::Malformed { reason };
        let unverified = claims.get("email_verified").is_some_and(|verified| {
            *verified == Value::Bool(false) || *verified == Value::String("false".to_owned())
        });
        let email = text("email").filter(|_| !unverified);
        let subject = text("sub");
        let token = Self {
            issuer: text("iss").ok_or(malformed("it names no issuer"))?,
            // No CI provider puts an address into its tokens.
            identity: email
                .clone()
                .or_else(|| job_identity(&claims))
                .or_else(|| subject.clone())
                .ok_or(malformed("it names no subject"))?,
            nonce: text("nonce"),
            not_before: time(&claims, "nbf")?.max(time(&claims, "iat")?),
            expires_at: time(&claims, "exp")?.ok_or(malformed("it does not say when it expires"))?,
            raw,
            subject,
            email,
        };
        token.check_current(now)?;
        Ok(token)
    }

    /// Whether it can be used now.
    ///
    /// # Errors
    /// [`TokenError::Expired`], and [`TokenError::NotYetValid`] beyond a skew
    /// of 60 s.
    pub fn check_current(&self, now: Timestamp) -> Result<(), TokenError> {
        if now >= self.expires_at {
            return Err(TokenError::Expired { at: self.expires_at, now });
        }
        let is_early = |from: &Timestamp| from.duration_since(now) > MAX_SKEW;
        match self.not_before.filter(is_early) {
            Some(from) => Err(TokenError::NotYetValid { from, now }),
            None => Ok(()),
        }
    }

    /// Who says so. Never print it raw.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// When it expires.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Whom it is about, as the issuer numbers people and jobs. Never print it
    /// raw.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The mail address, unless the issuer says that it did not verify it.
    /// Never print it raw.
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// The identity that will stand in the certificate, and so in public logs,
    /// as far as it can be told: the mail address; else, for GitHub Actions,
    /// GitLab, Buildkite and `CircleCI`, the URI that the public Fulcio makes of
    /// their claims; else the subject. Never print it raw.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub(super) fn nonce(&self) -> Option<&str> {
        self.nonce.as_deref()
    }

    /// What Fulcio wants signed as a proof that the key is ours.
    pub(super) fn challenge(&self) -> &str {
        self.email.as_ref().or(self.subject.as_ref()).unwrap_or(&self.identity)
    }

    pub(super) fn expose(&self) -> &str {
        &self.raw
    }
}

impl Debug for IdentityToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityToken")
            .field("issuer", &self.issuer)
            .field("identity", &self.identity)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// The claims of a token, of which all three parts are what they should be.
fn claims_of(token: &str) -> Result<Map<String, Value>, TokenError> {
    let malformed = |reason| TokenError::Malformed { reason };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(malformed("it is longer than 32 KiB"));
    }
    let parts: Vec<&str> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else {
        return Err(malformed("it has not the three parts of a JWT"));
    };
    let decode = |part| URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed("it is not base64url"));
    if decode(signature)?.is_empty() {
        return Err(malformed("it is not signed"));
    }
    object(&decode(header)?)?;
    object(&decode(payload)?)
}

fn object(json: &[u8]) -> Result<Map<String, Value>, TokenError> {
    let malformed = TokenError::Malformed { reason: "it does not hold JSON objects" };
    let value = check_json(json, MAX_CLAIMS).ok().and_then(|()| serde_json::from_slice(json).ok());
    if let Some(Value::Object(object)) = value { Ok(object) } else { Err(malformed) }
}

/// RFC 7519, section 4.1.3: one text, or several.
fn check_audience(claims: &Map<String, Value>, expected: &str) -> Result<(), TokenError> {
    let found: Vec<String> = match claims.get("aud") {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => vec![],
    };
    if found.iter().any(|audience| audience == expected) {
        return Ok(());
    }
    Err(TokenError::WrongAudience { expected: expected.to_owned(), found })
}

/// What the configuration of the public Fulcio makes of the claims of a job.
fn job_identity(claims: &Map<String, Value>) -> Option<String> {
    let text = |name| text(claims, name);
    let two = |first, second| Some((text(first)?, text(second)?));
    let github = || Some(format!("https://github.com/{}", text("job_workflow_ref")?));
    let gitlab = || Some(format!("https://{}", text("ci_config_ref_uri")?));
    let buildkite = || {
        let (organization, pipeline) = two("organization_slug", "pipeline_slug")?;
        Some(format!("https://buildkite.com/{organization}/{pipeline}"))
    };
    let circle = || {
        let ids = ("oidc.circleci.com/project-id", "oidc.circleci.com/pipeline-definition-id");
        let (project, pipeline) = two(ids.0, ids.1)?;
        Some(format!("https://circleci.com/api/v2/projects/{project}/pipeline-definitions/{pipeline}"))
    };
    github().or_else(gitlab).or_else(buildkite).or_else(circle)
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
}

/// RFC 7519, section 2: seconds since 1970, which may have a fraction.
fn time(claims: &Map<String, Value>, name: &str) -> Result<Option<Timestamp>, TokenError> {
    let malformed = TokenError::Malformed { reason: "its times are not numbers of seconds" };
    let Some(value) = claims.get(name) else { return Ok(None) };
    let whole = value.as_i64().map(SignedDuration::from_secs);
    let duration =
        whole.or_else(|| value.as_f64().and_then(|seconds| SignedDuration::try_from_secs_f64(seconds).ok()));
    let time = duration.and_then(|since| Timestamp::from_duration(since).ok());
    time.map(Some).ok_or(malformed)
}

/// Why a token cannot be used.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// It is for somebody else.
    #[error(
        "the identity token is for {}, expected the audience \"{}\"",
        if found.is_empty() { "no audience".to_owned() } else { format!("the audience \"{}\"", Escaped(&found.join("\", \""))) },
        Escaped(expected)
    )]
    WrongAudience {
        /// The audience that Fulcio takes.
        expected: String,
        /// Those that it names.
        found: Vec<String>,
    },
    /// It was good once.
    #[error("the identity token expired at {at}, and it is {now}")]
    Expired {
        /// When it expired.
        at: Timestamp,
        /// What time it is here.
        now: Timestamp,
    },
    /// The issuer's clock or ours is wrong.
    #[error("the identity token is valid from {from} on, and it is {now} by the clock of this machine")]
    NotYetValid {
        /// When it begins.
        from: Timestamp,
        /// What time it is here.
        now: Timestamp,
    },
    /// Not a JWT, or one without what is needed.
    #[error("the identity token cannot be used: {reason}")]
    Malformed {
        /// What is wrong with it.
        reason: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn jwt(claims: &Value) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", part(r#"{"alg":"ES256"}"#), part(&claims.to_string()), part("signature"))
    }

    fn claims(more: &Value) -> Value {
        let mut claims = json!({"iss": "https://i", "sub": "s", "aud": "sigstore", "exp": NOW + 600});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        claims
    }

    fn parse(claims: &Value) -> Result<IdentityToken, TokenError> {
        IdentityToken::parse(&jwt(claims), SIGSTORE_AUDIENCE, now())
    }

    #[test]
    fn a_token_tells_its_issuer_its_subject_and_its_end() {
        let token = parse(&claims(&json!({}))).unwrap();
        assert_eq!((token.issuer(), token.subject(), token.identity()), ("https://i", Some("s"), "s"));
        assert_eq!(token.expires_at(), Timestamp::from_second(NOW + 600).unwrap());
        assert_eq!((token.email(), token.challenge()), (None, "s"));
        let padded = format!("\n {}\r\n", jwt(&claims(&json!({}))));
        assert!(IdentityToken::parse(&padded, SIGSTORE_AUDIENCE, now()).is_ok());
    }

    #[test]
    fn the_audience_is_one_text_or_among_several() {
        for aud in [json!("sigstore"), json!(["sigstore"]), json!(["x", "sigstore"])] {
            assert!(parse(&claims(&json!({"aud": aud}))).is_ok(), "{aud}");
        }
        for (aud, found) in [
            (json!("Sigstore"), vec!["Sigstore"]),
            (json!("https://other.example"), vec!["https://other.example"]),
            (json!(["a", "b"]), vec!["a", "b"]),
            (json!([]), vec![]),
            (json!({"sigstore": 1}), vec![]),
            (Value::Null, vec![]),
        ] {
            let expected = TokenError::WrongAudience {
                expected: "sigstore".to_owned(),
                found: found.into_iter().map(str::to_owned).collect(),
            };
            assert_eq!(parse(&claims(&json!({"aud": aud}))).unwrap_err(), expected);
        }
        let token = jwt(&claims(&json!({"aud": "another"})));
        assert!(IdentityToken::parse(&token, "another", now()).is_ok());
    }

    #[test]
    fn a_token_ends_at_its_very_second() {
        assert!(parse(&claims(&json!({"exp": NOW + 1}))).is_ok());
        for exp in [NOW, NOW - 1, 0] {
            let error = parse(&claims(&json!({"exp": exp}))).unwrap_err();
            assert_eq!(error, TokenError::Expired { at: Timestamp::from_second(exp).unwrap(), now: now() });
        }
    }

    #[test]
    fn a_token_may_begin_a_minute_ahead_of_our_clock_and_no_more() {
        for claim in ["iat", "nbf"] {
            assert!(parse(&claims(&json!({claim: NOW + 60}))).is_ok());
            let error = parse(&claims(&json!({claim: NOW + 61}))).unwrap_err();
            let from = Timestamp::from_second(NOW + 61).unwrap();
            assert_eq!(error, TokenError::NotYetValid { from, now: now() });
        }
    }

    #[test]
    fn times_may_have_fractions_and_must_be_numbers() {
        assert!(parse(&claims(&json!({"exp": 1_800_000_000.5}))).is_ok());
        for exp in [json!("1900000000"), json!(1e300), Value::Null, json!([1])] {
            let refused = parse(&claims(&json!({"exp": exp})));
            assert!(matches!(refused, Err(TokenError::Malformed { .. })), "{refused:?}");
        }
    }

    #[test]
    fn garbage_is_refused_and_never_echoed() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let good = jwt(&claims(&json!({})));
        let doubled = r#"{"iss":"i","sub":"s","aud":"sigstore","aud":"x","exp":9999999999}"#;
        for token in [
            String::new(),
            "secret".to_owned(),
            "secret.secret".to_owned(),
            format!("{good}.secret"),
            format!("{}.{}.", part("{}"), part("{}")),
            format!("{}.{}.secret!", part("{}"), part("{}")),
            format!("{}.{}.{}", part("[]"), part("{}"), part("secret")),
            format!("{}.{}.{}", part("{}"), part("\"secret\""), part("secret")),
            format!("{}.{}.{}", part("{}"), part(doubled), part("secret")),
            good.replace('.', "=."),
            "a".repeat(MAX_TOKEN_BYTES + 1),
            jwt(&json!({"aud": "sigstore", "exp": NOW + 1, "sub": "secret"})),
            jwt(&json!({"aud": "sigstore", "exp": NOW + 1, "iss": "secret"})),
            jwt(&json!({"aud": "sigstore", "sub": "secret", "iss": "secret"})),
        ] {
            let error = IdentityToken::parse(&token, SIGSTORE_AUDIENCE, now()).unwrap_err();
            assert!(matches!(error, TokenError::Malformed { .. }), "{error:?}");
            assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
        }
    }

    #[test]
    fn an_address_that_was_not_verified_is_no_identity() {
        for unverified in [json!(false), json!("false")] {
            let token = parse(&claims(&json!({"email": "a@b", "email_verified": unverified}))).unwrap();
            assert_eq!((token.email(), token.identity(), token.challenge()), (None, "s", "s"));
        }
        for verified in [json!({"email": "a@b"}), json!({"email": "a@b", "email_verified": true})] {
            let token = parse(&claims(&verified)).unwrap();
            assert_eq!((token.email(), token.identity(), token.challenge()), (Some("a@b"), "a@b", "a@b"));
        }
    }

    #[test]
    fn the_identity_of_a_job_is_what_fulcio_makes_of_its_claims() {
        for (more, identity) in [
            (
                json!({"job_workflow_ref": "o/r/.github/workflows/w.yml@refs/heads/main"}),
                "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main",
            ),
            (
                json!({"ci_config_ref_uri": "gitlab.com/g/p//.gitlab-ci.yml@refs/heads/main"}),
                "https://gitlab.com/g/p//.gitlab-ci.yml@refs/heads/main",
            ),
            (json!({"organization_slug": "o", "pipeline_slug": "p"}), "https://buildkite.com/o/p"),
            (
                json!({"oidc.circleci.com/project-id": "a", "oidc.circleci.com/pipeline-definition-id": "b"}),
                "https://circleci.com/api/v2/projects/a/pipeline-definitions/b",
            ),
        ] {
            let token = parse(&claims(&more)).unwrap();
            assert_eq!((token.identity(), token.challenge()), (identity, "s"));
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let raw = jwt(&claims(&json!({})));
        let token = IdentityToken::parse(&raw, SIGSTORE_AUDIENCE, now()).unwrap();
        let shown = format!("{token:?} {token:#?}");
        assert!(!shown.contains(&raw) && raw.split('.').all(|part| !shown.contains(part)), "{shown}");
    }
}
