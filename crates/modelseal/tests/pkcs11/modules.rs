//! A module runs inside of the command: only one that was named by its whole
//! path is loaded.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::Scene;
use crate::softhsm::module;

fn uri(module_path: &str) -> String {
    format!("pkcs11:object=key?module-path={module_path}&pin-value=1234")
}

/// A shared library that exports one function, of no use to anybody.
fn compile_library(path: &Path) {
    let source = path.with_extension("c");
    fs::write(&source, "int nothing(void) { return 0; }\n").unwrap();
    let cc = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(path).arg(source).status();
    assert!(cc.expect("cc runs").success());
}

#[test]
fn a_relative_path_is_refused() {
    let scene = Scene::new();
    fs::copy(module(), scene.stage.at("module.so")).unwrap();
    for path in ["module.so", "./module.so", "model/../module.so"] {
        scene.does_not_sign(&uri(path), 2, &["module-path", "is not an absolute path"]);
        let mut list = scene.command(&["pkcs11", "list", path]);
        scene.stage.refuses(&mut list, 2, &[path, "is not an absolute path", "by its full path"]);
    }
}

#[test]
fn a_uri_without_a_module_is_refused() {
    let scene = Scene::new();
    for uri in ["pkcs11:token=release;object=key", "pkcs11:object=key?pin-value=1234", "pkcs11:"] {
        scene.does_not_sign(uri, 2, &["the PKCS#11 URI names no module", "module-path="]);
    }
}

#[test]
fn item_88_a_module_that_is_not_there_is_refused() {
    let scene = Scene::new();
    let path = scene.path("absent.so");
    scene.does_not_sign(&uri(&path), 2, &["absent.so", "cannot be loaded as a PKCS#11 module"]);
}

#[test]
fn item_88_a_file_that_is_no_library_is_refused() {
    let scene = Scene::new();
    for path in [scene.path("model/a"), scene.path("model"), "/dev/null".to_owned()] {
        scene.does_not_sign(&uri(&path), 2, &[&path, "cannot be loaded as a PKCS#11 module"]);
    }
}

#[test]
fn item_88_a_library_that_is_no_module_is_refused() {
    let scene = Scene::new();
    let path = scene.path("library.so");
    compile_library(Path::new(&path));
    let words =
        ["cannot be loaded as a PKCS#11 module", "C_GetFunctionList", "is it the vendor's PKCS#11 module"];
    scene.does_not_sign(&uri(&path), 2, &words);
    let mut list = scene.command(&["pkcs11", "list", &path]);
    scene.stage.refuses(&mut list, 2, &words);
}

#[test]
fn a_directory_and_a_name_make_a_path() {
    let scene = Scene::new();
    let (directory, name) = (scene.path("modules"), "vendor");
    fs::create_dir(&directory).unwrap();
    fs::copy(module(), scene.stage.at("modules/vendor.so")).unwrap();
    scene.signs(&format!("{}&module-name={name}", uri(&directory)), &[]);
    scene.verifies_by("p256");
}

#[test]
fn a_name_alone_is_looked_for_where_modules_are() {
    let scene = Scene::new();
    let uri = "pkcs11:object=key?module-name=modelseal-absent&pin-value=1234";
    scene.does_not_sign(uri, 2, &["no PKCS#11 module \"modelseal-absent.so\" was found in /usr/"]);
}

#[test]
fn a_name_is_no_path() {
    let scene = Scene::new();
    for name in ["../absent", "/tmp/absent", "a%2Fb", ""] {
        let uri = format!("pkcs11:object=key?module-name={name}&pin-value=1234");
        scene.does_not_sign(&uri, 2, &["the PKCS#11 URI's value of \"module-name\" is malformed"]);
    }
}
