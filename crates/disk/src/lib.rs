//! The one door to model files.
//!
//! A [`Model`] is opened once; its [`Inventory`] lists what is there; what is
//! measured is read from handles that were opened one component at a time
//! below the model's own directory handle, never through a path that somebody
//! could swap, and never through a symbolic link unless the rules say so.
//! Whatever is not a regular file is refused before it is read. A file that is
//! not the same before, during and after is an error, not a digest.
//!
//! Not checked here: a writer who changes bytes in place after they were read.
//! What has to be safe to load later is copied while it is hashed, into a
//! [`PrivateDir`].

#![expect(clippy::disallowed_methods, reason = "this is the crate that may touch the disk")]

mod cancel;
mod engine;
mod error;
mod file;
mod hash;
mod hub;
mod identity;
mod inventory;
mod measure;
mod model;
mod open;
mod own_directory;
mod private_dir;
mod resolve;
mod stamp;
mod stream;

pub use cancel::{Cancel, Observer, Unobserved};
pub use error::{DiskError, ErrorKind};
pub use file::{
    Alone, Overwrite, StagedOutput, exists, is_empty, is_same_file, read_beginning, read_first_byte,
    read_named, read_regular, write_output,
};
pub use identity::FileIdentity;
pub use inventory::{FoundFile, Ignored, IgnoredKind, Inventory, Links, Unfit, WalkRules};
pub use measure::{MeasureOptions, MeasuredFile, Measurement, Part};
pub use model::Model;
pub use own_directory::OwnDirectory;
pub use private_dir::PrivateDir;
