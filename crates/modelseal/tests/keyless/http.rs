//! As much of an HTTP client as the issuer and the log need to be asked
//! directly.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

/// The body of an answer with status 200.
pub(crate) fn get(url: &str) -> String {
    ask("GET", url, "")
}

/// The body of an answer with status 200 or 201.
pub(crate) fn post(url: &str, body: &Value) -> String {
    ask("POST", url, &body.to_string())
}

fn ask(method: &str, url: &str, body: &str) -> String {
    let (host, path) = url.strip_prefix("http://").and_then(|rest| rest.split_once('/')).expect(url);
    let mut stream = TcpStream::connect(host).unwrap();
    let length = body.len();
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
    assert!(head.starts_with("HTTP/1.1 20"), "{url}: {answer}");
    assert!(!head.contains("chunked"), "{url}: {answer}");
    body.to_owned()
}
