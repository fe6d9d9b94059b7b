//! A disk that is really full: a small file system in memory, which only root can mount.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{Bench, answered, launch, skip};

const SIZE: &str = "size=16m";

/// A mounted file system; unmounted when dropped.
struct Mounted(PathBuf);

impl Mounted {
    fn on(folder: &Path) -> Option<Self> {
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs"]).arg(folder).output();
        mounted.is_ok_and(|output| output.status.success()).then(|| Self(folder.to_path_buf()))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_costs_no_edit() {
    let outer = tempfile::tempdir().unwrap();
    let folder = outer.path().join("disk");
    fs::create_dir(&folder).unwrap();
    let Some(mounted) = Mounted::on(&folder) else {
        return skip("a_full_disk_costs_no_edit", "no right to mount a file system; root has it");
    };
    let data = folder.join("data");
    let mut bench = Bench::new(launch(&data));
    let ballast = folder.join("ballast");
    for round in 0..3 {
        // Written until the disk is full.
        let mut file = fs::File::create(&ballast).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
        bench.is_refused(&format!("round {round}: a full disk"));
        drop(file);
        fs::remove_file(&ballast).unwrap();
        bench.recovers("a disk with room again");
    }
    answered(&bench.end(&data), &[200, 507]);
    drop(mounted);
}
