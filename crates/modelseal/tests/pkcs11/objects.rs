//! Objects that `softhsm2-util` cannot make. SoftHSM2 looks for its
//! configuration in the environment of its process, which our tests share; so
//! this test program runs itself, for the one "test" that makes an object.

use std::process::Command;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;

use crate::softhsm::{PIN, Token, module};

const TASK: &str = "MODELSEAL_TEST_TASK";
const SLOT: &str = "MODELSEAL_TEST_SLOT";

/// The name of P-256, in DER.
const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

impl Token {
    /// Puts the certificate of a PEM file on the token.
    pub(crate) fn add_certificate(&self, file: &str, label: &str, id: &str) {
        self.do_task(&["certificate", file, label, id]);
    }

    /// Sets `CKA_SIGN` of a private key to false.
    pub(crate) fn forbid_to_sign(&self, label: &str) {
        self.do_task(&["forbid-to-sign", label]);
    }

    /// Gives the public key `label` another label and id.
    pub(crate) fn rename_public_key(&self, label: &str, new_label: &str, new_id: &str) {
        self.do_task(&["rename-public-key", label, new_label, new_id]);
    }

    /// Makes a key that wants its PIN at every signature.
    pub(crate) fn generate_always_authenticated(&self, label: &str) {
        self.do_task(&["always-authenticated", label]);
    }

    fn do_task(&self, task: &[&str]) {
        let itself = std::env::current_exe().unwrap();
        let mut command = Command::new(itself);
        command.args(["--exact", "objects::what_the_environment_asks_for_is_done"]);
        command.env(TASK, task.join("\n")).env(SLOT, self.slot.to_string());
        let output = self.command(&mut command).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{task:?}: {said}");
    }
}

#[test]
fn what_the_environment_asks_for_is_done() {
    let Ok(task) = std::env::var(TASK) else { return };
    let slot: u64 = std::env::var(SLOT).unwrap().parse().unwrap();
    let context = Pkcs11::new(module()).unwrap();
    context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap();
    let session = context.open_rw_session(Slot::try_from(slot).unwrap()).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN))).unwrap();
    match task.split('\n').collect::<Vec<_>>()[..] {
        ["certificate", file, label, id] => add_certificate(&session, file, label, id),
        ["forbid-to-sign", label] => {
            change(&session, ObjectClass::PRIVATE_KEY, label, &[Attribute::Sign(false)]);
        }
        ["rename-public-key", label, new_label, new_id] => {
            change(&session, ObjectClass::PUBLIC_KEY, label, &name(new_label, new_id));
        }
        ["always-authenticated", label] => generate_always_authenticated(&session, label),
        _ => panic!("{task}"),
    }
}

fn name(label: &str, id: &str) -> [Attribute; 2] {
    [Attribute::Label(label.into()), Attribute::Id(vec![u8::from_str_radix(id, 16).unwrap()])]
}

fn change(session: &Session, class: ObjectClass, label: &str, attributes: &[Attribute]) {
    let found = session.find_objects(&[Attribute::Class(class), Attribute::Label(label.into())]).unwrap();
    assert_eq!(found.len(), 1, "{label}");
    session.update_attributes(found[0], attributes).unwrap();
}

fn add_certificate(session: &Session, file: &str, label: &str, id: &str) {
    let pem = std::fs::read(file).unwrap();
    let certificate = modelseal::Certificate::all_from_pem(&pem).unwrap().remove(0);
    let attributes = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        // An empty name: SoftHSM wants one, and nobody reads it.
        Attribute::Subject(vec![0x30, 0]),
        Attribute::Value(certificate.as_der().to_vec()),
    ];
    session.create_object(&[&attributes[..], &name(label, id)].concat()).unwrap();
}

fn generate_always_authenticated(session: &Session, label: &str) {
    let name = name(label, "09");
    let public =
        [&name[..], &[Attribute::Token(true), Attribute::Private(false), Attribute::EcParams(P256.to_vec())]];
    let private = [
        &name[..],
        &[Attribute::Token(true), Attribute::Private(true), Attribute::Sign(true)],
        &[Attribute::AlwaysAuthenticate(true)],
    ];
    session.generate_key_pair(&Mechanism::EccKeyPairGen, &public.concat(), &private.concat()).unwrap();
}
