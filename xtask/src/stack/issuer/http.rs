//! As much of HTTP/1.1 as the few clients of the issuer speak: one request a
//! connection, with a body of a known length.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(10);
const LONGEST_REQUEST: u64 = 1 << 20;

pub(super) type Parameters = Vec<(String, String)>;

pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// Empty if there was none.
    pub(super) authorization: String,
    pub(super) body: Vec<u8>,
    query: Parameters,
}

impl Request {
    pub(super) fn read(stream: &TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut input = BufReader::new(stream).take(LONGEST_REQUEST);
        let line = read_line(&mut input)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (mut length, mut authorization) = (0, String::new());
        loop {
            let header = read_line(&mut input)?;
            let Some((name, value)) = header.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().unwrap_or(0),
                "authorization" => value.trim().clone_into(&mut authorization),
                _ => {}
            }
        }
        let mut body = Vec::new();
        input.take(length).read_to_end(&mut body)?;
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            authorization,
            body,
            query: pairs(query.as_bytes()),
        })
    }

    /// A parameter of the query.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.query, name)
    }

    /// The parameters in the body.
    pub(super) fn form(&self) -> Parameters {
        pairs(&self.body)
    }
}

pub(super) fn find<'a>(parameters: &'a Parameters, name: &str) -> Option<&'a str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn pairs(text: &[u8]) -> Parameters {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

fn read_line(input: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    input.read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}

pub(super) struct Response {
    status: &'static str,
    content_type: &'static str,
    location: Option<String>,
    body: Cow<'static, str>,
}

impl Response {
    pub(super) fn json(value: &Value) -> Self {
        Self::new("200 OK", "application/json", value.to_string())
    }

    pub(super) fn text(text: &str) -> Self {
        Self::new("200 OK", "text/plain", text.to_owned())
    }

    pub(super) fn found(location: String) -> Self {
        Self { location: Some(location), ..Self::new("302 Found", "text/plain", "") }
    }

    pub(super) fn bad_request(problem: &str) -> Self {
        Self::new("400 Bad Request", "text/plain", problem.to_owned())
    }

    /// An error of OAuth 2.0, RFC 6749, section 5.2.
    pub(super) fn oauth_error(code: &str, description: &str) -> Self {
        let body = serde_json::json!({"error": code, "error_description": description});
        Self::new("400 Bad Request", "application/json", body.to_string())
    }

    pub(super) fn unauthorized() -> Self {
        Self::new("401 Unauthorized", "text/plain", "")
    }

    pub(super) fn not_found() -> Self {
        Self::new("404 Not Found", "text/plain", "")
    }

    fn new(status: &'static str, content_type: &'static str, body: impl Into<Cow<'static, str>>) -> Self {
        Self { status, content_type, location: None, body: body.into() }
    }

    pub(super) fn write(&self, mut stream: impl Write) -> io::Result<()> {
        let location = self.location.as_ref().map(|url| format!("Location: {url}\r\n")).unwrap_or_default();
        let Self { status, content_type, body, .. } = self;
        let length = body.len();
        write!(
            stream,
            "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{location}\
             Cache-Control: no-store\r\nConnection: close\r\n\r\n{body}"
        )
    }
}
