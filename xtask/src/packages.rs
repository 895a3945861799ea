//! Packages of the system, installed where apt-get can do that without asking anybody.

use std::process::Command;

use crate::environment::{output, run};

pub(crate) fn install(package: &str) -> Result<(), String> {
    let Some(root) = root() else {
        return Err(format!("{package} is missing, and apt-get cannot install it without a password here"));
    };
    eprintln!("xtask: installing {package}");
    let is_known = output(Command::new("apt-cache").args(["show", package])).is_some();
    if !is_known {
        run(&mut apt_get(root, &["update"]))?;
    }
    run(&mut apt_get(root, &["install", "-y", "--no-install-recommends", package]))
}

/// The words before a command that make it run as root without asking for a
/// password; `None` if there are none, or no apt-get.
fn root() -> Option<&'static [&'static str]> {
    output(Command::new("apt-get").arg("--version"))?;
    if output(Command::new("id").arg("-u"))? == "0" {
        return Some(&[]);
    }
    output(Command::new("sudo").args(["-n", "true"])).map(|_| &["sudo", "-n"][..])
}

fn apt_get(root: &[&str], arguments: &[&str]) -> Command {
    // Through env, because sudo drops variables.
    let words = [root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"], arguments].concat();
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command
}
