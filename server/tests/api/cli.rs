//! The program itself.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use zoufang_server::store::postgres::cluster::Cluster;

const PEOPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/demo_people.csv");

fn program(arguments: &[&str], data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zoufang-server"));
    command
        .args(arguments)
        .env("ZOUFANG_DATA", data)
        .env_remove("ZOUFANG_DATABASE_URL")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(arguments: &[&str], data: &Path, input: &str) -> Output {
    let mut child = program(arguments, data).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

const ADD: &[&str] = &[
    "user",
    "add",
    "--login",
    "v",
    "--name",
    "李春梅",
    "--role",
    "village_worker",
    "--unit",
    "211381103201",
];

#[test]
fn a_second_import_makes_no_doubles() {
    let data = tempfile::tempdir().unwrap();
    let import = || said(&run(&["import-people", PEOPLE], data.path(), ""));
    assert_eq!(import(), "1200 people and 464 Party memberships added, 0 were there, 0 lines left out");
    assert_eq!(import(), "0 people and 0 Party memberships added, 1765 were there, 0 lines left out");
    assert_eq!(said(&run(&["rebuild"], data.path(), "")), "1765 documents read");
}

#[test]
fn a_line_that_cannot_be_used_is_named_by_number() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("people.csv");
    let text = "person_id,village_code,kind,name,phone\na,211381103201,veteran,张伟,儿子\nb,1,veteran,王芳,\nc,211381103201,veteran,,\n";
    std::fs::write(&file, text).unwrap();
    let told = said(&run(&["import-people", file.to_str().unwrap()], data.path(), ""));
    assert_eq!(
        told,
        "line 2: phone\nline 3: village_code\nline 4: name\n1 people and 0 Party memberships added, 0 were there, 2 lines left out"
    );
    std::fs::write(&file, "name\n张伟\n").unwrap();
    assert!(
        !run(&["import-people", file.to_str().unwrap()], data.path(), "").status.success(),
        "without the columns"
    );
}

#[test]
fn a_user_is_added_with_a_password_from_standard_input() {
    let data = tempfile::tempdir().unwrap();
    assert!(!run(ADD, data.path(), "short\n").status.success(), "too short");
    assert_eq!(said(&run(ADD, data.path(), "correct horse\n")), "user 1 added");
    let twice = run(ADD, data.path(), "correct horse\n");
    assert!(!twice.status.success() && String::from_utf8_lossy(&twice.stderr).contains("taken"));
}

#[test]
fn the_openapi_document_is_printed() {
    let data = tempfile::tempdir().unwrap();
    let document: Value = serde_json::from_str(&said(&run(&["openapi"], data.path(), ""))).unwrap();
    assert!(document["paths"]["/api/v1/sync"]["post"].is_object());
    assert!(document["openapi"].as_str().unwrap().starts_with("3."));
}

/// A running server.
struct Running {
    child: Child,
    address: String,
}

impl Running {
    fn start(data: &Path) -> Self {
        let mut child =
            program(&["serve", "--listen", "127.0.0.1:0"], data).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit_once("http://").unwrap().1.to_owned();
        Self { child, address }
    }

    fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let body = body.to_string();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), serde_json::from_str(body).unwrap())
    }

    fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "a clean end");
    }
}

#[test]
fn accounts_and_sessions_are_there_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    said(&run(ADD, data.path(), "correct horse\n"));
    let sign_in = json!({ "user": "v", "password": "correct horse", "device_label": "test" });
    let server = Running::start(data.path());
    let (status, first) = server.post("/api/v1/sign-in", &sign_in);
    assert_eq!(status, 200);
    server.stop();
    let server = Running::start(data.path());
    let again = json!({ "user": "v", "password": "correct horse", "device_label": "test", "device": first["device"] });
    let (status, second) = server.post("/api/v1/sign-in", &again);
    assert_eq!((status, &second["device"], &second["epoch"]), (200, &first["device"], &first["epoch"]));
    server.stop();
}

