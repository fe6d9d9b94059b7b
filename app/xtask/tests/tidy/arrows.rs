//! Crate arrows: core <- web, core <- server, {core, server} <- tests; nothing else, and no IO in the core.

use std::{collections::BTreeMap, env, process::Command};

use serde_json::Value;

use crate::tree::root;

/// Which crates of the workspace a crate may depend on.
const ARROWS: [(&str, &[&str]); 5] = [
    ("zoufang-core", &[]),
    ("zoufang-web", &["zoufang-core"]),
    ("zoufang-server", &["zoufang-core"]),
    ("zoufang-tests", &["zoufang-core", "zoufang-server"]),
    ("zoufang-xtask", &[]),
];

/// What the core must not be built on: it does no input or output and knows no screen.
const NOT_IN_CORE: [&str; 14] = [
    "axum",
    "chrono",
    "getrandom",
    "gloo",
    "indexed_db_futures",
    "js-sys",
    "leptos",
    "rand",
    "reqwest",
    "sqlx",
    "tokio",
    "tracing-subscriber",
    "wasm-bindgen",
    "web-sys",
];

#[test]
fn crates_depend_along_the_arrows_only() {
    let dependencies = dependencies();
    assert_eq!(
        dependencies.keys().map(String::as_str).collect::<Vec<_>>(),
        {
            let mut names: Vec<_> = ARROWS.iter().map(|(name, _)| *name).collect();
            names.sort_unstable();
            names
        },
        "a new crate needs its arrow here and in ARCHITECTURE.md"
    );
    for (name, allowed) in ARROWS {
        for dependency in
            dependencies[name].iter().filter(|dependency| dependency.name.starts_with("zoufang-"))
        {
            let own = dependency.name == name && dependency.for_tests;
            assert!(
                own || allowed.contains(&&*dependency.name),
                "{name} must not depend on {}",
                dependency.name
            );
        }
    }
}

#[test]
fn the_core_is_pure() {
    for dependency in &dependencies()["zoufang-core"] {
        let known = NOT_IN_CORE.contains(&&*dependency.name);
        assert!(dependency.for_tests || !known, "zoufang-core must not depend on {}", dependency.name);
    }
}

#[test]
fn only_the_server_knows_sql_and_only_the_web_app_a_browser() {
    let homes = [("sqlx", "zoufang-server"), ("web-sys", "zoufang-web"), ("leptos", "zoufang-web")];
    for (name, dependencies) in dependencies() {
        for dependency in dependencies {
            for (library, home) in homes {
                assert!(dependency.name != library || name == home, "{name} must not depend on {library}");
            }
        }
    }
}

struct Dependency {
    name: String,
    for_tests: bool,
}

fn dependencies() -> BTreeMap<String, Vec<Dependency>> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--no-deps"])
        .current_dir(root())
        .output()
        .expect("cargo metadata starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let list = |value: &Value| value.as_array().expect("a list").clone();
    list(&metadata["packages"])
        .iter()
        .map(|package| {
            let dependencies = list(&package["dependencies"]);
            let dependencies = dependencies
                .iter()
                .map(|one| Dependency { name: text(&one["name"]), for_tests: one["kind"] == "dev" })
                .collect();
            (text(&package["name"]), dependencies)
        })
        .collect()
}
