//! The side-by-side bench of sync engines: its data, its links and its peers, with Zoufang as one more engine.
//!
//! The bench is no part of the project. It is copied to a scratch folder and never changed where it lies.

use std::{env, fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    bundle,
    place::Place,
    run::build_server,
    setup,
    shell::{note, run, say},
    stamp::files,
};

/// Where the bench is looked for, from the root of the repository.
const BENCH: &str = "../shared/bench";
/// What the bench itself may have beside its sources.
const NOT_COPIED: [&str; 2] = ["node_modules", "results"];

/// `cargo xtask bench --peers`.
///
/// # Errors
/// When the bench is not there, something that it needs is missing, or it fails.
pub(crate) fn command(place: &Place, arguments: &[String]) -> Result<()> {
    let bench = place.root.join(BENCH);
    if !bench.join("bench.mjs").is_file() {
        bail!(
            "there is no bench of sync engines in {}: it is no part of this project, and has to lie beside it",
            bench.display()
        );
    }
    let chromium = setup::browser::ready()?;
    let node = setup::node::ready(place)?;
    let dist =
        bundle::make(place, &bundle::Options { features: vec!["bench".to_owned()], ..Default::default() })?;
    let server = build_server(place, false)?;
    let kept = place.root.join(".zoufang/peers");
    let scratch = kept.join("bench");
    copy(&bench, &scratch)?;
    add_zoufang(&place.root.join("tests/bench/peers"), &scratch.join("engines"))?;
    setup::node::packages(&scratch)?;
    let results = kept.join("results");
    say("Measuring beside other sync engines; a full run takes hours");
    run(node
        .script("bench.mjs")
        .arg("--results")
        .arg(&results)
        .args(arguments)
        .current_dir(&scratch)
        .env("PATH", node.path())
        .env("CHROMIUM", env::var_os("CHROMIUM").unwrap_or_else(|| chromium.into()))
        .env("ZOUFANG_SERVER_BIN", server)
        .env("ZOUFANG_DIST", dist))?;
    note(format!("each run as JSON is in {}", results.display()));
    Ok(())
}

/// Copies the bench's sources; what npm installed in the copy stays.
fn copy(bench: &Path, scratch: &Path) -> Result<()> {
    let outer = fs::read_dir(bench).with_context(|| format!("{} could not be listed", bench.display()))?;
    for entry in outer {
        let entry = entry?;
        if NOT_COPIED.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        let target = scratch.join(entry.file_name());
        // A file that is gone from the bench must not stay in the copy.
        if target.is_dir() {
            fs::remove_dir_all(&target)?;
        }
        for file in files(&entry.path())? {
            put(&file, &scratch.join(file.strip_prefix(bench)?))?;
        }
    }
    Ok(())
}

/// Puts our list of engines before the bench's own, and our adapter beside those of the peers.
fn add_zoufang(ours: &Path, engines: &Path) -> Result<()> {
    let list = engines.join("index.mjs");
    fs::rename(&list, engines.join("others.mjs"))
        .with_context(|| format!("{} is not where the bench keeps its engines", list.display()))?;
    put(&ours.join("index.mjs"), &list)?;
    put(&ours.join("adapter.mjs"), &engines.join("zoufang/adapter.mjs"))
}

/// Writes a file's content anew: the bench may lie there read only, and a copy would be so, too.
fn put(from: &Path, to: &Path) -> Result<()> {
    let content = fs::read(from).with_context(|| format!("{} could not be read", from.display()))?;
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, content).with_context(|| format!("{} could not be written", to.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_has_zoufang_beside_the_peers_and_can_be_made_again() {
        let folder = env::temp_dir().join(format!("zoufang-peers-{}", std::process::id()));
        let (bench, ours, scratch) = (folder.join("bench"), folder.join("ours"), folder.join("scratch"));
        let write = |path: std::path::PathBuf, text: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write(bench.join("bench.mjs"), "run");
        write(bench.join("engines/index.mjs"), "their list");
        write(bench.join("engines/peer/adapter.mjs"), "peer");
        write(bench.join("results/old.json"), "{}");
        write(ours.join("index.mjs"), "our list");
        write(ours.join("adapter.mjs"), "zoufang");
        write(scratch.join("node_modules/package/index.js"), "installed");
        write(scratch.join("engines/gone/adapter.mjs"), "a peer of an older bench");
        for _ in 0..2 {
            copy(&bench, &scratch).unwrap();
            add_zoufang(&ours, &scratch.join("engines")).unwrap();
        }
        let read = |path: &str| fs::read_to_string(scratch.join(path)).ok();
        assert_eq!(read("bench.mjs").as_deref(), Some("run"));
        assert_eq!(read("engines/index.mjs").as_deref(), Some("our list"));
        assert_eq!(read("engines/others.mjs").as_deref(), Some("their list"));
        assert_eq!(read("engines/zoufang/adapter.mjs").as_deref(), Some("zoufang"));
        assert_eq!(read("engines/peer/adapter.mjs").as_deref(), Some("peer"));
        assert_eq!(read("node_modules/package/index.js").as_deref(), Some("installed"));
        assert_eq!(read("results/old.json"), None);
        assert_eq!(read("engines/gone/adapter.mjs"), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
