//! One server process, started in any way a test wants, on data that lie wherever it wants.

use std::{
    ffi::{OsStr, OsString},
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

use crate::server::PASSWORD;

/// Between two looks at a process that is about to end.
const LOOK: Duration = Duration::from_millis(5);

/// How a process is started.
#[derive(Debug, Clone)]
pub struct Launch {
    /// The program.
    pub program: PathBuf,
    /// A shell script that ends with `exec "$@"`, for limits that a program cannot be given otherwise.
    pub shell: Option<String>,
    /// Where the data are, as arguments.
    pub data: Vec<OsString>,
    /// Variables of the environment.
    pub variables: Vec<(String, OsString)>,
}

impl Launch {
    /// The same with one variable more.
    #[must_use]
    pub fn with(&self, name: &str, value: impl AsRef<OsStr>) -> Self {
        let mut launch = self.clone();
        launch.variables.push((name.to_owned(), value.as_ref().to_owned()));
        launch
    }

    fn command(&self) -> Command {
        let mut command = match &self.shell {
            Some(script) => {
                let mut command = Command::new("sh");
                command.args(["-c", script, "sh"]).arg(&self.program);
                command
            }
            None => Command::new(&self.program),
        };
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs another command of the program to its end; `typed` is what it reads.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn call(&self, arguments: &[&str], typed: &str) -> Result<ExitStatus> {
        let mut child = self
            .command()
            .args(arguments)
            .args(&self.data)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        // A process that dies early reads nothing.
        let _ = writeln!(child.stdin.take().context("standard input")?, "{typed}");
        Ok(child.wait()?)
    }

    /// Adds an account with [`PASSWORD`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn add_user(&self, login: &str, role: &str, unit: &str) -> Result<ExitStatus> {
        self.call(
            &["user", "add", "--login", login, "--name", login, "--role", role, "--unit", unit],
            PASSWORD,
        )
    }

    /// Starts the server on a free port and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn serve(&self) -> Result<Process> {
        // The port is free again when the server takes it.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        self.serve_on(port)
    }

    /// Starts the server on a port and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn serve_on(&self, port: u16) -> Result<Process> {
        let mut child = self
            .command()
            .args(["serve", "--listen", &format!("127.0.0.1:{port}")])
            .args(&self.data)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut log = child.stderr.take().context("standard error")?;
        let log = thread::spawn(move || {
            let mut said = Vec::new();
            let _ = log.read_to_end(&mut said);
            String::from_utf8_lossy(&said).into_owned()
        });
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("standard output")?).read_line(&mut line)?;
        let mut process = Process { port, child, log: Some(log) };
        if line.contains("listens on") {
            Ok(process)
        } else {
            bail!("the server did not start: {}", process.kill())
        }
    }
}

/// A server process. It is killed when it is dropped.
#[derive(Debug)]
pub struct Process {
    port: u16,
    child: Child,
    log: Option<thread::JoinHandle<String>>,
}

impl Process {
    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its number in the system.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it ends by itself, at most so long; says whether it did.
    #[must_use]
    pub fn ends_within(&mut self, limit: Duration) -> bool {
        let start = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(Some(_)) => return true,
                Ok(None) if start.elapsed() < limit => thread::sleep(LOOK),
                Ok(None) | Err(_) => return false,
            }
        }
    }

    /// Ends it at once, as a power cut would, and gives what it logged.
    pub fn kill(&mut self) -> String {
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.log.take().and_then(|log| log.join().ok()).unwrap_or_default()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
