use std::fmt::{self, Debug, Display};
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// A hash function that OMS registers for file contents (specification,
/// `serialization.hash_type`).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum HashType {
    /// SHA-256, 32 bytes. The default.
    Sha256,
    /// Unkeyed BLAKE2b with its full 64 bytes of output.
    Blake2b,
    /// Unkeyed BLAKE3 with 32 bytes of output.
    Blake3,
}

impl HashType {
    /// The length of a digest, in bytes.
    pub const fn digest_len(self) -> usize {
        match self {
            Self::Sha256 | Self::Blake3 => 32,
            Self::Blake2b => 64,
        }
    }

    /// The name that the specification gives it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Blake2b => "blake2b",
            Self::Blake3 => "blake3",
        }
    }
}

impl Display for HashType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HashType {
    type Err = DigestError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s {
            "sha256" => Ok(Self::Sha256),
            "blake2b" => Ok(Self::Blake2b),
            "blake3" => Ok(Self::Blake3),
            _ => Err(DigestError::UnknownAlgorithm { found: s.to_owned() }),
        }
    }
}

/// Why a digest could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The algorithm is none of `sha256`, `blake2b`, `blake3`.
    #[error("unknown hash algorithm \"{}\" (known: sha256, blake2b, blake3)", crate::Escaped(found))]
    UnknownAlgorithm {
        /// The name as it was given.
        found: String,
    },
    /// The text has another length than the algorithm's digests.
    #[error("a {algorithm} digest has {expected} hexadecimal digits, this one has {found}")]
    Length {
        /// The algorithm that was named.
        algorithm: HashType,
        /// Digits that its digests have.
        expected: usize,
        /// Digits that were found.
        found: usize,
    },
    /// The text is not lowercase hexadecimal.
    #[error("a {algorithm} digest is written in lowercase hexadecimal, this one is not")]
    NotLowercaseHex {
        /// The algorithm that was named.
        algorithm: HashType,
    },
}

/// A SHA-256 digest.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// Takes 32 bytes that are the output of SHA-256.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Hashes `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for Sha256Digest {
    type Err = DigestError;

    /// Reads 64 lowercase hexadecimal digits.
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        decode(HashType::Sha256, s).map(Self)
    }
}

impl Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

/// The digest of a file, or of a shard of one, under one of the registered
/// hash functions.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub enum ContentDigest {
    /// 32 bytes of SHA-256.
    Sha256(Sha256Digest),
    /// 64 bytes of BLAKE2b.
    Blake2b([u8; 64]),
    /// 32 bytes of BLAKE3.
    Blake3([u8; 32]),
}

impl ContentDigest {
    /// Reads lowercase hexadecimal of exactly the right length.
    ///
    /// # Errors
    /// [`DigestError::Length`] or [`DigestError::NotLowercaseHex`].
    pub fn from_hex(algorithm: HashType, hex: &str) -> Result<Self, DigestError> {
        Ok(match algorithm {
            HashType::Sha256 => Self::Sha256(hex.parse()?),
            HashType::Blake2b => Self::Blake2b(decode(algorithm, hex)?),
            HashType::Blake3 => Self::Blake3(decode(algorithm, hex)?),
        })
    }

    /// All bits zero, which is no digest of anything: where only the shape counts.
    pub const fn zero(algorithm: HashType) -> Self {
        match algorithm {
            HashType::Sha256 => Self::Sha256(Sha256Digest::from_bytes([0; 32])),
            HashType::Blake2b => Self::Blake2b([0; 64]),
            HashType::Blake3 => Self::Blake3([0; 32]),
        }
    }

    /// The function that made it.
    pub const fn algorithm(&self) -> HashType {
        match self {
            Self::Sha256(_) => HashType::Sha256,
            Self::Blake2b(_) => HashType::Blake2b,
            Self::Blake3(_) => HashType::Blake3,
        }
    }

