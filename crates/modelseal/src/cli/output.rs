//! What a person or a program sees. Text from outside is always escaped.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use modelseal::Escaped;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter};
use serde_json::{Value, json};

use super::failure::{Exit, Failure};
use super::failure_report;
use super::text::{BAD, WARN, without_pins};

/// What a command found out, in both forms.
pub(crate) trait Report {
    /// The members of the JSON document, `outcome` among them.
    fn json(&self) -> Value;
    /// The text for people.
    fn human(&self, out: &mut dyn Write) -> io::Result<()>;
}

/// For whom a report is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Human,
    Json,
}

/// How to talk to whoever started us.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terminal {
    format: Format,
    quiet: bool,
    report_to_stderr: bool,
}

impl Terminal {
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet, report_to_stderr: false }
    }

    /// Keeps standard output free for something else.
    pub(crate) fn redirected(self, report_to_stderr: bool) -> Self {
        Self { report_to_stderr, ..self }
    }

    /// Whether a person is to read more than the report.
    pub(crate) fn is_talkative(self) -> bool {
        !self.quiet && self.format == Format::Human
    }

    /// Whether nothing but errors is to be said.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    pub(crate) fn shows_progress(self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    pub(crate) fn warn(self, message: &str) {
        if self.is_talkative() {
            // There is nobody left to tell when this fails.
            let _ = writeln!(anstream::stderr(), "{WARN}warning{WARN:#}: {}", without_pins(message));
        }
    }

    /// Prints the report or the failure, and says what to exit with.
    pub(crate) fn finish<R: Report>(self, name: &str, outcome: &Result<R, Failure>) -> Exit {
        let (exit, printed) = match outcome {
            Ok(report) => (Exit::Success, self.print_report(name, report)),
            Err(failure) => (failure.exit, self.print_failure(name, failure)),
        };
        match printed {
            Ok(()) => exit,
            // A reader that went away did not read the verdict.
            Err(error) => {
                let _ = writeln!(anstream::stderr(), "{BAD}error{BAD:#}: cannot write the report: {error}");
                if exit == Exit::Success { Exit::Undecided } else { exit }
            }
        }
    }

    fn print_report<R: Report>(self, name: &str, report: &R) -> io::Result<()> {
        match self.format {
            Format::Json => self.print_json(name, report.json()),
            Format::Human if self.quiet => Ok(()),
            Format::Human => self.print(|out| report.human(out)),
        }
    }

    fn print_failure(self, name: &str, failure: &Failure) -> io::Result<()> {
        match self.format {
            Format::Json => self.print_json(name, failure_report::json(failure)),
            Format::Human => failure_report::human(failure, &mut anstream::stderr().lock()),
        }
    }

    fn print_json(self, name: &str, members: Value) -> io::Result<()> {
        let mut document = json!({ "report": name });
        if let (Value::Object(document), Value::Object(members)) = (&mut document, members) {
            document.extend(members);
        }
        self.print(|out| {
            write_json(out, &document)?;
            writeln!(out)
        })
    }

    /// In one piece, so that a long list is not written line by line.
    fn print(self, write: impl Fn(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        let mut text = Vec::new();
        write(&mut text)?;
        if self.report_to_stderr {
            anstream::stderr().write_all(&text)
        } else {
            let mut out = anstream::stdout();
            out.write_all(&text)?;
            out.flush()
        }
    }
}

/// Writes indented JSON in which whatever could act on a terminal is escaped.
pub(crate) fn write_json(out: &mut dyn Write, value: &Value) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, TerminalSafe(PrettyFormatter::new()));
    value.serialize(&mut serializer).map_err(io::Error::from)
}

struct TerminalSafe<'a>(PrettyFormatter<'a>);

impl Formatter for TerminalSafe<'_> {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0; 2];
        for c in fragment.chars() {
            if Escaped::is_escaped(c) {
                for unit in c.encode_utf16(&mut units) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            } else {
                write!(writer, "{c}")?;
            }
        }
        Ok(())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
