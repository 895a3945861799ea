//! A server of HTTP/1.1 on a free port of the loopback, which answers as a test
//! tells it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use modelseal_sign::sigstore::ServiceUrl;
use serde_json::Value;

/// What came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the request has a body of JSON")
    }
}

/// What goes back.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// A status, a content type and a body.
    Answer(u16, &'static str, Vec<u8>),
    /// A redirect to a place.
    Redirect(String),
    /// The beginning of an answer, then a byte of its body every 100 ms.
    Drip,
    /// Nothing, for ever.
    Silence,
    /// An answer without an end, as fast as it is read.
    Endless,
    /// The end of the connection.
    HangUp,
}

impl Reply {
    pub(crate) fn json(body: &Value) -> Self {
        Self::Answer(200, "application/json", body.to_string().into_bytes())
    }

    pub(crate) fn refusal(status: u16, body: &str) -> Self {
        Self::Answer(status, "application/json", body.as_bytes().to_vec())
    }
}

pub(crate) struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Serves until the test ends; one request a connection.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), asked: Arc::default() };
        let (asked, answer) = (server.asked.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (asked, answer) = (asked.clone(), answer.clone());
                thread::spawn(move || {
                    let request = read(&stream)?;
                    asked.lock().unwrap().push(request.clone());
                    write(stream, answer(&request))
                });
            }
        });
        server
    }

    /// The same reply, whatever is asked.
    pub(crate) fn replying(reply: Reply) -> Self {
        Self::start(move |_| reply.clone())
    }

    /// One reply after the other; the last one for ever.
    pub(crate) fn in_turn(replies: Vec<Reply>) -> Self {
        let next = Mutex::new(0);
        Self::start(move |_| {
            let mut next = next.lock().unwrap();
            let reply = replies[(*next).min(replies.len() - 1)].clone();
            *next += 1;
            reply
        })
    }

    /// A port of the loopback where nobody listens.
    pub(crate) fn nobody() -> ServiceUrl {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        format!("http://127.0.0.1:{port}").parse().unwrap()
    }

    pub(crate) fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub(crate) fn url(&self, path: &str) -> ServiceUrl {
        format!("{}{path}", self.base()).parse().unwrap()
    }

    /// What came so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = || {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        Some(line.trim_end().to_owned())
    };
    let first = line()?;
    let mut words = first.split(' ').map(str::to_owned);
    let mut asked = Asked { method: words.next()?, target: words.next()?, ..Asked::default() };
    loop {
        match line()? {
            end if end.is_empty() => break,
            header => {
                let (name, value) = header.split_once(':')?;
                asked.headers.push((name.to_owned(), value.trim().to_owned()));
            }
        }
    }
    asked.body = vec![0; asked.header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut asked.body).ok()?;
    Some(asked)
}

/// Ends when the client is gone.
fn write(mut stream: TcpStream, reply: Reply) -> Option<()> {
    let mut send = |bytes: &[u8]| stream.write_all(bytes).and_then(|()| stream.flush()).ok();
    match reply {
        Reply::Answer(status, content_type, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
            );
            send(&[head.as_bytes(), &body].concat())
        }
        Reply::Redirect(place) => send(
            format!("HTTP/1.1 307 X\r\nLocation: {place}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                .as_bytes(),
        ),
        Reply::Drip => {
            send(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{")?;
            loop {
                send(b" ")?;
                thread::sleep(Duration::from_millis(100));
            }
        }
        Reply::Silence => loop {
            thread::sleep(Duration::from_secs(1));
        },
        Reply::Endless => {
            send(b"HTTP/1.1 200 X\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n")?;
            loop {
                send(&[b' '; 16 * 1024])?;
            }
        }
        Reply::HangUp => None,
    }
}
