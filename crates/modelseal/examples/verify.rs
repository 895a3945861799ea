//! Verifies a model by the identity of its publisher, with the library alone:
//!
//! `cargo run --no-default-features --example verify -- MODEL IDENTITY ISSUER`

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;

use modelseal::{
    Clock, Model, SIGNATURE_FILE_NAME, SigstoreTrust, Trust, TrustedRoot, Unobserved, UntrustedBundle,
    VerifyOptions, verify,
};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, identity, issuer] = &arguments[..] else {
        eprintln!("usage: verify MODEL IDENTITY ISSUER");
        return ExitCode::from(2);
    };
    match verify_model(Path::new(model), identity, issuer) {
        Ok(signer) => {
            println!("verified: {signer}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not verified: {error}");
            ExitCode::FAILURE
        }
    }
}

fn verify_model(path: &Path, identity: &str, issuer: &str) -> Result<String, Box<dyn Error>> {
    let model = Model::open(path)?;
    let signature = path.join(SIGNATURE_FILE_NAME);
    let bundle =
        UntrustedBundle::parse(&modelseal_disk::read_regular(&signature, modelseal::MAX_BUNDLE_BYTES)?)?;
    let trust =
        SigstoreTrust::identity(TrustedRoot::production(), identity.parse()?, issuer, Clock::system());
    let options = VerifyOptions { bundle_path: Some(&signature), ..VerifyOptions::default() };
    let verified = verify(&model, bundle, &Trust::sigstore(trust), &options, &Unobserved)?;
    Ok(verified.statement().signer().to_string())
}
