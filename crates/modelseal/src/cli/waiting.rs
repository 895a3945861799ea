//! While services are waited for, nothing is half-done: the first signal may
//! end the process at once.

use std::sync::atomic::{AtomicUsize, Ordering};

use modelseal::{SignError, Signer, Trust};

static WAITING: AtomicUsize = AtomicUsize::new(0);

/// While it lives, somebody else is waited for.
pub(crate) struct Waiting;

impl Waiting {
    pub(crate) fn now() -> Self {
        WAITING.fetch_add(1, Ordering::SeqCst);
        Self
    }

    pub(crate) fn is_going_on() -> bool {
        WAITING.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        WAITING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A signer that asks services, and may be interrupted.
pub(crate) struct Interruptible<S>(pub(crate) S);

impl<S: Signer> Signer for Interruptible<S> {
    fn sign(&self, payload: &[u8]) -> Result<Vec<u8>, SignError> {
        let _waiting = Waiting::now();
        self.0.sign(payload)
    }

    fn trust(&self) -> Trust {
        self.0.trust()
    }
}
