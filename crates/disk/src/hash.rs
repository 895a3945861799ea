//! The door of the hash engine: everything that is hashed goes through
//! [`Hasher`].

use blake2::Blake2b512;
use modelseal_manifest::{ContentDigest, HashType, Sha256Digest};
use sha2::{Digest, Sha256};

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

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::Blake2b(hasher) => hasher.update(bytes),
            Self::Blake3(hasher) => {
                hasher.update(bytes);
            }
        }
    }

    pub(crate) fn finish(self) -> ContentDigest {
        match self {
            Self::Sha256(hasher) => ContentDigest::Sha256(Sha256Digest::from_bytes(hasher.finalize().into())),
            Self::Blake2b(hasher) => ContentDigest::Blake2b(hasher.finalize().into()),
            Self::Blake3(hasher) => ContentDigest::Blake3(hasher.finalize().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(hash_type: HashType, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(hash_type);
        for chunk in bytes.chunks(2) {
            hasher.update(chunk);
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
