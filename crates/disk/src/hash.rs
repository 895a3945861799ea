//! The door of the hash engine: everything that is hashed goes through
//! [`Hasher`].

use blake2::{Blake2b512, Digest};
use modelseal_lanes::Sha256;
use modelseal_manifest::{ContentDigest, HashType, Sha256Digest};

/// One running hash.
pub(crate) enum Hasher {
    Sha256(Sha256),
    Blake2b(Box<Blake2b512>),
    Blake3(Box<blake3::Hasher>),
}

impl Hasher {
    pub(crate) fn new(hash_type: HashType) -> Self {
        match hash_type {
            HashType::Sha256 => Self::Sha256(Sha256::new()),
            HashType::Blake2b => Self::Blake2b(Box::new(Blake2b512::new())),
            HashType::Blake3 => Self::Blake3(Box::new(blake3::Hasher::new())),
        }
    }

    pub(crate) fn finish(self) -> ContentDigest {
        match self {
            Self::Sha256(hasher) => ContentDigest::Sha256(Sha256Digest::from_bytes(hasher.finish())),
            Self::Blake2b(hasher) => ContentDigest::Blake2b(hasher.finalize().into()),
            Self::Blake3(hasher) => ContentDigest::Blake3(hasher.finalize().into()),
        }
    }
}

/// Gives each hash its bytes: two of SHA-256 at once, since that is faster.
pub(crate) fn update_all<'a>(hashes: impl IntoIterator<Item = (&'a mut Hasher, &'a [u8])>) {
    let mut waiting: Option<(&mut Sha256, &[u8])> = None;
    for (hasher, bytes) in hashes {
        match hasher {
            Hasher::Sha256(hasher) => match waiting.take() {
                Some((other, other_bytes)) => other.update_both(other_bytes, hasher, bytes),
                None => waiting = Some((hasher, bytes)),
            },
            Hasher::Blake2b(hasher) => hasher.update(bytes),
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }
    if let Some((hasher, bytes)) = waiting {
        hasher.update(bytes);
    }
}
#[cfg(test)]
mod tests {
    use super::*;

    fn hash(hash_type: HashType, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(hash_type);
        let mut other = Hasher::new(hash_type);
        for chunk in bytes.chunks(2) {
            update_all([(&mut other, &chunk[..1]), (&mut hasher, chunk)]);
        }
        hasher.finish().to_string()
    }

    /// FIPS 180-4, RFC 7693 appendix A and the BLAKE3 paper's "abc".
    #[test]
    fn every_hash_meets_its_published_vector() {
        assert_eq!(
            hash(HashType::Sha256, b"abc"),
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hash(HashType::Blake2b, b"abc"),
            "blake2b:ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1\
             7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923"
        );
        assert_eq!(
            hash(HashType::Blake3, b"abc"),
            "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"
        );
    }
}
