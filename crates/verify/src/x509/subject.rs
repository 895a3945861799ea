use std::fmt::{self, Display};
use std::str::FromStr;

use spki::der::asn1::{Ia5StringRef, PrintableStringRef, TeletexStringRef, Utf8StringRef};
use spki::der::{Tag, Tagged};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::name::Name;

use super::certificate::shown;

/// What the subject of a certificate has to hold: attributes with their exact
/// values, in any order, each of a type that occurs once in the subject.
/// Further attributes of other types may be there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SubjectPattern(Name);

impl SubjectPattern {
    pub(super) fn matches(&self, subject: &Name) -> bool {
        attributes(&self.0).all(|wanted| {
            let mut of_type = attributes(subject).filter(|found| found.oid == wanted.oid);
            match (of_type.next(), of_type.next()) {
                (Some(found), None) => text(found).is_some() && text(found) == text(wanted),
                _ => false,
            }
        })
    }
}

/// Reads the form of RFC 4514: `CN=Release,O=Acme`.
impl FromStr for SubjectPattern {
    type Err = SubjectPatternError;

    fn from_str(pattern: &str) -> Result<Self, Self::Err> {
        let name = Name::from_str(pattern).map_err(|_| SubjectPatternError::Malformed)?;
        if attributes(&name).any(|attribute| text(attribute).is_none()) {
            return Err(SubjectPatternError::Malformed);
        }
        let is_repeated =
            |a: &AttributeTypeAndValue| attributes(&name).filter(|b| a.oid == b.oid).count() > 1;
        if attributes(&name).any(is_repeated) {
            return Err(SubjectPatternError::Repeated);
        }
        if attributes(&name).next().is_none() {
            return Err(SubjectPatternError::Malformed);
        }
        Ok(Self(name))
    }
}

impl Display for SubjectPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

pub(super) fn attributes(name: &Name) -> impl Iterator<Item = &AttributeTypeAndValue> {
    name.0.iter().flat_map(|relative| relative.0.iter())
}

/// The text of a value, whichever of the usual string types it has.
fn text(attribute: &AttributeTypeAndValue) -> Option<&str> {
    let value = &attribute.value;
    match value.tag() {
        Tag::PrintableString => PrintableStringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::Utf8String => Utf8StringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::Ia5String => Ia5StringRef::try_from(value).ok().map(|text| text.as_str()),
        Tag::TeletexString => TeletexStringRef::try_from(value).ok().map(|text| text.as_str()),
        _ => None,
    }
}

/// Whether two names are one for those who compare texts (RFC 5280, section
/// 7.1): in any of the usual string types, without regard to case and spaces. It serves only
/// to refuse.
pub(super) fn is_alike(a: &Name, b: &Name) -> bool {
    let words = |attribute: &AttributeTypeAndValue| {
        text(attribute).map(|text| text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>())
    };
    let is_alike = |a: &AttributeTypeAndValue, b: &AttributeTypeAndValue| {
        a.oid == b.oid && (a.value == b.value || (words(a).is_some() && words(a) == words(b)))
    };
    attributes(a).count() == attributes(b).count()
        && attributes(a).zip(attributes(b)).all(|(a, b)| is_alike(a, b))
}

/// Why a text is not a pattern of subjects.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectPatternError {
    /// Not the text of a name.
    #[error("expected attributes as in CN=Release,O=Acme (RFC 4514), without spaces around them")]
    Malformed,
    /// One type of attribute twice: no subject would match.
    #[error("names one type of attribute twice")]
    Repeated,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, subject: &str) -> bool {
        SubjectPattern::from_str(pattern).unwrap().matches(&Name::from_str(subject).unwrap())
    }

    #[test]
    fn every_named_attribute_has_to_be_there_exactly() {
        let subject = "CN=Release,OU=Models,O=Acme,C=US";
        for pattern in ["CN=Release", "O=Acme,CN=Release", "C=US", subject] {
            assert!(matches(pattern, subject), "{pattern}");
        }
        for pattern in
            ["CN=release", "CN=Rel", "CN=Release ", "O=Acme,CN=Other", "ST=CA", "CN=Release,O=Acme2"]
        {
            assert!(!matches(pattern, subject), "{pattern}");
        }
    }

    #[test]
    fn item_44_an_attribute_that_occurs_twice_in_the_subject_is_ambiguous() {
        assert!(!matches("CN=Release", "CN=Release,CN=Other,O=Acme"));
        assert!(matches("O=Acme", "CN=Release,CN=Other,O=Acme"));
    }

    #[test]
    fn escapes_are_those_of_rfc_4514() {
        assert!(matches(r"O=Acme\, Inc.", r"CN=x,O=Acme\, Inc."));
        assert!(!matches(r"O=Acme\, Inc.", "CN=x,O=Acme"));
        assert!(matches("CN=Größe", "CN=Größe"));
    }

    #[test]
    fn a_subject_that_is_shown_can_be_given_back() {
        for subject in [r"CN=a,O=Acme\, Inc.", r"CN=a\+b \<c\>", "CN=Größe", "CN=a\u{202e}b", r"CN=\20a\20"]
        {
            let name = Name::from_str(subject).unwrap();
            let text = shown(&name);
            assert!(SubjectPattern::from_str(&text).unwrap().matches(&name), "{text}");
        }
        assert_eq!(shown(&Name::from_str(r"O=Acme\, Inc.").unwrap()), r"O=Acme\, Inc.");
        assert_eq!(shown(&Name::from_str("CN=a\u{202e}b").unwrap()), r"CN=a\e2\80\aeb");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for pattern in ["", "Release", "CN", "CN=a, O=b", "Nonsense=1", "CN=#0500"] {
            assert!(SubjectPattern::from_str(pattern).is_err(), "{pattern}");
        }
        assert_eq!(SubjectPattern::from_str("CN=a,CN=b"), Err(SubjectPatternError::Repeated));
    }
}
