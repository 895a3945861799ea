use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use modelseal::{Cancel, Observer};

use super::output::Terminal;

/// Work shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar on standard error that appears when the work takes a while, and the
/// switch that stops the work.
pub(crate) struct Progress {
    bar: ProgressBar,
    cancel: Cancel,
    waiting: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Progress {
    pub(crate) fn new(terminal: Terminal, cancel: &Cancel) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        if !terminal.shows_progress() {
            return Self { bar, cancel: cancel.clone(), waiting: Mutex::new(None) };
        }
        let template =
            "Hashing [{bar:30}] {decimal_bytes}/{decimal_total_bytes} ({decimal_bytes_per_sec}, {eta} left)";
        let style = ProgressStyle::with_template(template).expect("a template of our own");
        bar.set_style(style.progress_chars("=> "));
        let (done, wait) = channel();
        let late = bar.clone();
        let waiter = std::thread::spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(Duration::from_millis(100));
            }
        });
        Self { bar, cancel: cancel.clone(), waiting: Mutex::new(Some((done, waiter))) }
    }
}

impl Observer for Progress {
    fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    fn begin(&self, total: u64) {
        self.bar.set_length(total);
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// Somebody may be asked something next.
    fn end(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((done, waiter)) = waiting {
            drop(done);
            // The waiter does nothing that could panic.
            let _ = waiter.join();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end();
    }
}
