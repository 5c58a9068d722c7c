//! The arguments, as close to what is typed as possible.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::run::Options;
use crate::spec::{Sp, Warehouse};

/// The nightly data warehouse of a Cancer Alliance: YAML and SQL in, checked Parquet marts out.
#[derive(Debug, Parser)]
#[command(
    name = "martlet",
    version,
    max_term_width = 100,
    propagate_version = true
)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do; 1 a step failed; 2 usage, YAML or SQL does not check; \
3 a data check blocked a publish; 5 a source is too old; 6 another run holds the lock; 9 --exit-code and there is \
something to do; 70 a fault in martlet; 130 and 143 stopped by a signal."
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The project's folder
    #[arg(
        long,
        global = true,
        default_value = ".",
        env = "MARTLET_PROJECT",
        value_name = "DIR"
    )]
    pub project: PathBuf,
    /// The target: config/targets/<NAME>.yaml
    #[arg(
        long,
        short,
        global = true,
        env = "MARTLET_TARGET",
        value_name = "NAME"
    )]
    pub target: Option<String>,
    /// The run's clock, such as 2026-03-31
    #[arg(long, global = true, env = "MARTLET_AS_OF", value_name = "DATE")]
    pub as_of: Option<String>,
    /// Where files arrive: a folder or a URL
    #[arg(long, global = true, env = "MARTLET_INBOX", value_name = "PLACE")]
    pub inbox: Option<String>,
    /// Our own folder
    #[arg(long, global = true, env = "MARTLET_LAKE", value_name = "DIR")]
    pub lake: Option<String>,
    /// Where readers look: a folder or a URL
    #[arg(long, global = true, env = "MARTLET_PUBLISHED", value_name = "PLACE")]
    pub published: Option<String>,
    /// How long a file must be unchanged to be taken, such as 5m, in place of every source's own
    #[arg(long, global = true, env = "MARTLET_STABLE_FOR", value_name = "TIME")]
    pub stable_for: Option<String>,
    /// Memory for queries, such as 2GiB
    #[arg(long, global = true, env = "MARTLET_MEMORY_LIMIT", value_name = "SIZE")]
    pub memory_limit: Option<String>,
    /// Partitions of a query; the result does not depend on it
    #[arg(long, global = true, env = "MARTLET_PARTITIONS", value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    pub partitions: Option<u32>,
    /// One JSON document on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// How a run is logged on stderr
    #[arg(
        long,
        global = true,
        env = "MARTLET_LOG_FORMAT",
        value_name = "FORMAT",
        default_value = "text"
    )]
    pub log_format: LogFormat,
    /// What is logged, such as martlet=debug
    #[arg(long, global = true, env = "MARTLET_LOG", value_name = "FILTER")]
    pub log: Option<String>,
    /// Warnings and errors only
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Colour: auto, always or never
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Colour,
}

