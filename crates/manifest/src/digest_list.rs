use std::fmt::{self, Display};

use crate::{
    ContentDigest, DigestError, HashType, MAX_RESOURCES, ManifestPath, NameError, Resource, ResourceName,
};

/// Reads digests of whole files as `sha256sum`, `b2sum` and `b3sum` write them: a
/// line for each file, with the digest in lowercase hexadecimal, a space, a space or
/// a `*`, and the name. A line that begins with `\` has `\\`, `\n` and `\r` in its name
/// escaped. One `./` before a name is left away, since `find` writes it.
///
/// Whether the names are distinct is the business of [`Manifest::new`](crate::Manifest::new).
///
/// # Errors
/// [`DigestListError`] with the first line that is none of these.
pub fn parse_digest_list(bytes: &[u8], hash_type: HashType) -> Result<Vec<Resource>, DigestListError> {
    let mut resources = Vec::new();
    let lines = bytes.strip_suffix(b"\n").unwrap_or(bytes).split(|byte| *byte == b'\n');
    for (number, line) in (1..).zip(lines).filter(|_| !bytes.is_empty()) {
        let at = |problem| DigestListError { line: number, problem };
        if resources.len() == MAX_RESOURCES {
            return Err(at(DigestListProblem::TooMany));
        }
        resources.push(resource(line, hash_type).map_err(at)?);
    }
    Ok(resources)
}

fn resource(line: &[u8], hash_type: HashType) -> Result<Resource, DigestListProblem> {
    let line = std::str::from_utf8(line).map_err(|_| DigestListProblem::NotUtf8)?;
    let (is_escaped, line) = line.strip_prefix('\\').map_or((false, line), |rest| (true, rest));
    let (digest, name) = line
        .split_once(' ')
        .and_then(|(digest, rest)| Some((digest, rest.strip_prefix([' ', '*'])?)))
        .ok_or(DigestListProblem::Shape)?;
    let digest = ContentDigest::from_hex(hash_type, digest).map_err(DigestListProblem::Digest)?;
    let name = if is_escaped { unescaped(name).ok_or(DigestListProblem::Shape)? } else { name.to_owned() };
    if name.ends_with('\r') {
        return Err(DigestListProblem::CarriageReturn);
    }
    let path = ManifestPath::new(name.strip_prefix("./").unwrap_or(&name))?;
    Ok(Resource { name: ResourceName { path, range: None }, digest })
}

fn unescaped(name: &str) -> Option<String> {
    let mut characters = name.chars();
    let mut text = String::with_capacity(name.len());
    while let Some(character) = characters.next() {
        text.push(match character {
            '\\' => match characters.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            other => other,
        });
    }
    Some(text)
}

/// A line that is not a digest and a name.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DigestListError {
    /// Which, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: DigestListProblem,
}

impl std::error::Error for DigestListError {}

impl Display for DigestListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.problem)
    }
}

/// What is wrong with a line of a list of digests.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestListProblem {
    /// Bytes that are not UTF-8, which a manifest cannot carry.
    #[error("is not UTF-8, so no manifest can list it")]
    NotUtf8,
    /// Not a digest and a name.
    #[error("expected a digest, two spaces and a name, as sha256sum writes them")]
    Shape,
    /// Line ends of another system.
    #[error("ends with a carriage return, which would be a part of the name")]
    CarriageReturn,
    /// Not a digest of the hash function that was named.
    #[error(transparent)]
    Digest(DigestError),
    /// A name that no manifest can carry.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More lines than a model may have files.
    #[error("is one more than the {MAX_RESOURCES} files that a model may have")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn names(list: &str) -> Result<Vec<String>, DigestListError> {
        let resources = parse_digest_list(list.as_bytes(), HashType::Sha256)?;
        Ok(resources.iter().map(|resource| resource.name.to_wire()).collect())
    }

    fn problem(list: &str) -> (usize, DigestListProblem) {
        let DigestListError { line, problem } = names(list).unwrap_err();
        (line, problem)
    }

    #[test]
    fn text_and_binary_lines_of_coreutils_are_read() {
        let list = format!("{EMPTY}  a.bin\n{EMPTY} *dir/b c  d\n{EMPTY}  ./x/y\n");
        assert_eq!(names(&list).unwrap(), ["a.bin", "dir/b c  d", "x/y"]);
        assert_eq!(names(list.trim_end()).unwrap().len(), 3);
        assert_eq!(names("").unwrap(), [""; 0]);
    }

    #[test]
    fn escaped_names_are_read_as_what_they_stand_for() {
        assert_eq!(
            names(&format!("\\{EMPTY}  a\\\\b\n")).unwrap_err().line,
            1,
            "no manifest takes a backslash"
        );
        assert!(matches!(problem(&format!("\\{EMPTY}  a\\x\n")), (1, DigestListProblem::Shape)));
        assert!(matches!(problem(&format!("\\{EMPTY}  a\\\n")), (1, DigestListProblem::Shape)));
    }

    #[test]
    fn what_is_no_list_of_digests_is_refused_by_its_line() {
        let good = format!("{EMPTY}  a\n");
        for (bad, expected) in [
            (format!("{EMPTY}\ta"), DigestListProblem::Shape),
            (format!("{EMPTY} a"), DigestListProblem::Shape),
            (format!("SHA256 (a) = {EMPTY}"), DigestListProblem::Shape),
            (String::new(), DigestListProblem::Shape),
            (format!("{EMPTY}  a\r"), DigestListProblem::CarriageReturn),
        ] {
            assert_eq!(problem(&format!("{good}{bad}\n")), (2, expected), "{bad}");
        }
        assert!(matches!(problem(&format!("{}  a", &EMPTY[1..])), (1, DigestListProblem::Digest(_))));
        assert!(matches!(
            problem(&format!("{}  a", EMPTY.to_uppercase())),
            (1, DigestListProblem::Digest(_))
        ));
        for name in ["/etc/passwd", "../a", "a/../b", "", "a//b", "."] {
            assert!(
                matches!(problem(&format!("{EMPTY}  {name}")), (1, DigestListProblem::Name(_))),
                "{name}"
            );
        }
        let bytes = [EMPTY.as_bytes(), b"  \xff"].concat();
        let found = parse_digest_list(&bytes, HashType::Sha256).unwrap_err();
        assert_eq!(found.problem, DigestListProblem::NotUtf8);
    }
}
