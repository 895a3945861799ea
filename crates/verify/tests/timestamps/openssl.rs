//! A timestamp authority that is the program `openssl`.

use std::fs;
use std::process::Command;

use tempfile::TempDir;

use crate::holder::Holder;

const CONFIGURATION: &str = "\
[authority]
default_policy = 1.2.3.4
digests = sha1, sha256, sha384, sha512
ess_cert_id_alg = sha256
signer_digest = sha256
serial = serial
";

/// What `openssl ts` needs on the disk.
pub(crate) struct Program(TempDir);

impl Program {
    /// An authority with a certificate, and what is between it and its root.
    pub(crate) fn of(holder: &Holder, between: &[&Holder]) -> Self {
        Self::with_key(&holder.key.serialize_pem(), &holder.der(), between)
    }

    pub(crate) fn with_key(key: &str, leaf: &[u8], between: &[&Holder]) -> Self {
        let program = Self(TempDir::new().unwrap());
        program.write("openssl.cnf", CONFIGURATION.as_bytes());
        program.write("serial", b"01\n");
        program.write("key.pem", key.as_bytes());
        program.write("leaf.pem", pem(leaf).as_bytes());
        let between: String = between.iter().map(|holder| pem(&holder.der())).collect();
        program.write("between.pem", between.as_bytes());
        program
    }

    /// A timestamp of now over some bytes, as the authority answers it.
    pub(crate) fn stamp(&self, bytes: &[u8]) -> Vec<u8> {
        self.stamp_with(bytes, &["-sha256", "-cert"], &[])
    }

    /// With other options to ask, and to answer, by.
    pub(crate) fn stamp_with(&self, bytes: &[u8], asking: &[&str], answering: &[&str]) -> Vec<u8> {
        self.write("signature", bytes);
        self.run(&[&["-query", "-data", "signature", "-out", "query"], asking].concat()).unwrap();
        let answer =
            ["-reply", "-queryfile", "query", "-signer", "leaf.pem", "-inkey", "key.pem", "-out", "answer"];
        let configured = ["-config", "openssl.cnf", "-section", "authority"];
        let is_alone = fs::metadata(self.0.path().join("between.pem")).unwrap().len() == 0;
        let between: &[&str] = if is_alone { &[] } else { &["-chain", "between.pem"] };
        self.run(&[&answer[..], &configured, between, answering].concat()).unwrap();
        fs::read(self.0.path().join("answer")).unwrap()
    }

    /// Whether the program itself believes a bare token.
    pub(crate) fn believes(&self, token: &[u8], bytes: &[u8], root: &Holder, at: i64) -> Result<(), String> {
        self.write("signature", bytes);
        self.write("token", token);
        self.write("root.pem", pem(&root.der()).as_bytes());
        let verify = ["-verify", "-in", "token", "-token_in", "-data", "signature", "-CAfile", "root.pem"];
        self.run(&[&verify[..], &["-attime", &at.to_string()]].concat())
    }

    /// What it says when it fails.
    fn run(&self, arguments: &[&str]) -> Result<(), String> {
        let mut command = Command::new("openssl");
        let command = command.arg("ts").args(arguments).current_dir(self.0.path());
        let output = command.env("OPENSSL_CONF", "openssl.cnf").output().expect("the tests need openssl");
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.0.path().join(name), content).unwrap();
    }
}

/// Lines of PEM.
fn pem(der: &[u8]) -> String {
    let text = crate::log::base64(der);
    let lines: Vec<&str> =
        text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
