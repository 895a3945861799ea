//! HTTP with an end: in time, in size, and in the number of tries.

use std::cell::Cell;
use std::error::Error;
use std::time::Duration;
use std::{panic, thread};

use modelseal_bundle::{JsonError, check_json};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, redirect};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::{runtime, time};
use zeroize::Zeroizing;

use super::{Service, ServiceError, ServiceFailure, ServiceUrl, TimeoutStep};

const USER_AGENT: &str = concat!("modelseal/", env!("CARGO_PKG_VERSION"));
const JSON: &str = "application/json";
const MAX_TRIES: u32 = 3;
/// Before the second try; twice as long before the third.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const MAX_ANSWER_BYTES: usize = 1024 * 1024;
/// Values in the JSON of an answer: the longest have a hash for each level of a
/// log, or the certificates of a chain.
const MAX_ANSWER_VALUES: usize = 10_000;
/// What is read of an answer that is not wanted.
const MAX_REFUSAL_BYTES: usize = 8 * 1024;
const MAX_MESSAGE_CHARS: usize = 400;
/// Shorter words of a request may be quoted by a refusal of it.
const MIN_SECRET_CHARS: usize = 12;

/// How long services are waited for. What takes longer is an error.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// For a connection, with TLS.
    pub connect: Duration,
    /// For the next bytes of an answer. A log may need 20 s to take an entry.
    pub read: Duration,
    /// For a whole request, with all its tries.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [connect, read, total] = [10, 30, 90].map(Duration::from_secs);
        Self { connect, read, total }
    }
}

/// A request that was not yet sent.
pub(super) struct Request<'a> {
    service: Service,
    url: &'a ServiceUrl,
    method: Method,
    headers: HeaderMap,
    body: Zeroizing<Vec<u8>>,
    expected: Option<&'static str>,
}

