//! A failure as a person or a program sees it.

use std::io::{self, Write};

use modelseal::{ContentDigest, Differences, ManifestPath};
use serde_json::{Value, json};

use super::failure::{Details, Exit, Failure};
use super::shapes::{signer_json, unsigned_json};
use super::text::{BAD, HELP, slash, without_pins};

pub(crate) fn json(failure: &Failure) -> Value {
    let mut error =
        json!({ "code": failure.code, "message": without_pins(&failure.message), "help": failure.help });
    match &failure.details {
        Details::None | Details::Verdict(_) => {}
        Details::Unsigned(unsigned) => error["not_signed"] = unsigned_json(unsigned),
        Details::Differences(found) => {
            error["signer"] = signer_json(&found.1);
            error["differences"] = differences_json(&found.0);
        }
        Details::Unfit(unfit, found) => {
            error["unfit"] = unfit.iter().map(ToString::to_string).collect();
            error["signer"] = signer_json(&found.1);
            error["differences"] = differences_json(&found.0);
        }
    }
    let mut document =
        json!({ "outcome": failure.exit.outcome(), "exit_code": failure.exit.code(), "error": error });
    if let Details::Verdict(judged) = &failure.details {
        document["verdict"] = judged.json();
    }
    document
}

fn differences_json(differences: &Differences) -> Value {
    let changed = differences.changed.iter().map(|change| {
        json!({
            "name": change.name.to_wire(),
            "expected": change.expected.map(|digest| digest.to_string()),
            "found": change.found.map(|digest| digest.to_string()),
        })
    });
    let names =
        |paths: &[ManifestPath]| paths.iter().map(|path| path.as_str().to_owned()).collect::<Vec<_>>();
    json!({
        "changed": changed.collect::<Vec<_>>(),
        "missing": names(&differences.missing),
        "not_signed": names(&differences.extra),
    })
}

pub(crate) fn human(failure: &Failure, err: &mut dyn Write) -> io::Result<()> {
    let verdict = match (&failure.details, failure.exit) {
        (Details::Verdict(_), _) => "DENIED: ",
        (_, Exit::NotVerified) => "NOT VERIFIED: ",
        _ => "",
    };
    writeln!(err, "{BAD}error{BAD:#}: {BAD}{verdict}{BAD:#}{}", without_pins(&failure.message))?;
    match &failure.details {
        Details::None => {}
        Details::Verdict(judged) => judged.explain(err)?,
        Details::Unsigned(unsigned) => {
            for unsigned in unsigned {
                writeln!(err, "  not signed  {}{}", unsigned.path, slash(unsigned.kind))?;
            }
        }
        Details::Differences(found) => {
            print_differences(&found.0, err)?;
            writeln!(err, "  the signature itself is good, by {}", found.1)?;
        }
        Details::Unfit(unfit, found) => {
            // A lone one is told by the message.
            for unfit in unfit.iter().filter(|_| unfit.len() > 1) {
                writeln!(err, "  unfit       {unfit}")?;
            }
            print_differences(&found.0, err)?;
            writeln!(err, "  the signature itself is good, by {}", found.1)?;
        }
    }
    match &failure.help {
        Some(help) => writeln!(err, "{HELP}help{HELP:#}: {help}"),
        None => Ok(()),
    }
}

fn print_differences(differences: &Differences, err: &mut dyn Write) -> io::Result<()> {
    let digest = |digest: Option<ContentDigest>| {
        digest.map_or_else(|| "nothing".to_owned(), |digest| digest.to_string())
    };
    for change in &differences.changed {
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
    Ok(())
}
