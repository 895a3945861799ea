//! What DER may cost. The parsers behind this sort each SET that they read by
//! insertion, so a name of thousands of attributes in falling order takes
//! seconds. One walk over the headers finds it first.

/// The most elements of a SET: names, attributes and certificates of a
/// timestamp have a handful.
const MAX_ELEMENTS: usize = 32;
const MAX_DEPTH: usize = 32;

const SET: u8 = 0x31;
const OCTET_STRING: u8 = 0x04;
const CONSTRUCTED: u8 = 0x20;
/// `[0]` and `[1]`, which stand for SETs in CMS.
const IMPLICIT_SETS: [u8; 2] = [0xa0, 0xa1];

/// Whether `der` is one value, nested not too deep, with no long SET in it, nor
/// in what is wrapped in its octet strings.
pub(crate) fn is_cheap(der: &[u8]) -> bool {
    walk(der, MAX_DEPTH).is_ok_and(|elements| elements == 1)
}

enum Problem {
    Malformed,
    Costly,
}

/// How many values stand one after the other.
fn walk(mut bytes: &[u8], depth: usize) -> Result<usize, Problem> {
    let mut elements = 0;
    while !bytes.is_empty() {
        let (tag, value, rest) = split(bytes).ok_or(Problem::Malformed)?;
        elements += 1;
        bytes = rest;
        let depth = || depth.checked_sub(1).ok_or(Problem::Costly);
        if tag & CONSTRUCTED != 0 {
            let inside = walk(value, depth()?)?;
            if inside > MAX_ELEMENTS && (tag == SET || IMPLICIT_SETS.contains(&tag)) {
                return Err(Problem::Costly);
            }
        } else if tag == OCTET_STRING
            && let Err(Problem::Costly) = walk(value, depth()?)
        {
            return Err(Problem::Costly);
        }
    }
    Ok(elements)
}

/// The tag of the first value, its content, and what follows it.
fn split(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (length.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((tag, value, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84][..], &length, content].concat()
    }

    fn elements(count: usize) -> Vec<u8> {
        [0x05, 0x00].repeat(count)
    }

    #[test]
    fn a_long_set_is_found_wherever_it_stands() {
        for (count, is_fine) in [(32, true), (33, false)] {
            for tag in [SET, 0xa0, 0xa1] {
                let set = value(tag, &elements(count));
                assert_eq!(is_cheap(&set), is_fine);
                assert_eq!(is_cheap(&value(0x30, &value(0x30, &set))), is_fine);
                let wrapped = value(0x30, &value(OCTET_STRING, &value(0x30, &set)));
                assert_eq!(is_cheap(&wrapped), is_fine);
            }
            assert!(is_cheap(&value(0x30, &elements(count))));
        }
    }

    #[test]
    fn an_octet_string_may_hold_anything_else() {
        for content in [&b""[..], b"\xff\xff", b"text", &[0x31, 0x84, 0xff, 0xff, 0xff, 0xff]] {
            assert!(is_cheap(&value(OCTET_STRING, content)));
        }
    }

    #[test]
    fn what_is_not_one_value_or_nested_too_deep_is_refused() {
        assert!(!is_cheap(b""));
        assert!(!is_cheap(&elements(2)));
        assert!(!is_cheap(&[0x30, 0x80, 0, 0]));
        assert!(!is_cheap(&[0x30, 0x02, 0x05]));
        let nested = (0..40).fold(vec![], |inner, _| value(0x30, &inner));
        assert!(!is_cheap(&nested));
        let wrapped = (0..40).fold(vec![], |inner, _| value(OCTET_STRING, &inner));
        assert!(!is_cheap(&wrapped));
    }
}