    /// The raw bytes: 32 or 64 of them.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sha256(digest) => digest.as_bytes(),
            Self::Blake2b(bytes) => bytes,
            Self::Blake3(bytes) => bytes,
        }
    }

    /// Lowercase hexadecimal, without the algorithm's name.
    pub fn to_hex(&self) -> String {
        hex::encode(self.as_bytes())
    }
}

/// `algorithm:hex`.
impl Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.to_hex())
    }
}

impl Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContentDigest({self})")
    }
}

/// The subject digest of an OMS statement: SHA-256 over the concatenated raw
/// resource digests in listed order.
///
/// It does not cover names or sizes: two models may share it. Identity is the
/// [`ModelDigest`](crate::ModelDigest).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RootDigest(Sha256Digest);

impl RootDigest {
    /// Takes a digest that a statement claims as its root.
    pub const fn from_sha256(digest: Sha256Digest) -> Self {
        Self(digest)
    }

    pub(crate) fn over<'a>(digests: impl Iterator<Item = &'a ContentDigest>) -> Self {
        let hasher = digests.fold(Sha256::new(), |hasher, digest| hasher.chain_update(digest.as_bytes()));
        Self(Sha256Digest(hasher.finalize().into()))
    }

    /// The digest itself.
    pub const fn as_sha256(&self) -> &Sha256Digest {
        &self.0
    }
}

/// `sha256:hex`.
impl Display for RootDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

fn decode<const N: usize>(algorithm: HashType, hex: &str) -> Result<[u8; N], DigestError> {
    if hex.len() != 2 * N {
        return Err(DigestError::Length { algorithm, expected: 2 * N, found: hex.chars().count() });
    }
    let not_hex = DigestError::NotLowercaseHex { algorithm };
    if hex.bytes().any(|b| b.is_ascii_uppercase()) {
        return Err(not_hex);
    }
    let mut bytes = [0; N];
    hex::decode_to_slice(hex, &mut bytes).map_err(|_| not_hex)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn sha256_meets_the_vector_of_fips_180() {
        assert_eq!(Sha256Digest::of(b"abc").to_string(), ABC);
    }

    #[test]
    fn item_25_unknown_algorithm_is_refused() {
        for name in ["md5", "SHA256", "sha-256", "", "sha512"] {
            assert!(matches!(name.parse::<HashType>(), Err(DigestError::UnknownAlgorithm { .. })), "{name}");
        }
    }

    #[test]
    fn item_25_wrong_length_is_refused() {
        for hash in [HashType::Sha256, HashType::Blake2b, HashType::Blake3] {
            let digits = 2 * hash.digest_len();
            for wrong in [0, digits - 2, digits - 1, digits + 1, digits * 2] {
                let found = ContentDigest::from_hex(hash, &"a".repeat(wrong));
                assert_eq!(
                    found,
                    Err(DigestError::Length { algorithm: hash, expected: digits, found: wrong })
                );
            }
        }
    }

    #[test]
    fn uppercase_and_other_characters_are_refused() {
        for text in [ABC.to_uppercase(), ABC.replace('b', "g"), ABC.replace("ba78", " ba7")] {
            let found = ContentDigest::from_hex(HashType::Sha256, &text);
            assert_eq!(found, Err(DigestError::NotLowercaseHex { algorithm: HashType::Sha256 }));
        }
    }

    #[test]
    fn root_digest_is_over_raw_digests_in_order() {
        let (a, b) =
            (ContentDigest::Sha256(Sha256Digest::of(b"a")), ContentDigest::Sha256(Sha256Digest::of(b"b")));
        let joined: Vec<u8> = [a.as_bytes(), b.as_bytes()].concat();
        assert_eq!(RootDigest::over([a, b].iter()).as_sha256(), &Sha256Digest::of(&joined));
        assert_ne!(RootDigest::over([a, b].iter()), RootDigest::over([b, a].iter()));
    }
}
