use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Standard alphabet, padded, canonical; no white space (RFC 4648 §3.5, §4).
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn item_9_only_the_canonical_form_is_read() {
        assert_eq!(decode("aGk="), Some(b"hi".to_vec()));
        for wrong in ["aGk", "aGl=", "aG k=", "aGk=\n", "aGk==", "a", "=", "-_-_", "aGk=aGk="] {
            assert_eq!(decode(wrong), None, "{wrong:?}");
        }
    }
}
