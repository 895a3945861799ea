//! PKCS#11 URIs (RFC 7512), as far as they name a key that signs.

use std::path::{Path, PathBuf};

use modelseal_sign::pkcs11::{ModuleReference, Pin, PinReference, Uri, UriError};

const SECRET: &str = "hush7355608";

#[track_caller]
fn uri(text: &str) -> Uri {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn refused(text: &str) -> UriError {
    text.parse::<Uri>().expect_err(text)
}

fn value_of(name: &str) -> UriError {
    UriError::Value { name: name.to_owned() }
}

fn unknown(name: &str) -> UriError {
    UriError::Unknown { name: name.to_owned() }
}

#[test]
fn every_attribute_is_read() {
    let parsed =
        uri("pkcs11:token=t;manufacturer=m;model=o;serial=s;slot-id=7;object=k;id=%01%ff;type=private\
         ?module-path=/m.so&pin-value=1");
    let expected = Uri {
        token: Some("t".to_owned()),
        manufacturer: Some("m".to_owned()),
        model: Some("o".to_owned()),
        serial: Some("s".to_owned()),
        slot_id: Some(7),
        id: Some(vec![1, 255]),
        object: Some("k".to_owned()),
        module: Some(ModuleReference::Path(PathBuf::from("/m.so"))),
        pin: Some(PinReference::Value(Pin::new("1".to_owned()))),
    };
    assert_eq!(parsed, expected);
}

#[test]
fn nothing_has_to_be_given() {
    assert_eq!(uri("pkcs11:"), Uri::default());
    assert_eq!(uri("pkcs11:?"), Uri::default());
    assert_eq!(uri("pkcs11:;;?&"), Uri::default());
}

#[test]
fn an_empty_value_is_given_all_the_same() {
    assert_eq!(uri("pkcs11:token=").token.as_deref(), Some(""));
    assert_eq!(uri("pkcs11:id=").id, Some(vec![]));
}

#[test]
fn the_order_of_attributes_means_nothing() {
    assert_eq!(uri("pkcs11:object=k;token=t"), uri("pkcs11:token=t;object=k"));
    assert_eq!(uri("pkcs11:?pin-value=1&module-path=/m"), uri("pkcs11:?module-path=/m&pin-value=1"));
}

#[test]
fn special_characters_are_decoded() {
    assert_eq!(uri("pkcs11:token=a%20b%3B%3d%25%C3%A9").token.as_deref(), Some("a b;=%\u{e9}"));
    assert_eq!(uri("pkcs11:token=a:b[c]@!$'()*+,=").token.as_deref(), Some("a:b[c]@!$'()*+,="));
}

#[test]
fn an_id_may_be_any_bytes() {
    assert_eq!(uri("pkcs11:id=%00%FFa1").id, Some(vec![0, 0xff, b'a', b'1']));
}

#[test]
fn another_scheme_is_refused() {
    for text in ["", "pkcs11", "PKCS11:token=t", "http:token=t", " pkcs11:token=t", "/usr/lib/m.so"] {
        assert_eq!(refused(text), UriError::Scheme);
    }
}

#[test]
fn what_has_to_be_escaped_may_not_stand_by_itself() {
    for value in ["a b", "a\n", "a\0", "\u{e9}", "\"", "<", ">", "#", "^", "`", "{", "\\"] {
        assert_eq!(refused(&format!("pkcs11:token={value}")), value_of("token"), "{value:?}");
    }
}

#[test]
fn an_escape_is_a_percent_sign_and_two_digits() {
    for value in ["%", "%2", "%zz", "%+1", "% 1", "%%", "%e9%", "%\u{e9}"] {
        assert_eq!(refused(&format!("pkcs11:id={value}")), value_of("id"), "{value:?}");
    }
}

#[test]
fn texts_are_utf8_without_nul() {
    for (name, value) in [("token", "%FF"), ("object", "%C3"), ("serial", "a%00b"), ("model", "%ED%A0%80")] {
        assert_eq!(refused(&format!("pkcs11:{name}={value}")), value_of(name));
    }
}

#[test]
fn an_attribute_stands_once() {
    let twice = |name: &str| UriError::Twice { name: name.to_owned() };
    assert_eq!(refused("pkcs11:token=a;token=a"), twice("token"));
    assert_eq!(refused("pkcs11:id=%01;id=%01"), twice("id"));
    assert_eq!(refused("pkcs11:?module-path=/a&module-path=/a"), twice("module-path"));
    assert_eq!(refused("pkcs11:?pin-value=1&pin-value=1"), UriError::AfterPin);
}

#[test]
fn unknown_attributes_are_not_passed_over() {
    assert_eq!(refused("pkcs11:x-vendor=1"), unknown("x-vendor"));
    assert_eq!(refused("pkcs11:library-version=3"), unknown("library-version"));
    assert_eq!(refused("pkcs11:?x-vendor=1"), unknown("x-vendor"));
    assert_eq!(refused("pkcs11:=1"), unknown(""));
}

#[test]
fn each_attribute_has_its_side_of_the_question_mark() {
    for name in ["module-path", "module-name"] {
        assert_eq!(refused(&format!("pkcs11:{name}=/a")), unknown(name));
    }
    for name in ["pin-value", "pin-source"] {
        assert_eq!(refused(&format!("pkcs11:{name}=/a")), UriError::Misplaced);
    }
    for name in ["token", "object", "id", "slot-id", "type"] {
        assert_eq!(refused(&format!("pkcs11:?{name}=1")), unknown(name));
    }
}

#[test]
fn a_part_without_a_value_is_refused() {
    for text in ["pkcs11:token", "pkcs11:token=t;object", "pkcs11:?pin-value"] {
        assert_eq!(refused(text), UriError::NotAnAttribute);
    }
}

#[test]
fn a_type_is_one_that_a_signer_may_name() {
    for kind in ["private", "public", "cert"] {
        assert_eq!(uri(&format!("pkcs11:type={kind}")), Uri::default());
    }
    for kind in ["", "secret-key", "data", "PRIVATE"] {
        assert_eq!(refused(&format!("pkcs11:type={kind}")), value_of("type"));
    }
}

#[test]
fn a_slot_is_a_plain_number() {
    assert_eq!(uri("pkcs11:slot-id=18446744073709551615").slot_id, Some(u64::MAX));
    for value in ["", "-1", "%2B1", "+1", "0x1", "1%20", "18446744073709551616", "one"] {
        assert_eq!(refused(&format!("pkcs11:slot-id={value}")), value_of("slot-id"), "{value}");
    }
}

#[test]
fn a_module_is_named_by_an_absolute_path() {
    assert_eq!(uri("pkcs11:?module-path=/a%20b.so").module, Some(ModuleReference::Path("/a b.so".into())));
    for path in ["", "m.so", "./m.so", "../m.so", "~/m.so"] {
        let expected = UriError::NotAbsolute { name: "module-path".to_owned() };
        assert_eq!(refused(&format!("pkcs11:?module-path={path}")), expected, "{path}");
    }
}

#[test]
fn a_module_may_be_named_without_its_directory() {
    assert_eq!(uri("pkcs11:?module-name=m").module, Some(ModuleReference::Name("m".to_owned())));
    for name in ["", "a/b", "/m", "../m", "a%2Fb"] {
        assert_eq!(refused(&format!("pkcs11:?module-name={name}")), value_of("module-name"), "{name}");
    }
}

#[test]
fn a_path_and_a_name_of_a_module_are_a_directory_and_a_file() {
    let path = ModuleReference::Path(PathBuf::from("/d/m.so"));
    assert_eq!(uri("pkcs11:?module-path=/d&module-name=m").module, Some(path.clone()));
    assert_eq!(uri("pkcs11:?module-name=m&module-path=/d").module, Some(path));
}

#[test]
fn a_pin_source_is_an_absolute_path_or_a_file_uri() {
    for source in ["/a%20pin", "file:/a%20pin", "file:///a%20pin", "file://localhost/a%20pin"] {
        let parsed = uri(&format!("pkcs11:?pin-source={source}"));
        assert_eq!(parsed.pin_file(), Some(Path::new("/a pin")), "{source}");
    }
    for source in ["", "pin", "file:pin", "file://host/pin", "https://host/pin", "FILE:/pin"] {
        let expected = UriError::NotAbsolute { name: "pin-source".to_owned() };
        assert_eq!(refused(&format!("pkcs11:?pin-source={source}")), expected, "{source}");
    }
}

#[test]
fn a_pin_source_is_no_command() {
    for source in ["|/bin/echo", "%7C/bin/echo", "|"] {
        assert_eq!(refused(&format!("pkcs11:?pin-source={source}")), UriError::PinCommand);
    }
}

#[test]
fn a_pin_is_text_and_not_empty() {
    for pin in ["", "%FF"] {
        assert_eq!(refused(&format!("pkcs11:?pin-value={pin}")), UriError::Pin);
    }
}

#[test]
fn there_is_one_pin() {
    assert_eq!(refused("pkcs11:?pin-value=1&pin-source=/pin"), UriError::TwoPins);
    assert_eq!(refused("pkcs11:?pin-source=/pin&pin-value=1"), UriError::TwoPins);
}

#[test]
fn a_uri_of_any_length_is_not_read() {
    assert_eq!(refused(&format!("pkcs11:token={}", "x".repeat(4096))), UriError::TooLong);
    let longest = format!("pkcs11:token={}", "x".repeat(4096 - "pkcs11:token=".len()));
    assert_eq!(longest.len(), 4096);
    uri(&longest);
}

#[test]
fn what_is_shown_reads_the_same_but_for_the_pin() {
    for text in [
        "pkcs11:",
        "pkcs11:token=a%20b;manufacturer=m%3B;model=o;serial=0123;slot-id=7;object=k%0A%E2%80%AE;id=%00%FF",
        "pkcs11:?module-path=/usr/lib/m%20n.so",
        "pkcs11:token=t?module-name=m",
    ] {
        assert_eq!(uri(text).to_string(), text);
    }
    let with_pin = uri("pkcs11:token=t?module-path=/m.so&pin-source=/pin");
    assert_eq!(with_pin.to_string(), "pkcs11:token=t?module-path=/m.so");
}

#[test]
fn item_88_the_pin_is_never_shown() {
    let parsed = uri(&format!("pkcs11:token=t?module-path=/m.so&pin-value={SECRET}"));
    for shown in [format!("{parsed}"), format!("{parsed:?}"), format!("{:?}", parsed.pin)] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn item_88_no_error_holds_a_value() {
    for text in [
        SECRET.to_owned(),
        format!("pkcs11:{SECRET}"),
        format!("pkcs11:?pin-value={SECRET}%"),
        format!("pkcs11:?pin-value={SECRET}%FF"),
        format!("pkcs11:?pin-value={SECRET}&pin-value={SECRET}"),
        format!("pkcs11:?pin-value={SECRET}&pin-source=/a"),
        format!("pkcs11:?pin-value=a&{SECRET}"),
        format!("pkcs11:?pin-source={SECRET}"),
        format!("pkcs11:pin-value={SECRET}"),
        format!("pkcs11:slot-id={SECRET}"),
        format!("pkcs11:token=t?pin={SECRET}"),
        format!("pkcs11:?pin-value={SECRET}{}", "x".repeat(5000)),
    ] {
        let error = refused(&text);
        assert!(!format!("{error} {error:?}").contains(SECRET), "{text}: {error}");
    }
}