/// How a run is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON record a line.
    Json,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Colour {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Global {
    /// Whether events are logged as JSON.
    pub fn json_log(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// What environment and flags say, as the topmost layer of settings.
    pub fn overrides(&self) -> Warehouse {
        let said = |value: &Option<String>| value.clone().map(|v| Sp::new(v, 0..0));
        Warehouse {
            as_of: said(&self.as_of),
            inbox: said(&self.inbox),
            lake: said(&self.lake),
            published: said(&self.published),
            stable_for: said(&self.stable_for),
            memory_limit: said(&self.memory_limit),
            partitions: self.partitions,
            ..Warehouse::default()
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ingest what arrived, build what is stale, check it, publish the marts
    Run(RunArgs),
    /// Find every error in YAML and SQL, without data and without secrets
    Check(SelectArgs),
    /// Say what would run, and why
    Plan(PlanArgs),
    /// List every file that was taken and how it stands; tell one's story
    Submissions(SubmissionsArgs),
    /// Run the unit tests of the SQL
    Test(TestArgs),
    /// List sources, models and marts
    Ls(SelectArgs),
    /// Ask the warehouse something; identifiable columns are masked
    Query(QueryArgs),
    /// Look at refused rows, and report them to their sender
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Write a synthetic world: every feed, and the counts each mart must show
    Sample(SampleArgs),
    /// Write the JSON Schema that editors complete YAML with
    Schema(SchemaArgs),
    /// Write the specification of the indicators, docs/indicators.md, from the pipelines
    Indicators(IndicatorsArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
}

/// Which tables a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Tables, pipelines, `tag:x`, `+x`, `x+`; comma and `and` for both, space and `or` for either, `not`
    #[arg(value_name = "SELECT")]
    pub select: Vec<String>,
    /// What to leave out
    #[arg(long, value_name = "SELECT")]
    pub exclude: Vec<String>,
}

impl SelectArgs {
    /// As options of a run.
    pub fn options(&self) -> Options {
        Options {
            select: self.select.clone(),
            exclude: self.exclude.clone(),
            ..Options::default()
        }
    }
}

#[derive(Debug, Args)]
pub struct RunArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    /// Make everything again
    #[arg(long)]
    pub full_refresh: bool,
    /// Build and check; leave readers' files alone
    #[arg(long)]
    pub no_publish: bool,
    /// Wait for another run to finish
    #[arg(long)]
    pub wait: bool,
    /// Files read, and tables made, at once [default: the number of partitions, at most 4 tables]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub jobs: usize,
}

#[derive(Debug, Args)]
pub struct PlanArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    /// As if everything had to be made again
    #[arg(long)]
    pub full_refresh: bool,
    /// End with 9 if there is something to do
    #[arg(long)]
    pub exit_code: bool,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct SubmissionsArgs {
    #[command(subcommand)]
    pub command: Option<SubmissionsCommand>,
    /// Sources, as `run` selects tables
    #[arg(value_name = "SELECT")]
    pub select: Vec<String>,
    /// Only those that stand so
    #[arg(long, value_name = "STATUS")]
    pub status: Option<SubmissionStatus>,
    /// Only those of a provider
    #[arg(long, value_name = "CODE")]
    pub provider: Option<String>,
    /// Only those of a period, such as 2026-03
    #[arg(long, value_name = "PERIOD")]
    pub period: Option<String>,
    /// Comma-separated text with a header
    #[arg(long)]
    pub csv: bool,
}

#[derive(Debug, Subcommand)]
pub enum SubmissionsCommand {
    /// Tell one submission's story
    Show(StoryArgs),
}

#[derive(Debug, Args)]
pub struct StoryArgs {
    /// Its path below the inbox, its name, or six digits or more of its hash
    #[arg(value_name = "FILE|HASH")]
    pub what: String,
}

/// How a submission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SubmissionStatus {
    /// Its rows count.
    Accepted,
    /// A later one counts.
    Superseded,
    /// Its sender has withdrawn it.
    Cancelled,
    /// It could not be read, or a rule refuses it.
    Rejected,
    /// The same bytes count already.
    Duplicate,
}

impl SubmissionStatus {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Superseded => "superseded",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Duplicate => "duplicate",
        }
    }
}

#[derive(Debug, Args)]
pub struct TestArgs {
    /// Tests by name, by table (`model.x`) or by pipeline; `*` stands for any characters
    #[arg(value_name = "SELECT")]
    pub select: Vec<String>,
    /// Write the results as JUnit XML
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct QueryArgs {
    /// The question, in SQL over source.x, reference.x, model.x, mart.x and system.x; `FROM mart.x WHERE …`
    /// asks for every column
    #[arg(value_name = "SQL")]
    pub sql: String,
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: AnswerFormat,
    /// Rows to print; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub limit: usize,
}

#[derive(Debug, Subcommand)]
pub enum QuarantineCommand {
    /// List the files that had rows refused, and the rules they broke
    Ls(SelectArgs),
    /// Show the refused rows of a file or a source: line, column, rule, reason, masked value
    Show(ShowArgs),
    /// Write one HTML page and one CSV that the sender can act on
    Report(ReportArgs),
}

#[derive(Debug, Args)]
pub struct ShowArgs {
    /// A source, or a file as `quarantine ls` names it
    #[arg(value_name = "FILE|SOURCE")]
    pub what: String,
    /// Only rows that break this rule
    #[arg(long, value_name = "RULE")]
    pub rule: Option<String>,
    /// Rows to show; 0 for all
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The sender's code, as its file names have it
    #[arg(long, value_name = "CODE")]
    pub provider: String,
    /// Where to write
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub out: PathBuf,
}

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerFormat {
    /// A table for people.
    Table,
    /// Comma-separated text with a header.
    Csv,
    /// A JSON array of objects.
    Json,
}

#[derive(Debug, Args)]
pub struct SampleArgs {
    /// How many people
    #[arg(long, value_name = "N", default_value_t = 1500)]
    pub people: u64,
    /// How many months, the last one ending at --end
    #[arg(long, value_name = "M", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=120))]
    pub months: u32,
    /// The same seed gives the same bytes
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// The last month
    #[arg(long, value_name = "YYYY-MM", default_value = "2026-03")]
    pub end: String,
    /// Where to write
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Which: pipeline, warehouse or tests. Without it, all are written to config/schema/
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// Write nothing; end with 2 if a file is out of date
    #[arg(long)]
    pub check: bool,
}

#[derive(Debug, Args)]
pub struct IndicatorsArgs {
    /// Write nothing; end with 2 if the page is out of date
    #[arg(long, conflicts_with = "sql")]
    pub check: bool,
    /// Print the SQL that counts them, and write nothing
    #[arg(long)]
    pub sql: bool,
}

#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}
