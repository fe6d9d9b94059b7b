//! A server whose log nobody reads any more, as when what collected it died.

use std::{ffi::OsString, process::Command, time::Duration};

use zoufang_tests::{
    Device, Launch,
    server::{PASSWORD, program},
};

use crate::VILLAGE;

#[test]
fn a_server_serves_and_stops_when_nobody_reads_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let script = format!("mkfifo {0} && {{ : < {0} & }} && exec \"$@\" 2> {0}", log.display());
    let data: Vec<OsString> = vec!["--data".into(), folder.path().into()];
    let plain = Launch { program: program().to_owned(), shell: None, data, variables: Vec::new() };
    assert!(plain.add_user("village", "village_worker", VILLAGE).unwrap().success());
    let mut server = Launch { shell: Some(script), ..plain }.serve().unwrap();
    let mut device = Device::new(&server.url());
    device.sign_in("village", PASSWORD).unwrap();
    device.sync().unwrap();
    let asked = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(asked.success());
    assert!(server.ends_within(Duration::from_secs(20)), "it goes on");
}
