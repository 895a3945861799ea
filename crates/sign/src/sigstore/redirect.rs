//! The other end of a login in a browser: an address of this machine to which
//! the issuer sends it back (RFC 8252, section 7.3).

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};
use std::{iter, thread};

use reqwest::Url;

use super::LoginError;
use super::http::shortened;

const PATH: &str = "/auth/callback";
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Browsers open some connections ahead of need, and send nothing over them.
const MAX_CONNECTIONS: usize = 16;
const PAUSE: Duration = Duration::from_millis(20);
const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
const DONE: &str = "You are logged in. This window can be closed.";
const NOT_DONE: &str = "The login did not work. The terminal says why.";

/// Waits for a browser on a free port of the loopback.
pub(super) struct Redirect {
    listener: TcpListener,
    port: u16,
}

impl Redirect {
    pub(super) fn listen() -> Result<Self, LoginError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(Self { port: listener.local_addr()?.port(), listener })
        });
        listener.map_err(|error| LoginError::Listen { reason: error.to_string() })
    }

    pub(super) fn uri(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// Waits for the code of the login whose state this is.
    pub(super) fn wait(&self, state: &str, limit: Duration) -> Result<String, LoginError> {
        let started = Instant::now();
        let mut connections = Vec::new();
        while started.elapsed() < limit {
            let waiting = iter::from_fn(|| self.listener.accept().ok()).take(MAX_CONNECTIONS);
            connections.extend(waiting.filter_map(|(stream, _)| Connection::new(stream)));
            let surplus = connections.len().saturating_sub(MAX_CONNECTIONS);
            connections.drain(..surplus);
            if let Some(outcome) = self.serve(&mut connections, state) {
                return outcome;
            }
            thread::sleep(PAUSE);
        }
        Err(LoginError::Timeout { after: limit })
    }

    /// Reads what came, and answers whatever asks for anything but the callback.
    fn serve(&self, connections: &mut Vec<Connection>, state: &str) -> Option<Result<String, LoginError>> {
        let mut outcome = None;
        connections.retain_mut(|connection| match connection.read() {
            Progress::Waiting => true,
            Progress::Over => false,
            Progress::Asked(target) => {
                match self.callback(&target) {
                    Some(url) if outcome.is_none() => {
                        let code = code_of(&url, state);
                        let text = if code.is_ok() { DONE } else { NOT_DONE };
                        connection.answer("200 OK", text);
                        outcome = Some(code);
                    }
                    _ => connection.answer("404 Not Found", "There is nothing here."),
                }
                false
            }
        });
        outcome
    }

    fn callback(&self, target: &str) -> Option<Url> {
        let url = Url::parse(&format!("http://127.0.0.1:{}{target}", self.port)).ok()?;
        Some(url).filter(|url| target.starts_with('/') && url.path() == PATH)
    }
}

/// RFC 6749, sections 4.1.2 and 4.1.2.1. What has not our state is not for us,
/// whatever it says.
fn code_of(url: &Url, state: &str) -> Result<String, LoginError> {
    let field = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value);
    if field("state").as_deref() != Some(state) {
        return Err(LoginError::State);
    }
    if let Some(error) = field("error") {
        let description = field("error_description").unwrap_or_default();
        return Err(LoginError::Refused { error: shortened(&error), description: shortened(&description) });
    }
    field("code").filter(|code| !code.is_empty()).map(Into::into).ok_or(LoginError::NoCode)
}

struct Connection {
    stream: TcpStream,
    head: Vec<u8>,
}

enum Progress {
    Waiting,
    /// Closed, broken, or no HTTP.
    Over,
    /// A GET of this target.
    Asked(String),
}

impl Connection {
    fn new(stream: TcpStream) -> Option<Self> {
        stream.set_nonblocking(true).ok()?;
        Some(Self { stream, head: Vec::new() })
    }

    fn read(&mut self) -> Progress {
        let mut bytes = [0; 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return Progress::Over,
                Ok(length) => self.head.extend_from_slice(&bytes[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::Waiting,
                Err(_) => return Progress::Over,
            }
            if self.head.windows(4).any(|end| end == b"\r\n\r\n") {
                return target_of(&self.head).map_or(Progress::Over, Progress::Asked);
            }
            if self.head.len() > MAX_HEAD_BYTES {
                return Progress::Over;
            }
        }
    }

    /// What went wrong is told by the terminal, where nothing of the request
    /// can act.
    fn answer(&mut self, status: &str, text: &str) {
        let page = format!(
            "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>modelseal</title><p>{text}</p></html>"
        );
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
             Content-Security-Policy: default-src 'none'\r\nCache-Control: no-store\r\n\
             Connection: close\r\n\r\n",
            page.len()
        );
        // A browser that has gone misses a page, no more.
        let _ = self.write(&[head, page].concat());
    }

    fn write(&mut self, answer: &str) -> io::Result<()> {
        self.stream.set_nonblocking(false)?;
        self.stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
        self.stream.write_all(answer.as_bytes())?;
        self.stream.shutdown(Shutdown::Write)
    }
}

fn target_of(head: &[u8]) -> Option<String> {
    let line = std::str::from_utf8(head).ok()?.lines().next()?;
    let parts: Vec<&str> = line.split(' ').collect();
    match parts[..] {
        ["GET", target, "HTTP/1.1" | "HTTP/1.0"] => Some(target.to_owned()),
        _ => None,
    }
}