/// As [`run`], on PostgreSQL.
fn run_on(url: &str, arguments: &[&str], input: &str) -> Output {
    let nowhere = Path::new("/nonexistent/no folder is needed");
    let mut command = program(arguments, nowhere);
    let mut child = command.env("ZOUFANG_DATABASE_URL", url).stdin(Stdio::piped()).spawn().unwrap();
    // A program that has failed already reads nothing.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[test]
fn every_command_works_on_postgresql() {
    let cluster = Cluster::shared();
    let url = cluster.url(&cluster.database().unwrap());
    assert_eq!(said(&run_on(&url, ADD, "correct horse\n")), "user 1 added");
    let twice = run_on(&url, ADD, "correct horse\n");
    assert!(!twice.status.success() && String::from_utf8_lossy(&twice.stderr).contains("taken"));
    let import = || said(&run_on(&url, &["import-people", PEOPLE], ""));
    assert_eq!(import(), "1200 people and 464 Party memberships added, 0 were there, 0 lines left out");
    assert_eq!(import(), "0 people and 0 Party memberships added, 1765 were there, 0 lines left out");
    assert_eq!(said(&run_on(&url, &["rebuild"], "")), "1765 documents read");
}

#[test]
fn the_demonstration_is_the_same_on_postgresql() {
    let cluster = Cluster::shared();
    let (url, data) = (cluster.url(&cluster.database().unwrap()), tempfile::tempdir().unwrap());
    let made = |text: String| text.lines().find(|line| line.starts_with("Made ")).map(str::to_owned);
    let here = made(said(&run_on(&url, &["demo", "--seed-only"], "")));
    let there = made(said(&run(&["demo", "--seed-only"], data.path(), "")));
    assert!(here.is_some() && here == there, "{here:?} {there:?}");
}

#[test]
fn a_database_url_that_cannot_be_used_is_not_repeated() {
    let cluster = Cluster::shared();
    for (url, why) in [
        ("mysql://u:hushhush@h/d", "it must begin with postgres://"),
        ("postgres://u:hushhush@h/d?colour=blue", "it has a parameter that is not known"),
        (
            &format!("postgres://postgres:hushhush@127.0.0.1:{}/no_such", cluster.port()),
            "\"no_such\" does not exist",
        ),
    ] {
        let told = run_on(url, &["rebuild"], "");
        let text =
            format!("{}{}", String::from_utf8_lossy(&told.stdout), String::from_utf8_lossy(&told.stderr));
        assert!(!told.status.success() && text.contains(why) && !text.contains("hushhush"), "{text}");
        let help = run_on(url, &["rebuild", "--help"], "");
        assert!(!String::from_utf8_lossy(&help.stdout).contains("hushhush"));
    }
}

#[test]
fn the_recovery_key_is_made_once_and_phones_that_ask_are_listed() {
    let data = tempfile::tempdir().unwrap();
    let key = data.path().join("stick").with_extension("key");
    let file = key.to_str().unwrap();
    let told = said(&run(&["recovery-key", "--out", file], data.path(), ""));
    let mut lines = told.lines();
    let public = lines.next().and_then(|line| line.strip_prefix("public key: ")).unwrap().to_owned();
    let print = lines.next().and_then(|line| line.strip_prefix("fingerprint, as phones show it: ")).unwrap();
    assert_eq!((public.len(), print.split(' ').count()), (64, 5));
    assert!(!run(&["recovery-key", "--to", file], data.path(), "").status.success(), "it is there already");
    assert!(
        !told.contains(std::fs::read_to_string(&key).unwrap().lines().last().unwrap()),
        "the secret half"
    );

    assert_eq!(said(&run(&["recover"], data.path(), "")), "no phone asks to be let in");
    let refused = run(&["recover", "--device", "0000000000000007"], data.path(), "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--check"), "all three or none");
    let words = ["recover", "--device", "0000000000000007", "--check", "123456", "--key-file", file];
    let refused = run(&words, data.path(), "");
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("does not ask"));
    let refused = run(&["serve", "--recovery-key", &public[1..]], data.path(), "");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("64 hex digits"));
}
