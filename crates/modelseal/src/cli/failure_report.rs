//! A failure as a person or a program sees it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::failure::{Details, Exit, Failure};
use super::shapes::{signer_json, unsigned_json};
use super::text::{BAD, HELP, slash};

pub(crate) fn json(failure: &Failure) -> Value {
    let mut error = json!({ "code": failure.code, "message": failure.message, "help": failure.help });
    match &failure.details {
        Details::None => {}
        Details::Unsigned(unsigned) => error["not_signed"] = unsigned_json(unsigned),
        Details::Differences(found) => {
            let (differences, signer) = &**found;
            let changed: Vec<Value> = differences
                .changed
                .iter()
                .map(|change| {
                    json!({
                        "name": change.name.to_wire(),
                        "expected": change.expected.map(|digest| digest.to_string()),
                        "found": change.found.map(|digest| digest.to_string()),
                    })
                })
                .collect();
            let names = |paths: &[modelseal::ManifestPath]| {
                paths.iter().map(|p| p.as_str().to_owned()).collect::<Vec<_>>()
            };
            error["signer"] = signer_json(signer);
            error["differences"] = json!({
                "changed": changed,
                "missing": names(&differences.missing),
                "not_signed": names(&differences.extra),
            });
        }
    }
    json!({ "outcome": failure.exit.outcome(), "exit_code": failure.exit.code(), "error": error })
}

pub(crate) fn human(failure: &Failure, err: &mut dyn Write) -> io::Result<()> {
    let verdict = match failure.exit {
        Exit::NotVerified => "NOT VERIFIED: ",
        _ => "",
    };
    writeln!(err, "{BAD}error{BAD:#}: {BAD}{verdict}{BAD:#}{}", failure.message)?;
    match &failure.details {
        Details::None => {}
        Details::Unsigned(unsigned) => {
            for unsigned in unsigned {
                writeln!(err, "  not signed  {}{}", unsigned.path, slash(unsigned.kind))?;
            }
        }
        Details::Differences(found) => {
            let (differences, signer) = &**found;
            for change in &differences.changed {
                let digest = |digest: Option<modelseal::ContentDigest>| {
                    digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
                };
                writeln!(err, "  changed     {}", change.name)?;
                writeln!(err, "              expected {}", digest(change.expected))?;
                writeln!(err, "              found    {}", digest(change.found))?;
            }
            for path in &differences.missing {
                writeln!(err, "  missing     {path}")?;
            }
            for path in &differences.extra {
                writeln!(err, "  not signed  {path}")?;
            }
            writeln!(err, "  the signature itself is good, by {signer}")?;
        }
    }
    match &failure.help {
        Some(help) => writeln!(err, "{HELP}help{HELP:#}: {help}"),
        None => Ok(()),
    }
}
