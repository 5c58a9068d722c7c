//! The list of codes: every rule a diagnostic can name, and the exit code it leads to.

/// How the process ends. The numbers are a promise to schedulers; see `docs/exit-codes.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or nothing to do.
    Done,
    /// 1: a step failed (SQL, input or output, memory).
    Failed,
    /// 2: the command line, the YAML or the SQL does not check; nothing started.
    Unchecked,
    /// 3: a data check blocked a publish.
    CheckFailed,
    /// 4: a disclosure or sensitivity rule blocked a publish.
    Disclosure,
    /// 5: a source is too old for a mart that needs it.
    Stale,
    /// 6: another run holds the lock.
    Locked,
    /// 9: `--exit-code` was given and there is something to do.
    Difference,
    /// 70: a fault in martlet.
    Bug,
    /// 130: stopped by an interrupt.
    Interrupted,
    /// 143: stopped by a termination request.
    Terminated,
}

impl Exit {
    /// The number handed to the operating system.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Unchecked => 2,
            Self::CheckFailed => 3,
            Self::Disclosure => 4,
            Self::Stale => 5,
            Self::Locked => 6,
            Self::Difference => 9,
            Self::Bug => 70,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// Which exit wins when several steps fail: a bug over a failed step over a failed check.
    pub(super) fn rank(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Difference => 1,
            Self::Stale => 2,
            Self::CheckFailed => 3,
            Self::Disclosure => 4,
            Self::Failed => 5,
            Self::Locked => 6,
            Self::Unchecked => 7,
            Self::Terminated => 8,
            Self::Interrupted => 9,
            Self::Bug => 10,
        }
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal => $exit:ident;)+) => {
        /// A rule that can be broken.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Code {
            /// Every code, in the order of the book.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The name shown in messages and in JSON.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What the rule says.
            pub fn explanation(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc, "\n"),+),)+ }
            }

            /// The exit code a finding of this kind leads to.
            pub fn exit(self) -> Exit {
                match self { $(Self::$variant => Exit::$exit,)+ }
            }
        }
    };
}

codes! {
    /// The command line does not make sense.
    Usage = "usage" => Unchecked;
    /// The text is not YAML: tabs, broken quotes, an alias cycle, a bomb.
    YamlSyntax = "yaml-syntax" => Unchecked;
    /// A key that means nothing here.
    UnknownKey = "unknown-key" => Unchecked;
    /// A key that stands twice in one mapping.
    DuplicateKey = "duplicate-key" => Unchecked;
    /// A key that must be there and is not.
    MissingKey = "missing-key" => Unchecked;
    /// A value of the wrong kind, or not one of the allowed ones.
    WrongValue = "wrong-value" => Unchecked;
    /// A key that is understood, and that this version refuses to act on.
    NotSupported = "not-supported" => Unchecked;
    /// Two things with one name.
    DuplicateName = "duplicate-name" => Unchecked;
    /// A name that is not declared anywhere.
    UnknownName = "unknown-name" => Unchecked;
    /// A file that the project names and that is not there.
    MissingFile = "missing-file" => Unchecked;
    /// Models that read each other in a circle.
    Cycle = "cycle" => Unchecked;
    /// The SQL does not parse.
    SqlSyntax = "sql-syntax" => Unchecked;
    /// The SQL does something other than select: DDL, DML, several statements.
    SqlStatement = "sql-statement" => Unchecked;
    /// A table that no source, reference, model or mart declares.
    SqlUnknownTable = "sql-unknown-table" => Unchecked;
    /// A column that the tables of the query do not have.
    SqlUnknownColumn = "sql-unknown-column" => Unchecked;
    /// A type error, or another fault that planning the query finds.
    SqlPlan = "sql-plan" => Unchecked;
    /// A function whose answer depends on the clock or on chance.
    SqlVolatile = "sql-volatile" => Unchecked;
    /// A `$parameter` that is not declared.
    SqlParameter = "sql-parameter" => Unchecked;
    /// What the SQL yields is not what the contract promises.
    Contract = "contract" => Unchecked;
    /// A copy that needs a policy, or a policy that does not say what to do with a column.
    Policy = "policy" => Unchecked;
    /// The generated schema file is out of date.
    StaleSchema = "stale-schema" => Unchecked;
    /// A page that is written from the project is out of date.
    StalePage = "stale-page" => Unchecked;
    /// A secret that cannot be read.
    Secret = "secret" => Unchecked;
    /// Nothing is selected.
    EmptySelection = "empty-selection" => Unchecked;

    /// The disk or the network failed.
    Io = "io" => Failed;
    /// An input file cannot be read as what it is declared to be.
    BadFile = "bad-file" => Failed;
    /// The header of a file is not what the contract says.
    Header = "header" => Failed;
    /// A file that does not fit its name pattern, or two that claim the same place.
    FileName = "file-name" => Failed;
    /// The query failed while it ran.
    SqlRun = "sql-run" => Failed;
    /// The memory limit was reached.
    Memory = "memory" => Failed;
    /// A number that does not fit the type the contract promises.
    Overflow = "overflow" => Failed;
    /// The state of the lake is not what its records say.
    State = "state" => Failed;
    /// Received is not good plus quarantined plus dropped.
    Conservation = "conservation" => Failed;
    /// A unit test of SQL gave other rows than it expects.
    UnitTest = "unit-test" => Failed;

    /// A rule on the rows of a source was broken more often than its threshold allows.
    Threshold = "threshold" => CheckFailed;
    /// A check on a table failed.
    Check = "check" => CheckFailed;
    /// Numbers that readers could narrow down to few people.
    Disclosure = "disclosure" => Disclosure;
    /// A source is older than its freshness allows.
    Freshness = "freshness" => Stale;
    /// Another run holds the lock.
    Locked = "locked" => Locked;
    /// The run was interrupted.
    Interrupted = "interrupted" => Interrupted;
    /// The run was asked to stop.
    Terminated = "terminated" => Terminated;
    /// A fault in martlet itself.
    Bug = "bug" => Bug;
}
