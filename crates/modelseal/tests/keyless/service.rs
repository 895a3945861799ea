//! Stand-ins for services: what answers nothing, something else, or for ever.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Where nobody listens: the port that RFC 1078 set aside, and nobody uses.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:1";

/// A server on a free port of the loopback, until the tests end.
pub(crate) struct Service {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    /// Answers by the path that is asked for.
    pub(crate) fn new(answer: impl Fn(&str, &mut TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self { address: listener.local_addr().unwrap(), asked: Arc::default() };
        let (asked, answer) = (Arc::clone(&service.asked), Arc::new(answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (asked, answer) = (Arc::clone(&asked), Arc::clone(&answer));
                thread::spawn(move || {
                    let Some(path) = read_request(&stream) else { return };
                    asked.lock().unwrap().push(path.clone());
                    answer(&path, &mut stream);
                });
            }
        });
        service
    }

    /// Always the same answer.
    pub(crate) fn answering(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let answer = answer(status, content_type, &body.into());
        Self::new(move |_, stream| send(stream, &answer))
    }

    /// Fails with status 500, and so only tells whether it is asked.
    pub(crate) fn idle() -> Self {
        Self::answering(500, "text/plain", "")
    }

    /// Takes the request, and says nothing until the client goes away.
    pub(crate) fn silent() -> Self {
        Self::new(|_, stream| {
            let _ = stream.read(&mut [0]);
        })
    }

    /// Begins an answer of this content type, and goes on with a byte at a time.
    pub(crate) fn dripping(content_type: &'static str) -> Self {
        Self::new(move |_, stream| {
            let mut bytes = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\n\r\n").into_bytes();
            while stream.write_all(&bytes).is_ok() {
                bytes = b" ".to_vec();
                thread::sleep(Duration::from_millis(50));
            }
        })
    }

    /// Where it is.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The paths that were asked for.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// A whole answer of HTTP.
pub(crate) fn answer(status: u16, content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} As Told\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\
         Location: /elsewhere\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A client that does not want all of it goes away.
pub(crate) fn send(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
}

fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let path = line()?.split(' ').nth(1)?.to_owned();
    let mut length = 0;
    loop {
        let header = line()?.to_ascii_lowercase();
        match header.split_once(':') {
            Some(("content-length", value)) => length = value.trim().parse().ok()?,
            Some(_) => {}
            None => break,
        }
    }
    reader.read_exact(&mut vec![0; length]).ok()?;
    Some(path)
}
