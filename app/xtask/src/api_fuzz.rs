//! Fuzzes the API with schemathesis: requests made of our OpenAPI document, good and bad ones, to a real server process over the
//! demonstration data, as each role and as nobody. Every answer must be one that the document knows, and none may be a failure of ours.
//!
//! Left out: the stream of news, which has no end (`server/tests/api/news.rs`), and signing out in the name of the session that fuzzes.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    place::Place,
    record::{self, Figures},
    run::build_server,
    setup,
    shell::{run, run_seen, say},
};

/// Who asks: logins of the demonstration, and nobody.
const LOGINS: [&str; 6] = ["", "sy", "syhead", "city", "admin", "cys"];
const PASSWORD: &str = "zoufang-demo";
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,\
    response_schema_conformance";
const ENDLESS: &str = "^/api/v1/news$";
const ENDLESS_OR_SIGN_OUT: &str = "^/api/v1/(news|sign-out)$";
/// For each route in each round; the requests that schemathesis makes of the document itself come on top.
const EXAMPLES: &str = "15";
/// A test run tries so many, which takes under two minutes.
const CASES_OF_A_TEST: u64 = 4_000;

/// Switches of `cargo xtask api-fuzz`.
#[derive(Args, Debug, Clone)]
pub(crate) struct Options {
    /// At least so many requests.
    #[arg(long, default_value_t = CASES_OF_A_TEST)]
    cases: u64,
    /// The first seed; each round takes the next one.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { cases: CASES_OF_A_TEST, seed: 1 }
    }
}

/// `cargo xtask api-fuzz`.
///
/// # Errors
/// When an answer is none that the document knows, or something that fuzzing needs is missing.
pub(crate) fn command(place: &Place, options: &Options) -> Result<()> {
    let schemathesis = setup::python::schemathesis(place)?;
    let program = build_server(place, true)?;
    let folder = place.root.join(".zoufang/api-fuzz");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let server = Server::start(&program, &folder)?;
    let (mut cases, mut seed) = (0, options.seed);
    while cases < options.cases {
        for login in LOGINS {
            say(format!(
                "Fuzzing the API as {}, seed {seed}",
                if login.is_empty() { "nobody" } else { login }
            ));
            cases += round(place, &schemathesis, &server.url, login, seed)?;
        }
        seed += 1;
    }
    drop(server);
    say(format!("{cases} requests, and every answer is one that the document knows"));
    let figures = [("requests".into(), cases.into()), ("first_seed".into(), options.seed.into())];
    record::keep(place, "api-fuzz", Figures::from(figures))
}

/// One run of schemathesis; gives how many requests it made.
fn round(place: &Place, schemathesis: &Path, url: &str, login: &str, seed: u64) -> Result<u64> {
    let left_out = if login.is_empty() { ENDLESS } else { ENDLESS_OR_SIGN_OUT };
    let mut command = Command::new(schemathesis);
    command
        .arg("run")
        .arg(format!("{url}/api/v1/openapi.json"))
        .args(["--checks", CHECKS, "--exclude-path-regex", left_out, "--max-examples", EXAMPLES])
        .args([
            "--seed",
            &seed.to_string(),
            "--generation-database",
            "none",
            "--warnings",
            "off",
            "--no-color",
        ])
        .arg("--continue-on-failure")
        .current_dir(place.root.join(".zoufang/api-fuzz"))
        .env("SCHEMATHESIS_HOOKS", place.root.join("tests/api-fuzz/hooks.py"))
        .env("ZOUFANG_API_FUZZ_URL", url)
        .env("ZOUFANG_API_FUZZ_LOGIN", login)
        .env("ZOUFANG_API_FUZZ_PASSWORD", PASSWORD);
    let mut cases = None;
    run_seen(&mut command, |line| cases = cases.or(cases_of(line)))?;
    cases.context("schemathesis did not say how many requests it made")
}

/// `  1808 generated, 1808 passed`
fn cases_of(line: &str) -> Option<u64> {
    line.trim().split_once(" generated, ")?.0.parse().ok()
}

/// The server, over the demonstration data.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        run(Command::new(program)
            .args(["demo", "--seed-only", "--data"])
            .arg(&data)
            .env("ZOUFANG_LOG", "warn"))?;
        // The port is free again when the server takes it.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(program)
            // Addresses are made up for each request.
            .args(["serve", "--behind-proxy", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(&data)
            .env("ZOUFANG_LOG", "error")
            .stdout(Stdio::piped())
            .spawn()
            .context("the server could not be started")?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("standard output")?).read_line(&mut line)?;
        let server = Self { child, url: format!("http://127.0.0.1:{port}") };
        if !line.contains("listens on") {
            bail!("the server did not start");
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_requests_is_read() {
        assert_eq!(cases_of("  1808 generated, 1808 passed"), Some(1_808));
        assert_eq!(cases_of("  18 passed"), None);
    }
}
