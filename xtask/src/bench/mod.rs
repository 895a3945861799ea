//! Modelseal and the Python reference side by side, on the same files, in turn.

mod data;
mod measure;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use self::data::Data;
use self::measure::{Cache, Ran, can_empty_cache, in_turn, peak_memory};
use crate::environment::{self, cache, output, root};
use crate::packages;
use crate::peers::{Python, install};

/// How often each is measured: an odd number, for the median.
const ROUNDS: usize = 7;
const COLD_ROUNDS: usize = 3;
const GROWTH_ROUNDS: usize = 3;

pub(crate) fn run() -> Result<(), String> {
    let programs = Programs::find()?;
    let data = Data::make(&cache()?.join("bench"))?;
    println!("{}", machine(&data)?);
    println!("| work (in the page cache) | reference | modelseal | faster | processor time | memory |");
    println!("|---|---|---|---|---|---|");
    for (model, what) in [
        (&data.large, "8 × 512 MiB, sha256"),
        (&data.many, "10,000 × 4 KiB, sha256"),
        (&data.tiny, "three tiny files, sha256"),
    ] {
        for action in ["sign", "verify"] {
            let commands = [programs.reference(action, model), programs.modelseal(action, model, &[])];
            println!("{}", row(&format!("{action} {what}"), &commands)?);
        }
    }
    let one = |options: &[&str]| programs.modelseal("sign", &data.one, options);
    let shards = ["--shard-size", "67108864"];
    println!("{}", row("4 GiB as one stream, and as shards of 64 MiB, sha256", &[one(&[]), one(&shards)])?);
    let blake3 = programs.modelseal("sign", &data.large, &["--hash", "blake3"]);
    println!(
        "{}",
        row("8 × 512 MiB, read by two processes, and signed with blake3", &[data.plain_read(), blake3])?
    );
    cold(&programs, &data)?;
    growth(&programs, &data)
}

/// Files that no cache holds, where it may be emptied.
fn cold(programs: &Programs, data: &Data) -> Result<(), String> {
    if !can_empty_cache() {
        println!("\nThe page cache can be emptied by root alone: no figures for files on the disk.");
        return Ok(());
    }
    println!(
        "\n| work (not in the page cache) | read by one process | modelseal | ratio |\n|---|---|---|---|"
    );
    for (model, what) in
        [(&data.large, "sign 8 × 512 MiB, sha256"), (&data.one, "sign 4 GiB as one stream, sha256")]
    {
        let commands = [data.sequential_read(model), programs.modelseal("sign", model, &[])];
        let [read, signed] = in_turn(&commands, COLD_ROUNDS, Cache::Emptied)?;
        let ratio = signed.wall / read.wall;
        println!("| {what} | {} | {} | {ratio:.2} × |", seconds(read.wall), seconds(signed.wall));
    }
    Ok(())
}

/// Ten times the files, or four times the bytes, and what that costs.
fn growth(programs: &Programs, data: &Data) -> Result<(), String> {
    println!("\n| growth | sign | verify | memory |\n|---|---|---|---|");
    for (model, what) in data.growing() {
        let model = model?;
        let options = ["sign", "verify"].map(|action| programs.modelseal(action, &model, &[]));
        let [signed, verified] = in_turn(&options, GROWTH_ROUNDS, Cache::Warm)?;
        let memory = peak_memory(&options[0])?.max(peak_memory(&options[1])?);
        let [signed, verified] = [signed, verified].map(|ran| seconds(ran.wall));
        println!("| {what} | {signed} | {verified} | {memory:.1} MB |");
    }
    reuse(programs, data)
}

/// The largest of those, and what it costs where nothing changed.
fn reuse(programs: &Programs, data: &Data) -> Result<(), String> {
    let model = data.last_grown();
    let signature = model.with_extension("modelseal.sig");
    let again = programs.modelseal("sign", &model, &["--reuse", &quoted(&signature)]);
    let [whole, reused] =
        in_turn(&[programs.modelseal("sign", &model, &[]), again], GROWTH_ROUNDS, Cache::Warm)?;
    println!(
        "\nThe last of them is signed in {}, and with --reuse in {}.",
        seconds(whole.wall),
        seconds(reused.wall)
    );
    Ok(())
}

