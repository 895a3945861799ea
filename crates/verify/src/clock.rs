use std::fmt::{self, Display};
use std::time::Duration;

use jiff::Timestamp;

/// How far ahead of ours the clock of an authority may be.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_secs(10);

/// The time, as verification knows it. Nothing else asks the system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Clock {
    now: Timestamp,
    asserted: Option<Timestamp>,
}

impl Clock {
    /// The system's time, to the second, as certificates have it.
    pub fn system() -> Self {
        let now = Timestamp::now();
        Self::at(Timestamp::from_second(now.as_second()).unwrap_or(now))
    }

    /// A clock that stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { now, asserted: None }
    }

    /// The same clock, for an audit: where nothing proves when a signature was
    /// made, the validity of certificates is judged at a time for which nobody
    /// but the caller vouches. Revocation lists are still judged now.
    #[must_use]
    pub fn asserting(self, time: Timestamp) -> Self {
        Self { asserted: Some(time), ..self }
    }

    /// What time it is.
    pub fn now(self) -> Timestamp {
        self.now
    }

    /// The times at which a signature is judged: all that are proved, else one.
    pub(crate) fn judged_at(self, proved: &[ProvedTime]) -> Vec<JudgedAt> {
        if proved.is_empty() {
            return vec![self.judged_unproved()];
        }
        proved.iter().copied().map(JudgedAt::Proved).collect()
    }

    /// The time at which a signature is judged of which no time is proved.
    pub(crate) fn judged_unproved(self) -> JudgedAt {
        self.asserted.map_or(JudgedAt::Now(self.now), JudgedAt::Asserted)
    }

    /// Whether a time that somebody vouches for has not come yet.
    pub(crate) fn is_ahead(self, time: Timestamp) -> bool {
        self.now.checked_add(MAX_CLOCK_SKEW).is_ok_and(|latest| time > latest)
    }
}

/// A time at which a signature existed, and who proves that.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum ProvedTime {
    /// A timestamp authority that is trusted (RFC 3161).
    Timestamp(Timestamp),
    /// A transparency log that is trusted, when it took the signature.
    Log(Timestamp),
}

impl ProvedTime {
    /// The time.
    pub fn time(self) -> Timestamp {
        match self {
            Self::Timestamp(time) | Self::Log(time) => time,
        }
    }

    /// A stable code, for machines: `timestamp`, `log`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Timestamp(_) => "timestamp",
            Self::Log(_) => "log",
        }
    }
}

impl Display for ProvedTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match self {
            Self::Timestamp(_) => "timestamp authority",
            Self::Log(_) => "transparency log",
        };
        write!(f, "{} (proved by a {source})", self.time())
    }
}

/// The time at which the validity of certificates was judged, and what speaks
/// for it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JudgedAt {
    /// The time of verification: nothing proves that the signature is older.
    Now(Timestamp),
    /// A time that the caller asserted, and nothing proves.
    Asserted(Timestamp),
    /// A time at which the signature existed.
    Proved(ProvedTime),
}

impl JudgedAt {
    /// The time.
    pub fn time(self) -> Timestamp {
        match self {
            Self::Now(time) | Self::Asserted(time) => time,
            Self::Proved(proved) => proved.time(),
        }
    }

    /// A stable code, for machines: `now`, `asserted`, `timestamp`, `log`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Now(_) => "now",
            Self::Asserted(_) => "asserted",
            Self::Proved(proved) => proved.code(),
        }
    }
}

impl Display for JudgedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(time) => write!(f, "{time} (now)"),
            Self::Asserted(time) => write!(f, "{time} (asserted by the caller, proved by nothing)"),
            Self::Proved(proved) => proved.fmt(f),
        }
    }
}
