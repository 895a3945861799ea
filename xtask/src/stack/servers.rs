//! The four servers, as processes that end with their owner.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::addresses::{Addresses, HOST};
use super::authority::Authority;
use super::build::Programs;
use super::issuer::Provider;
use super::supervisor::Stop;

const DEADLINE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);
const REPLY_DEADLINE: Duration = Duration::from_secs(2);
const SHOWN_LOG_LINES: usize = 20;

/// A server that answers.
pub(super) struct Server {
    name: &'static str,
    process: Child,
    log: PathBuf,
    port: u16,
    health: &'static str,
}

/// What the servers have in common.
pub(super) struct Site<'a> {
    pub(super) programs: &'a Programs,
    pub(super) authority: &'a Authority,
    pub(super) addresses: &'a Addresses,
    pub(super) directory: &'a Path,
}

impl Site<'_> {
    /// Starts all servers, and waits until each answers.
    pub(super) fn start(&self, stop: &Stop) -> Result<Vec<Server>, String> {
        self.write_private_files().map_err(|error| format!("{}: {error}", self.directory.display()))?;
        let mut servers = vec![self.ctlog()?, self.fulcio()?, self.rekor()?, self.tsa()?];
        let deadline = Instant::now() + DEADLINE;
        servers.iter_mut().try_for_each(|server| server.wait_until_it_answers(deadline, stop))?;
        Ok(servers)
    }

    fn write_private_files(&self) -> io::Result<()> {
        let files = [
            ("fulcio.key", self.authority.fulcio.key.serialize_pem()),
            ("tsa.key", self.authority.tsa.key.serialize_pem()),
            ("rekor.key", self.authority.rekor.serialize_pem()),
            ("ctlog.key", self.authority.ctlog.serialize_pem()),
            ("fulcio.json", self.fulcio_config()),
        ];
        files.iter().try_for_each(|(name, content)| fs::write(self.path(name), content))
    }

    /// Which tokens Fulcio takes, and what their claims mean.
    fn fulcio_config(&self) -> String {
        let base = self.addresses.issuer_url();
        let issuer = |url: &str, kind: &str| json!({"IssuerURL": url, "ClientID": "sigstore", "Type": kind});
        let (email, github) = (Provider::Email.url(&base), Provider::GitHub.url(&base));
        let (email_issuer, github_issuer) = (issuer(&email, "email"), issuer(&github, "github-workflow"));
        json!({"OIDCIssuers": {email: email_issuer, github: github_issuer}}).to_string()
    }

    fn ctlog(&self) -> Result<Server, String> {
        let mut command = Command::new(&self.programs.tesseract);
        command
            .arg(format!("--listen={}:{}", Ipv4Addr::LOCALHOST, self.addresses.ctlog))
            .arg(format!("--origin={HOST}"))
            .arg(self.file_option("storage-dir", "ctlog"))
            .arg(self.file_option("private-key", "ctlog.key"))
            .arg(self.file_option("roots-pem-file", "fulcio_root.pem"));
        self.spawn("ctlog", command, self.addresses.ctlog, "/healthz")
    }

    fn fulcio(&self) -> Result<Server, String> {
        let mut command = Command::new(&self.programs.fulcio);
        command
            .args(["serve", "--ca=fileca", "--fileca-watch=false", "--fileca-key-passwd=none"])
            .arg(self.file_option("fileca-cert", "fulcio_chain.pem"))
            .arg(self.file_option("fileca-key", "fulcio.key"))
            .arg(self.file_option("config-path", "fulcio.json"))
            .arg(format!("--ct-log-url={}", self.addresses.ctlog_url()))
            .arg(self.file_option("ct-log-public-key-path", "ctlog.pub"))
            .arg(format!("--host={}", Ipv4Addr::LOCALHOST))
            .arg(format!("--port={}", self.addresses.fulcio))
            .arg(format!("--grpc-host={}", Ipv4Addr::LOCALHOST))
            .arg(format!("--grpc-port={}", self.addresses.fulcio_grpc))
            // On every interface, and there is no option against it.
            .arg(format!("--metrics-port={}", self.addresses.fulcio_metrics))
            .arg(self.file_option("legacy-unix-domain-socket", "fulcio.sock"));
        self.spawn("fulcio", command, self.addresses.fulcio, "/healthz")
    }

    fn rekor(&self) -> Result<Server, String> {
        let mut command = Command::new(&self.programs.rekor);
        command
            .arg("serve")
            // The origin of checkpoints: clients want the host of the log's URL there.
            .arg(format!("--hostname={HOST}"))
            .arg(format!("--http-port={}", self.addresses.rekor))
            .arg(format!("--grpc-port={}", self.addresses.rekor_grpc))
            .arg(format!("--http-metrics-port={}", self.addresses.rekor_metrics))
            .arg(self.file_option("storage-dir", "rekor"))
            .arg(self.file_option("signer-filepath", "rekor.key"))
            // Every signer waits for its entry.
            .args(["--checkpoint-interval=100ms", "--batch-max-age=10ms"]);
        self.spawn("rekor", command, self.addresses.rekor, "/healthz")
    }

    fn tsa(&self) -> Result<Server, String> {
        let mut command = Command::new(&self.programs.timestamp_authority);
        command
            .arg(format!("--host={}", Ipv4Addr::LOCALHOST))
            .arg(format!("--port={}", self.addresses.tsa))
            .arg(self.file_option("private-key", "tsa.key"))
            .arg(self.file_option("certificate-chain", "tsa_chain.pem"));
        self.spawn("tsa", command, self.addresses.tsa, "/ping")
    }

    fn spawn(
        &self,
        name: &'static str,
        mut command: Command,
        port: u16,
        health: &'static str,
    ) -> Result<Server, String> {
        let log = self.path(&format!("{name}.log"));
        let spawned = File::create(&log).and_then(|file| {
            command
                .current_dir(self.directory)
                // Some take options from variables with everyday names.
                .env_clear()
                .env("HOME", self.directory)
                .stdin(Stdio::null())
                .stdout(file.try_clone()?)
                .stderr(file)
                .spawn()
        });
        let process = spawned.map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Server { name, process, log, port, health })
    }

    fn file_option(&self, option: &str, name: &str) -> String {
        format!("--{option}={}", self.path(name).display())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Server {
    /// Fails if the server ended.
    pub(super) fn check(&mut self) -> Result<(), String> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(self.problem(&format!("ended with {status}"))),
            Err(error) => Err(self.problem(&format!("cannot be watched: {error}"))),
        }
    }

    fn wait_until_it_answers(&mut self, deadline: Instant, stop: &Stop) -> Result<(), String> {
        while !self.answers().unwrap_or(false) {
            self.check()?;
            if stop.is_requested() {
                return Err("stopped before everything ran".to_owned());
            }
            if Instant::now() > deadline {
                return Err(self.problem(&format!("did not answer in {} s", DEADLINE.as_secs())));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn answers(&self) -> io::Result<bool> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let mut stream = TcpStream::connect_timeout(&address, REPLY_DEADLINE)?;
        stream.set_read_timeout(Some(REPLY_DEADLINE))?;
        write!(stream, "GET {} HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n", self.health)?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply)?;
        Ok(reply.starts_with("HTTP/1.1 200 "))
    }

    fn problem(&self, what: &str) -> String {
        let log = fs::read(&self.log).unwrap_or_default();
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(SHOWN_LOG_LINES)..];
        format!("{} {what}; the end of its log:\n{}", self.name, tail.join("\n"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing that it would write in an orderly end is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