/// One line of the table: the second command against the first.
fn row(what: &str, commands: &[String; 2]) -> Result<String, String> {
    let [before, after] = in_turn(commands, ROUNDS, Cache::Warm)?;
    let memory = peak_memory(&commands[1])?;
    Ok(format!(
        "| {what} | {} | {} | {:.1} × | {:.2} × | {:.1} MB |",
        seconds(before.wall),
        seconds(after.wall),
        before.wall / after.wall,
        after.processor / before.processor,
        memory,
    ))
}

fn seconds(wall: f64) -> String {
    if wall < 0.1 { format!("{:.1} ms", wall * 1000.0) } else { format!("{wall:.2} s") }
}

/// What the machine itself can do, to hold the figures against.
fn machine(data: &Data) -> Result<String, String> {
    let model = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = model.lines().find_map(|line| line.strip_prefix("model name")?.split(": ").nth(1));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let speed = output(
        Command::new("openssl").args(["speed", "-evp", "sha256", "-bytes", "1048576", "-seconds", "3"]),
    );
    let speed = speed.and_then(|text| text.lines().last()?.split_whitespace().nth(1).map(str::to_owned));
    let read = in_turn(&[data.plain_read(), data.plain_read()], ROUNDS, Cache::Warm)?[0].wall;
    let bytes = f64::from(data::LARGE_MIB) * 1_048_576.0;
    Ok(format!(
        "{} ({cores} cores); one stream of OpenSSL's SHA-256: {} B/s, and two of ours on one core: {}; reading from the page cache: {:.1} GB/s\n",
        model.unwrap_or("a processor"),
        speed.unwrap_or_else(|| "?".to_owned()),
        lanes().unwrap_or_else(|| "?".to_owned()),
        bytes / read / 1e9,
    ))
}

/// The median of what `cargo bench` says of two streams of a MiB, with its unit.
fn lanes() -> Option<String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut bench = Command::new(cargo);
    bench.current_dir(root()).args([
        "bench",
        "--package",
        "modelseal-lanes",
        "--bench",
        "lanes",
        "--",
        "two_streams",
    ]);
    let report = output(&mut bench)?;
    let mut lines = report.lines().skip_while(|line| !line.contains("1048576"));
    let rates = lines.nth(1)?;
    Some(rates.split('│').nth(2)?.trim().to_owned())
}

struct Programs {
    modelseal: PathBuf,
    reference: PathBuf,
    keys: PathBuf,
}

impl Programs {
    fn find() -> Result<Self, String> {
        for tool in ["hyperfine", "time"] {
            if output(Command::new(tool).arg("--version")).is_none() {
                packages::install(tool)?;
            }
        }
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        environment::run(Command::new(&cargo).current_dir(root()).args([
            "build",
            "--release",
            "--package",
            "modelseal",
        ]))?;
        let target =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let reference = install(&Python::find()?, "reference-1.1.1")?.join("bin/model_signing");
        Ok(Self {
            modelseal: target.join("release/modelseal"),
            reference,
            keys: root().join("testdata/keys"),
        })
    }

    /// With the reference's options; each program has a signature of its own.
    fn reference(&self, action: &str, model: &Path) -> String {
        let key = match action {
            "sign" => format!("--private_key {}", quoted(&self.keys.join("p256.pem"))),
            _ => format!("--public_key {}", quoted(&self.keys.join("p256.pub"))),
        };
        let signature = quoted(&model.with_extension("reference.sig"));
        format!("{} {action} key {} {key} --signature {signature}", quoted(&self.reference), quoted(model))
    }

    fn modelseal(&self, action: &str, model: &Path, options: &[&str]) -> String {
        let signature = quoted(&model.with_extension("modelseal.sig"));
        let rest = match action {
            "sign" => format!("--key {} --output {signature} --force", quoted(&self.keys.join("p256.pem"))),
            _ => format!("--key {} --signature {signature}", quoted(&self.keys.join("p256.pub"))),
        };
        format!("{} {action} {} {rest} --quiet {}", quoted(&self.modelseal), quoted(model), options.join(" "))
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// The median of an odd number of runs.
fn median(mut runs: Vec<Ran>, of: impl Fn(&Ran) -> f64) -> f64 {
    runs.sort_by(|a, b| of(a).total_cmp(&of(b)));
    runs.get(runs.len() / 2).map_or(f64::NAN, of)
}
