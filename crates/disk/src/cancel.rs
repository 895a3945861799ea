use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Watches a long piece of work, from several threads at once.
pub trait Observer: Sync {
    /// Asked between reads: whether the work should stop.
    fn is_cancelled(&self) -> bool;

    /// Told, before anything is hashed, how many bytes there are to read.
    fn begin(&self, _total: u64) {}

    /// Told how many more bytes were read and hashed.
    fn advance(&self, bytes: u64);

    /// Told when everything was read: what takes time from now on is something
    /// else.
    fn end(&self) {}
}

/// Nobody watches: the work runs to its end.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn is_cancelled(&self) -> bool {
        false
    }

    fn advance(&self, _bytes: u64) {}
}

/// A switch that a signal handler or another thread may throw, once.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks the work to stop.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl Observer for Cancel {
    fn is_cancelled(&self) -> bool {
        Self::is_cancelled(self)
    }

    fn advance(&self, _bytes: u64) {}
}
