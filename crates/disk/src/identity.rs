use std::fmt::{self, Display};
use std::os::fd::AsFd;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::fstat;

use crate::file::open_for_reading;
use crate::model::Kind;
use crate::stamp::Stamp;
use crate::{FoundFile, Model};

/// Two writes within this may leave the same times: file systems count in seconds (FAT, in
/// two), and kernels in ticks of their own.
const GRANULARITY: Duration = Duration::from_secs(2);

/// What tells one state of a file from another without reading it: device, inode, size, and
/// the times of the last change of bytes and of attributes, in nanoseconds.
///
/// A program that has the file mapped for writing, or sets the clock, can change bytes and
/// leave all of them as they were.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct FileIdentity(Stamp);

impl FileIdentity {
    /// Whether the file had rested long enough at `moment` that no later change can look the
    /// same (what git calls racy).
    pub fn had_rested_at(&self, moment: SystemTime) -> bool {
        let (seconds, nanoseconds) = self.0.ctime();
        let moment = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
        let rested = moment.checked_sub(GRANULARITY).unwrap_or_default();
        (seconds, nanoseconds) < (i128::from(rested.as_secs()), i128::from(rested.subsec_nanos()))
    }
}

/// The same for the same state, and for no other.
impl Display for FileIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f)
    }
}

impl Model {
    /// The identity of a file, where it means something: on a file system of this machine,
    /// whose times come from the clock that everything else here is measured by.
    pub fn identity(&self, file: &FoundFile) -> Option<FileIdentity> {
        let is_local = match self.kind() {
            Kind::Directory { root, .. } => {
                is_local(root) && fstat(root).is_ok_and(|stat| Stamp::of(&stat).is_on_device_of(&file.stamp))
            }
            Kind::File { .. } => open_for_reading(self.path()).is_ok_and(is_local),
        };
        is_local.then_some(FileIdentity(file.stamp))
    }
}

/// Those that are known to be; what is not known is none.
#[cfg(target_os = "linux")]
fn is_local(fd: impl AsFd) -> bool {
    const EXT: u32 = 0xef53;
    const XFS: u32 = 0x5846_5342;
    const BTRFS: u32 = 0x9123_683e;
    const F2FS: u32 = 0xf2f5_2010;
    const ZFS: u32 = 0x2fc1_2fc1;
    const BCACHEFS: u32 = 0xca45_1a4e;
    const OVERLAY: u32 = 0x794c_7630;
    const TMPFS: u32 = 0x0102_1994;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "these are numbers of 32 bits in a field that has another type everywhere"
    )]
    rustix::fs::fstatfs(fd).is_ok_and(|found| {
        [EXT, XFS, BTRFS, F2FS, ZFS, BCACHEFS, OVERLAY, TMPFS].contains(&(found.f_type as u32))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_local(_: impl AsFd) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64, nanoseconds: i64) -> FileIdentity {
        FileIdentity(Stamp::with_ctime(seconds, nanoseconds))
    }

    #[test]
    fn what_changed_a_moment_before_had_not_rested() {
        let moment = UNIX_EPOCH + Duration::new(1_000, 500);
        assert!(at(998, 499).had_rested_at(moment));
        assert!(!at(998, 500).had_rested_at(moment));
        assert!(!at(999, 0).had_rested_at(moment));
        assert!(!at(1_000, 500).had_rested_at(moment));
        assert!(!at(2_000, 0).had_rested_at(moment), "the clock was set back");
    }
}
