//! `manifest plan`, `hash` and `merge`.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

use clap::{ArgGroup, Args, Subcommand};

use super::{JobsArgs, SerializationArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum ManifestCommand {
    /// List what is to be hashed: files or shards, which any number of machines may share
    Plan(PlanArgs),
    /// Hash a part of a plan, and write a line of JSON for each file or shard
    Hash(HashArgs),
    /// Join the lines of all workers to the manifest that modelseal sign --manifest signs
    Merge(MergeArgs),
}

#[derive(Args, Debug)]
pub(crate) struct PlanArgs {
    /// The model: a directory, or one file
    pub(crate) model: PathBuf,
    #[command(flatten)]
    pub(crate) serialization: SerializationArgs,
    /// Where the plan goes, - for standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace an existing plan
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").args(["part", "units"]).required(true)))]
pub(crate) struct HashArgs {
    /// What modelseal manifest plan wrote
    pub(crate) plan: PathBuf,
    /// The model, as this machine has it
    pub(crate) model: PathBuf,
    /// The share of worker I of N, counted from 0, all with about as many bytes
    #[arg(long, value_name = "I/N")]
    pub(crate) part: Option<Share>,
    /// Units by their numbers in the plan, counted from 0: 3, 0-7 or 1,4,8-9
    #[arg(long, value_name = "UNITS")]
    pub(crate) units: Option<Units>,
    #[command(flatten)]
    pub(crate) jobs: JobsArgs,
    /// Where the lines go [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Replace an existing part
    #[arg(long, requires = "output")]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct MergeArgs {
    /// What modelseal manifest plan wrote
    pub(crate) plan: PathBuf,
    /// What the workers wrote
    #[arg(required = true)]
    pub(crate) parts: Vec<PathBuf>,
    /// Where the manifest goes, - for standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Replace an existing manifest
    #[arg(long)]
    pub(crate) force: bool,
}

/// Worker `index` of `count`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    pub(crate) index: usize,
    pub(crate) count: usize,
}

impl FromStr for Share {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let share = text
            .split_once('/')
            .and_then(|(index, count)| Some(Self { index: index.parse().ok()?, count: count.parse().ok()? }));
        match share {
            Some(share) if share.count > 1_000_000 => Err("are more workers than there may be"),
            Some(share) if share.index < share.count => Ok(share),
            Some(_) => Err("workers are counted from 0, so the last of 4 is 3/4"),
            None => Err("expected the number of a worker and how many there are: 0/4"),
        }
    }
}

/// Runs of numbers, both ends included, in their order and none twice.
#[derive(Clone, Debug)]
pub(crate) struct Units(Vec<RangeInclusive<usize>>);

impl Units {
    /// The numbers up to `count`, and the first one beyond.
    pub(crate) fn numbers(&self, count: usize) -> Vec<usize> {
        let within = |run: &RangeInclusive<usize>| *run.start()..=*run.end().min(run.start().max(&count));
        self.0.iter().flat_map(within).collect()
    }
}

impl FromStr for Units {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let run = |run: &str| {
            let (first, last) = run.split_once('-').unwrap_or((run, run));
            let (first, last): (usize, usize) = (first.parse().ok()?, last.parse().ok()?);
            (first <= last).then_some(first..=last)
        };
        let runs = text.split(',').map(run).collect::<Option<Vec<_>>>();
        let mut runs = runs.ok_or("expected numbers such as 3, 0-7 or 1,4,8-9")?;
        runs.sort_by_key(|run| *run.start());
        if runs.windows(2).any(|pair| pair[1].start() <= pair[0].end()) {
            return Err("names a unit twice");
        }
        Ok(Self(runs))
    }
}
