//! Faults between SQLite and the kernel: libfiu (Debian's fiu-utils) is loaded before the C library and lets calls fail.
//!
//! SQLite reads and writes with `pread` and `pwrite` (see `.cargo/config.toml`), which nothing else in the server calls.

use std::{fs::File, io::Read, io::Write, path::Path, path::PathBuf};

use crate::{Bench, answered, launch, skip, statuses};

const LIBRARIES: [&str; 2] = ["/usr/lib/fiu/fiu_run_preload.so", "/usr/lib/fiu/fiu_posix_preload.so"];
const EIO: u32 = 5;
const ENOSPC: u32 = 28;
/// Rounds with faults at random.
const ROUNDS: usize = 25;

/// A bench whose process can be told to fail; nothing where libfiu is not installed.
fn bench(test: &str, folder: &Path) -> Option<Bench> {
    if !LIBRARIES.iter().all(|library| Path::new(library).exists()) {
        skip(test, "fiu-utils is not installed; `cargo xtask setup` installs it");
        return None;
    }
    let launch = launch(folder)
        .with("LD_PRELOAD", LIBRARIES.join(" "))
        .with("FIU_CTRL_FIFO", pipes(folder))
        .with("FIU_ENABLE", "");
    Some(Bench::new(launch))
}

fn pipes(folder: &Path) -> PathBuf {
    folder.join("fiu")
}

/// Tells the process what fails from now on, and waits until it has heard it.
fn tell(bench: &Bench, folder: &Path, command: &str) {
    let pipe = |end: &str| format!("{}-{}.{end}", pipes(folder).display(), bench.process.id());
    let mut to = File::options().write(true).open(pipe("in")).unwrap();
    to.write_all(format!("{command}\n").as_bytes()).unwrap();
    drop(to);
    let mut reply = String::new();
    File::open(pipe("out")).unwrap().read_to_string(&mut reply).unwrap();
    assert_eq!(reply.trim(), "0", "{command}");
}

#[test]
fn a_call_that_always_fails_costs_no_edit() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut bench) = bench("a_call_that_always_fails_costs_no_edit", folder.path()) else { return };
    for (point, error) in [
        ("posix/io/rw/pwrite", EIO),
        ("posix/io/rw/pwrite", ENOSPC),
        ("posix/io/sync/fsync", EIO),
        ("posix/io/sync/fsync", ENOSPC),
    ] {
        let what = format!("{point} {error}");
        tell(&bench, folder.path(), &format!("enable name={point},failinfo={error}"));
        bench.fails(&what);
        bench.fails(&what);
        tell(&bench, folder.path(), &format!("disable name={point}"));
        bench.recovers(&what);
    }
    let log = bench.end(folder.path());
    answered(&log, &[200, 503, 507]);
}

#[test]
fn short_writes_are_nothing_to_notice() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut bench) = bench("short_writes_are_nothing_to_notice", folder.path()) else { return };
    tell(&bench, folder.path(), "enable_random name=posix/io/rw/pwrite/reduce,probability=0.5");
    for _ in 0..ROUNDS {
        bench.work();
        bench.recovers("short writes");
    }
    tell(&bench, folder.path(), "disable name=posix/io/rw/pwrite/reduce");
    let log = bench.end(folder.path());
    answered(&log, &[200]);
}

#[test]
fn faults_at_random_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut bench) = bench("faults_at_random_lose_nothing", folder.path()) else { return };
    let points = ["posix/io/rw/pwrite", "posix/io/rw/pread", "posix/io/sync/fsync", "posix/io/rw/ftruncate"];
    for point in points {
        tell(&bench, folder.path(), &format!("enable_random name={point},failinfo={EIO},probability=0.1"));
    }
    for _ in 0..ROUNDS {
        bench.work();
        // Whether it fails is chance; what it may not do is lose something.
        let _ = bench.device.sync().unwrap();
    }
    for point in points {
        tell(&bench, folder.path(), &format!("disable name={point}"));
    }
    bench.recovers("after faults at random");
    let log = bench.end(folder.path());
    let failed = statuses(&log).into_iter().any(|(status, _)| status == 503);
    assert!(failed, "no fault was felt: {:?}", statuses(&log));
    assert!(statuses(&log).iter().all(|(status, _)| matches!(status, 200 | 503 | 507)), "{log}");
}
