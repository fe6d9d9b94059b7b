//! A file that may not grow, which any user can have: the limit on the size of files, set on the running process.

use std::{fs, path::Path, process::Command};

use crate::{Bench, FILE, answered, launch, skip};

/// The write-ahead log may grow by so much.
const ROOM_BYTES: u64 = 64 * 1024;

/// Sets the soft limit; the hard one stays, so that it can be raised again.
fn limit(bench: &Bench, bytes: &str) -> bool {
    let pid = bench.process.id().to_string();
    Command::new("prlimit")
        .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
        .status()
        .is_ok_and(|status| status.success())
}

fn largest(folder: &Path) -> u64 {
    [FILE, "zoufang.sqlite-wal"]
        .iter()
        .filter_map(|name| fs::metadata(folder.join(name)).ok())
        .map(|file| file.len())
        .max()
        .unwrap_or(0)
}

#[test]
fn a_file_that_may_not_grow_costs_no_edit() {
    let folder = tempfile::tempdir().unwrap();
    let mut launch = launch(folder.path());
    // The signal that comes with the limit would end the process; a full disk sends none.
    launch.shell = Some("trap '' XFSZ; exec \"$@\"".to_owned());
    let mut bench = Bench::new(launch);
    if !limit(&bench, &(largest(folder.path()) + ROOM_BYTES).to_string()) {
        return skip("a_file_that_may_not_grow_costs_no_edit", "prlimit (Debian: util-linux) is not there");
    }
    bench.is_refused("a file that may not grow");
    assert!(limit(&bench, "unlimited"));
    bench.recovers("a file that may grow again");
    answered(&bench.end(folder.path()), &[200, 503]);
}