impl<'a> Request<'a> {
    pub(super) fn get(service: Service, url: &'a ServiceUrl) -> Self {
        let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(JSON))]);
        Self { service, url, method: Method::GET, headers, body: Zeroizing::default(), expected: None }
    }

    pub(super) fn post_json(service: Service, url: &'a ServiceUrl, body: Vec<u8>) -> Self {
        Self::get(service, url).with_body(JSON, body)
    }

    pub(super) fn post_form(service: Service, url: &'a ServiceUrl, fields: &[(&str, &str)]) -> Self {
        let mut form = url.url().clone();
        form.query_pairs_mut().clear().extend_pairs(fields);
        let form = form.query().unwrap_or_default().as_bytes().to_vec();
        Self::get(service, url).with_body("application/x-www-form-urlencoded", form)
    }

    /// A request of one media type that is answered by another.
    pub(super) fn post(
        service: Service,
        url: &'a ServiceUrl,
        content_type: &'static str,
        body: Vec<u8>,
        expected: &'static str,
    ) -> Self {
        let request = Self { expected: Some(expected), ..Self::get(service, url) };
        request.with_header(ACCEPT, HeaderValue::from_static(expected)).with_body(content_type, body)
    }

    fn with_body(self, content_type: &'static str, body: Vec<u8>) -> Self {
        let request = Self { method: Method::POST, body: Zeroizing::new(body), ..self };
        request.with_header(CONTENT_TYPE, HeaderValue::from_static(content_type))
    }

    fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// The same, on behalf of the holder of a token. Nothing is added that
    /// cannot stand in a header.
    pub(super) fn with_bearer(self, token: &str) -> Self {
        let header = Zeroizing::new(format!("Bearer {token}"));
        match HeaderValue::from_str(&header) {
            Ok(mut value) => {
                value.set_sensitive(true);
                self.with_header(AUTHORIZATION, value)
            }
            Err(_) => self,
        }
    }

    /// What this service did wrong when its answer was understood.
    pub(super) fn failed(&self, failure: ServiceFailure) -> ServiceError {
        ServiceError { service: self.service, url: self.url.to_string(), failure, tries: 1 }
    }

    /// Sends it, and reads an answer of JSON.
    pub(super) fn json<T: DeserializeOwned>(&self, timeouts: &Timeouts) -> Result<T, ServiceError> {
        let answer = self.send(timeouts)?;
        strict_json(&answer).map_err(|error| self.failed(error.into()))
    }

    /// Sends it, and reads one field of an answer of JSON, which no error shows.
    pub(super) fn secret(&self, timeouts: &Timeouts, field: &str) -> Result<Zeroizing<String>, ServiceError> {
        let answer = Zeroizing::new(self.send(timeouts)?);
        let answer: Value = strict_json(&answer).map_err(|error| self.failed(error.into()))?;
        let missing = || self.failed(ServiceFailure::unexpected(format!("it has no {field}")));
        answer[field].as_str().map(|text| Zeroizing::new(text.to_owned())).ok_or_else(missing)
    }

    /// Sends it, and gives the bytes of the answer, at most 1 MiB.
    pub(super) fn send(&self, timeouts: &Timeouts) -> Result<Vec<u8>, ServiceError> {
        // On a thread of its own: the caller may be within a runtime, and no
        // runtime runs within another.
        thread::scope(|scope| {
            let sending = scope.spawn(|| self.send_here(timeouts));
            sending.join().unwrap_or_else(|panic| panic::resume_unwind(panic))
        })
    }

    fn send_here(&self, timeouts: &Timeouts) -> Result<Vec<u8>, ServiceError> {
        let tries = Cell::new(1);
        self.send_in_time(timeouts, &tries)
            .map_err(|failure| ServiceError { tries: tries.get(), ..self.failed(failure) })
    }

    fn send_in_time(&self, timeouts: &Timeouts, tries: &Cell<u32>) -> Result<Vec<u8>, ServiceFailure> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| ServiceFailure::Client { reason: error.to_string() })?;
        let client = client(self.url, timeouts)
            .map_err(|error| ServiceFailure::Client { reason: root_cause(&error) })?;
        let sending =
            async { time::timeout(timeouts.total, self.send_until(&client, timeouts, tries)).await };
        let outcome = runtime.block_on(sending);
        // The system's resolver cannot be interrupted: it is not waited for.
        runtime.shutdown_background();
        outcome.unwrap_or(Err(ServiceFailure::Timeout { step: TimeoutStep::Total, after: timeouts.total }))
    }

    async fn send_until(
        &self,
        client: &Client,
        timeouts: &Timeouts,
        tries: &Cell<u32>,
    ) -> Result<Vec<u8>, ServiceFailure> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.send_once(client, timeouts).await {
                Err(failure) if failure.is_passing() && tries.get() < MAX_TRIES => {
                    time::sleep(pause).await;
                    pause *= 2;
                    tries.set(tries.get() + 1);
                }
                outcome => return outcome,
            }
        }
    }

    async fn send_once(&self, client: &Client, timeouts: &Timeouts) -> Result<Vec<u8>, ServiceFailure> {
        let request = client
            .request(self.method.clone(), self.url.url().clone())
            .headers(self.headers.clone())
            .body(self.body.to_vec());
        let response = request.send().await.map_err(|error| broken(&error, timeouts))?;
        let status = response.status();
        if status.is_redirection() {
            return Err(ServiceFailure::Redirect { status: status.as_u16() });
        }
        if !status.is_success() {
            let (body, _) = read(response, MAX_REFUSAL_BYTES, timeouts).await?;
            return Err(ServiceFailure::Status {
                status: status.as_u16(),
                message: self.without_secrets(&message_of(&body)),
            });
        }
        self.check_type(&response)?;
        match read(response, MAX_ANSWER_BYTES, timeouts).await? {
            (body, true) => Ok(body),
            (_, false) => Err(ServiceFailure::TooLarge { limit: MAX_ANSWER_BYTES }),
        }
    }

    /// A refusal may quote what it refuses. No word is shown that was a part of
    /// a value in the request and is long enough to be a secret.
    fn without_secrets(&self, message: &str) -> String {
        let sent = self.values();
        let is_sent =
            |word: &str| word.len() >= MIN_SECRET_CHARS && sent.iter().any(|value| value.contains(word));
        let is_separator = |c: char| !c.is_ascii_alphanumeric() && !"_-.~+/=%".contains(c);
        let shown = |word: &str| {
            let bare = word.trim_end_matches(is_separator);
            if is_sent(bare) { word.replace(bare, "…") } else { word.to_owned() }
        };
        shortened(&message.split_inclusive(is_separator).map(shown).collect::<String>())
    }

    /// The values of the request, without their names.
    fn values(&self) -> Vec<Zeroizing<String>> {
        let bearer = self.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let mut values: Vec<_> = bearer.into_iter().map(|value| Zeroizing::new(value.to_owned())).collect();
        if let Ok(json) = serde_json::from_slice(&self.body) {
            texts(&json, &mut values);
        } else {
            let fields = form_urlencoded::parse(&self.body);
            values.extend(fields.map(|(_, value)| Zeroizing::new(value.into_owned())));
        }
        values
    }

    fn check_type(&self, response: &Response) -> Result<(), ServiceFailure> {
        let Some(expected) = self.expected else { return Ok(()) };
        let found = response.headers().get(CONTENT_TYPE).and_then(|found| found.to_str().ok());
        let found = found.unwrap_or_default();
        let media_type = found.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case(expected) {
            return Ok(());
        }
        Err(ServiceFailure::ContentType { expected, found: shortened(found) })
    }
}

