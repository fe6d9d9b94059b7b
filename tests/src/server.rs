//! A real server process, on a folder of its own or on a database that it shares with others.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

/// The password of every account made here.
pub const PASSWORD: &str = "correct horse 走访";

const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The program: `ZOUFANG_SERVER_BIN`, or the one that cargo builds beside these tests.
///
/// # Panics
/// When it does not compile.
pub fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        if let Some(named) = env::var_os("ZOUFANG_SERVER_BIN") {
            return PathBuf::from(named);
        }
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // What cargo told us of our own package would make it build ring, and all that uses it, once more.
        for (name, _) in env::vars_os() {
            let told = name.to_string_lossy();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"]
                .iter()
                .any(|word| told.starts_with(word))
            {
                build.env_remove(name);
            }
        }
        let built = build
            .args(["build", "--quiet", "--package", "zoufang-server", "--bin", "zoufang-server"])
            .status()
            .expect("cargo starts");
        assert!(built.success(), "the server does not compile");
        let here = env::current_exe().expect("this program lies somewhere");
        let debug =
            here.ancestors().find(|folder| folder.ends_with("debug")).expect("a debug build").to_path_buf();
        debug.join(format!("zoufang-server{}", env::consts::EXE_SUFFIX))
    })
}

/// Keys for servers whose data lie in no folder of their own.
pub const KEYS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// A server.
#[derive(Debug)]
pub struct Server {
    folder: TempDir,
    database: Option<String>,
    variables: Vec<(String, String)>,
    port: u16,
    child: Option<Child>,
}

impl Server {
    /// A server with accounts, each `(login, role, code of the unit)`; it runs.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(accounts: &[(&str, &str, &str)]) -> Result<Self> {
        Self::start_on(None, accounts)
    }

    /// As [`Self::start`], with variables of the environment.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_with(accounts: &[(&str, &str, &str)], variables: &[(&str, &str)]) -> Result<Self> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self::make(None, variables.collect(), accounts)
    }

    /// As [`Self::start`], on the PostgreSQL database of this URL, if there is one.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_on(database: Option<&str>, accounts: &[(&str, &str, &str)]) -> Result<Self> {
        Self::make(database, Vec::new(), accounts)
    }

    fn make(
        database: Option<&str>,
        variables: Vec<(String, String)>,
        accounts: &[(&str, &str, &str)],
    ) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let database = database.map(str::to_owned);
        let mut server = Self { folder: tempfile::tempdir()?, database, variables, port, child: None };
        for (login, role, unit) in accounts {
            server.add_user(login, role, unit)?;
        }
        server.run()?;
        Ok(server)
    }

    /// The program over this server's data, whatever the environment says.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(arguments).env("ZOUFANG_DATA", self.folder.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        match &self.database {
            // Several processes over one database have the same keys.
            Some(url) => command.env("ZOUFANG_DATABASE_URL", url).env("ZOUFANG_KEYS", KEYS),
            None => command.env_remove("ZOUFANG_DATABASE_URL"),
        };
        command
    }

    /// Adds an account.
    ///
    /// # Errors
    /// When the program refuses.
    pub fn add_user(&self, login: &str, role: &str, unit: &str) -> Result<()> {
        let arguments = ["user", "add", "--login", login, "--name", login, "--role", role, "--unit", unit];
        let mut child = self
            .command(&arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        writeln!(child.stdin.take().context("standard input")?, "{PASSWORD}")?;
        if child.wait()?.success() { Ok(()) } else { bail!("user {login} could not be added") }
    }

    /// Starts the process, again at the same address, and waits until it listens.
    ///
    /// # Errors
    /// When it ends instead.
    pub fn run(&mut self) -> Result<()> {
        let mut child = self
            .command(&["serve", "--listen", &format!("127.0.0.1:{}", self.port)])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut line = String::new();
        let mut words = BufReader::new(child.stdout.take().context("standard output")?);
        words.read_line(&mut line)?;
        // It may have more to say, and must not find that nobody listens.
        thread::spawn(move || std::io::copy(&mut words, &mut std::io::sink()));
        self.child = Some(child);
        if line.contains("listens on") { Ok(()) } else { bail!("the server did not start") }
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks the process to stop, and tells whether it did so cleanly within `patience`; else it is killed.
    ///
    /// # Errors
    /// When it cannot be asked.
    pub fn stop(&mut self, patience: Duration) -> Result<bool> {
        let Some(mut child) = self.child.take() else { return Ok(true) };
        let asked = Command::new("kill").args(["-TERM", &child.id().to_string()]).status()?;
        let until = Instant::now() + patience;
        while asked.success() && Instant::now() < until {
            if let Some(status) = child.try_wait()? {
                return Ok(status.success());
            }
            thread::sleep(LOOK_AGAIN);
        }
        child.kill()?;
        child.wait()?;
        Ok(false)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where its data lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Memory that the process holds, in bytes (resident set); 0 where the system does not say.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let Some(child) = &self.child else { return 0 };
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
    }

    /// Bytes of the database's files.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        let files = fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).map(|data| data.len()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}
