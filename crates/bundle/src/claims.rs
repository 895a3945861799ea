use crate::{ClaimsError, MAX_BUNDLE_BYTES, UntrustedBundle};

/// Where attestations and further signatures stand, beside a model.
pub const CLAIMS_FILE_NAME: &str = "claims.jsonl";

/// The most lines of a claims file.
pub const MAX_CLAIMS_LINES: usize = 1024;

/// A file of bundles, one a line, in any order. Nothing in it is proved.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Claims {
    bundles: Vec<UntrustedBundle>,
}

impl Claims {
    /// Reads at most 64 MiB of at most 1,024 lines. Empty lines are passed
    /// over.
    ///
    /// # Errors
    /// [`ClaimsError`], with the line that is not a bundle.
    pub fn parse(bytes: &[u8]) -> Result<Self, ClaimsError> {
        if bytes.len() as u64 > MAX_BUNDLE_BYTES {
            return Err(ClaimsError::TooLarge { found: bytes.len() as u64, limit: MAX_BUNDLE_BYTES });
        }
        let mut bundles = Vec::new();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            if index >= MAX_CLAIMS_LINES && !line.is_empty() || index > MAX_CLAIMS_LINES {
                return Err(ClaimsError::TooManyLines { limit: MAX_CLAIMS_LINES });
            }
            if !line.trim_ascii().is_empty() {
                let bundle = UntrustedBundle::parse(line);
                bundles.push(bundle.map_err(|source| ClaimsError::Line { line: index + 1, source })?);
            }
        }
        Ok(Self { bundles })
    }

    /// The bundles, in the order of their lines.
    pub fn bundles(&self) -> &[UntrustedBundle] {
        &self.bundles
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Envelope, KeyHint, KeyMaterial, VerificationMaterial};

    fn line() -> Vec<u8> {
        let material = VerificationMaterial::Key(KeyMaterial::hinted(KeyHint::new("a")));
        UntrustedBundle::new(material, Envelope::new(b"{}".to_vec(), vec![1])).to_json()
    }

    #[test]
    fn each_line_is_a_bundle() {
        let file = [line(), b"\n".to_vec(), line()].concat();
        assert_eq!(Claims::parse(&file).unwrap().bundles().len(), 2);
        assert_eq!(Claims::parse(b"").unwrap().bundles().len(), 0);
    }

    #[test]
    fn a_line_that_is_not_a_bundle_is_named() {
        let file = [line(), b"{}\n".to_vec()].concat();
        assert!(matches!(Claims::parse(&file), Err(ClaimsError::Line { line: 2, .. })));
    }

    #[test]
    fn too_many_lines_are_refused() {
        assert!(Claims::parse(&line().repeat(1024)).is_ok());
        assert_eq!(Claims::parse(&line().repeat(1026)), Err(ClaimsError::TooManyLines { limit: 1024 }));
        assert_eq!(Claims::parse(&b"\n".repeat(5000)), Err(ClaimsError::TooManyLines { limit: 1024 }));
    }
}
