use std::fmt::{self, Display};

use jiff::Timestamp;

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

    /// The same clock, for an audit: the validity of certificates is judged at
    /// a time for which nobody but the caller vouches. Revocation lists are
    /// still judged now.
    #[must_use]
    pub fn asserting(self, time: Timestamp) -> Self {
        Self { asserted: Some(time), ..self }
    }

    /// What time it is.
    pub fn now(self) -> Timestamp {
        self.now
    }

    /// The time at which a signature is judged when nothing in it proves one.
    pub(crate) fn judged_at(self) -> JudgedAt {
        self.asserted.map_or(JudgedAt::Now(self.now), JudgedAt::Asserted)
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
}

impl JudgedAt {
    /// The time.
    pub fn time(self) -> Timestamp {
        match self {
            Self::Now(time) | Self::Asserted(time) => time,
        }
    }

    /// A stable code, for machines: `now`, `asserted`.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Now(_) => "now",
            Self::Asserted(_) => "asserted",
        }
    }
}

impl Display for JudgedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(time) => write!(f, "{time} (now)"),
            Self::Asserted(time) => write!(f, "{time} (asserted by the caller, proved by nothing)"),
        }
    }
}