/// Every text in `json`.
fn texts(json: &Value, found: &mut Vec<Zeroizing<String>>) {
    match json {
        Value::String(text) => found.push(Zeroizing::new(text.clone())),
        Value::Array(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

fn client(url: &ServiceUrl, timeouts: &Timeouts) -> reqwest::Result<Client> {
    let builder = Client::builder()
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .connect_timeout(timeouts.connect)
        .read_timeout(timeouts.read);
    // What may go without TLS must not leave this machine: not to a proxy either.
    let builder = if url.is_loopback() { builder.no_proxy() } else { builder };
    // Nor does it need root certificates, which not every machine has.
    if url.is_https() { builder.build() } else { builder.tls_certs_only([]).build() }
}

/// Reads at most `limit` bytes, and says whether that was all.
async fn read(
    mut response: Response,
    limit: usize,
    timeouts: &Timeouts,
) -> Result<(Vec<u8>, bool), ServiceFailure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error, timeouts))? {
        let room = limit - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, false));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, true))
}

fn broken(error: &reqwest::Error, timeouts: &Timeouts) -> ServiceFailure {
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => ServiceFailure::Timeout { step: TimeoutStep::Connect, after: timeouts.connect },
        (true, false) => ServiceFailure::Timeout { step: TimeoutStep::Read, after: timeouts.read },
        (false, true) => ServiceFailure::Connect { reason: root_cause(error) },
        (false, false) => ServiceFailure::Broken { reason: root_cause(error) },
    }
}

/// What lies at the bottom of an error says most: what is above it says that a
/// request was being sent.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// What a refusal says: the field that Fulcio, Rekor or an OIDC issuer put it
/// in, else all of it.
fn message_of(body: &[u8]) -> String {
    let object = strict_json::<Value>(body).unwrap_or_default();
    let fields = ["message", "error_description", "error"].map(|name| object[name].as_str());
    let text = String::from_utf8_lossy(body);
    fields.into_iter().flatten().find(|text| !text.is_empty()).unwrap_or(&text).to_owned()
}

/// The beginning of a text that came from outside, on one line.
pub(super) fn shortened(text: &str) -> String {
    let text = text.trim();
    let mut short: String = text.chars().take(MAX_MESSAGE_CHARS).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

/// Reads the JSON of an answer: nothing twice, within limits.
pub(super) fn strict_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    check_json(bytes, MAX_ANSWER_VALUES)?;
    Ok(serde_json::from_slice(bytes)?)
}
