//! PostgreSQL clusters of a test's own: made in a temporary folder on a free port, and gone with the test, also when it
//! panics or is killed.
//!
//! PostgreSQL does not run as root; tests that do hand their clusters to the user `postgres` or `nobody`.

use std::fs;
use std::io::{Error, Result, Write};
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Where Debian has the programs; elsewhere they are on the path, or in the folder that `ZOUFANG_PG_BIN` names.
const DEBIAN: &str = "/usr/lib/postgresql";
const VERSION_MIN: u32 = 15;
const START_TRIES: usize = 5;
/// Waiting for what takes a moment on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const SUPERUSER: &str = "postgres";

/// A number that no other cluster or database of this process has.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Whether what was written must survive a power cut; a test that kills processes only need not wait for disks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// As in earnest.
    Synced,
    /// Fast.
    Unsynced,
}

/// A running cluster.
#[derive(Debug)]
pub struct Cluster {
    folder: PathBuf,
    port: u16,
    /// A shell that stops and removes the cluster when this process is gone, however it went.
    keeper: Option<Child>,
}

impl Cluster {
    /// The cluster of this process, for all tests that need a database and nothing more.
    ///
    /// # Panics
    /// When PostgreSQL is not there or does not start.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(|| {
            Self::start(Disk::Unsynced).expect("a PostgreSQL cluster (see `cargo xtask setup`)")
        })
    }

    /// A new cluster.
    ///
    /// # Errors
    /// When PostgreSQL is not there or does not start.
    pub fn start(disk: Disk) -> Result<Self> {
        let folder = new_folder()?;
        let data = folder.join("data");
        let mut initdb = program("initdb")?;
        initdb.args([
            "--encoding=UTF8",
            "--locale=C",
            "--auth=trust",
            "--no-sync",
            "--username",
            SUPERUSER,
            "-D",
        ]);
        run(initdb.arg(&data))?;
        let fast = "fsync = off\nfull_page_writes = off\nsynchronous_commit = on\n";
        let settings = format!(
            "max_connections = 200\nshared_buffers = 64MB\nwal_level = replica\nwal_keep_size = 256MB\n{}",
            if disk == Disk::Unsynced { fast } else { "" }
        );
        Self::run_in(folder, &settings)
    }

    /// A hot standby of this cluster; with `synchronous`, a commit waits until it has it on disk.
    ///
    /// # Errors
    /// When it cannot be made or does not start.
    pub fn standby(&self, synchronous: bool) -> Result<Self> {
        let folder = new_folder()?;
        let mut backup = program("pg_basebackup")?;
        backup.args(["-h", "127.0.0.1", "-p", &self.port.to_string(), "-U", SUPERUSER]);
        run(backup.args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-D"]).arg(folder.join("data")))?;
        let standby = Self::run_in(folder, "cluster_name = 'standby'\n")?;
        if synchronous {
            self.sql("postgres", "alter system set synchronous_standby_names = 'standby'")?;
            self.sql("postgres", "select pg_reload_conf()")?;
            let sql = "select count(*) from pg_stat_replication where sync_state = 'sync'";
            wait_until("the standby keeps up", || Ok(self.sql("postgres", sql)? == "1"))?;
        }
        Ok(standby)
    }

    fn run_in(folder: PathBuf, settings: &str) -> Result<Self> {
        let data = folder.join("data");
        let mut said = None;
        for _ in 0..START_TRIES {
            // Somebody may take the port before the cluster does; then another one is tried.
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let own = format!(
                "{settings}port = {port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\n"
            );
            fs::OpenOptions::new()
                .append(true)
                .open(data.join("postgresql.conf"))?
                .write_all(own.as_bytes())?;
            let keeper = keeper(&folder)?;
            let cluster = Self { folder: folder.clone(), port, keeper: Some(keeper) };
            match cluster.run_again() {
                Ok(()) => return Ok(cluster),
                Err(error) => said = Some(error),
            }
            // Dropping it would remove the folder.
            cluster.let_go();
        }
        let _ = fs::remove_dir_all(&folder);
        Err(said.unwrap_or_else(|| Error::other("the cluster did not start")))
    }

    /// Starts the processes of a cluster that was killed.
    ///
    /// # Errors
    /// When they do not start.
    pub fn run_again(&self) -> Result<()> {
        run(program("pg_ctl")?
            .args(["start", "-w", "-t", "60", "-l"])
            .arg(self.folder.join("log"))
            .arg("-D")
            .arg(self.data()))
    }

    fn let_go(mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            let _ = keeper.kill();
            let _ = keeper.wait();
        }
    }

    /// The folder of everything that it keeps.
    #[must_use]
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The port it listens on, at 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of one of its databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// A new, empty database; returns its name.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub fn database(&self) -> Result<String> {
        let name = format!("test_{}", number());
        self.sql("postgres", &format!("create database {name}"))?;
        Ok(name)
    }

    /// A new database with what this one has; returns its name. Nobody may be connected to the old one; PostgreSQL waits
    /// five seconds for those who are leaving.
    ///
    /// # Errors
    /// When somebody stays, or the cluster does not answer.
    pub fn copy(&self, database: &str) -> Result<String> {
        let name = format!("test_{}", number());
        self.sql("postgres", &format!("create database {name} template {database}"))?;
        Ok(name)
    }

    /// Says something to a database, and gives what it answers.
    ///
    /// # Errors
    /// What it complains of.
    pub fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let mut psql = program("psql")?;
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        let output = psql.stdin(Stdio::null()).output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned()))
        }
    }

    /// Kills all its processes at once, as when the machine dies; the data stay.
    ///
    /// # Errors
    /// When they cannot be killed.
    pub fn kill(&self) -> Result<()> {
        let pid = fs::read_to_string(self.data().join("postmaster.pid"))?;
        // First the one that would start others again.
        let postmaster = pid.lines().next().unwrap_or_default().to_owned();
        run(Command::new("kill").args(["-9", &postmaster]))?;
        wait_until("all processes are gone", || {
            let left = processes_in(&self.data())?;
            if left.is_empty() {
                return Ok(true);
            }
            // One that ended meanwhile is no fault.
            let _ = run(Command::new("kill").arg("-9").args(left));
            Ok(false)
        })?;
        // A dead process whom nobody has buried yet looks alive to the next one that starts here.
        fs::remove_file(self.data().join("postmaster.pid"))
    }

    /// Makes a standby the primary.
    ///
    /// # Errors
    /// When it does not become one.
    pub fn promote(&self) -> Result<()> {
        run(program("pg_ctl")?.args(["promote", "-w", "-t", "60", "-D"]).arg(self.data()))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            // The end of its input tells it to clean up.
            drop(keeper.stdin.take());
            let _ = keeper.wait();
        }
    }
}

/// Waits for the end of its input, which comes with the end of this process at the latest.
fn keeper(folder: &Path) -> Result<Child> {
    let script = "read -r _; \"$0\" stop -m immediate -D \"$1/data\"; rm -rf \"$1\"";
    let pg_ctl = folder_of_programs()?.join("pg_ctl");
    let mut shell = as_somebody(Command::new("sh"))?;
    shell.args(["-c", script]).arg(pg_ctl).arg(folder);
    // A group of its own: what Ctrl-C ends is the test, and then the keeper has work to do.
    shell.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// A folder that belongs to the user who will run the cluster.
fn new_folder() -> Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("zoufang-pg-{}-{}", std::process::id(), number()));
    fs::DirBuilder::new().mode(0o700).create(&folder)?;
    if let Some((user, group)) = somebody()? {
        chown(&folder, Some(user), Some(group))?;
    }
    Ok(folder)
}

/// User and group to run as, if we are root.
fn somebody() -> Result<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| -> Result<u32> {
        let output = Command::new("id").args(arguments).stderr(Stdio::null()).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().map_err(Error::other)
    };
    if id(&["-u"])? != 0 {
        return Ok(None);
    }
    let found = ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| Some((id(&["-u", name]).ok()?, id(&["-g", name]).ok()?)));
    found.map(Some).ok_or_else(|| {
        Error::other("PostgreSQL does not run as root, and there is no user postgres or nobody")
    })
}

fn as_somebody(mut command: Command) -> Result<Command> {
    if let Some((user, group)) = somebody()? {
        // A folder that the other user may be in.
        command.uid(user).gid(group).current_dir("/");
    }
    Ok(command)
}

/// One of PostgreSQL's programs, to be run by a user who may.
fn program(name: &str) -> Result<Command> {
    as_somebody(Command::new(folder_of_programs()?.join(name)))
}

fn folder_of_programs() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("ZOUFANG_PG_BIN") {
        return Ok(PathBuf::from(named));
    }
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let fits = |folder: &PathBuf| {
        version(folder).is_some_and(|version| version >= VERSION_MIN) && folder.join("bin/initdb").is_file()
    };
    // The oldest one that will do is what we say we run on.
    if let Some(folder) = versions.map(|entry| entry.path()).filter(fits).min_by_key(version) {
        return Ok(folder.join("bin"));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).find(|folder| folder.join("initdb").is_file());
    // A link on the path may stand alone; the programs look for each other where it leads.
    let real = found.and_then(|folder| fs::canonicalize(folder.join("initdb")).ok());
    real.and_then(|program| program.parent().map(Path::to_path_buf))
        .ok_or_else(|| Error::other("PostgreSQL 15 is not there: run `cargo xtask setup`"))
}

fn run(command: &mut Command) -> Result<()> {
    let said = tempfile_for_output()?;
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(said.1).status()?;
    let text = fs::read_to_string(&said.0).unwrap_or_default();
    let _ = fs::remove_file(&said.0);
    if status.success() {
        Ok(())
    } else {
        Err(Error::other(format!("{:?}: {}", command.get_program(), text.trim())))
    }
}

/// Not a pipe: what a daemon inherits stays open, and its reader would wait for ever.
fn tempfile_for_output() -> Result<(PathBuf, fs::File)> {
    let path = std::env::temp_dir().join(format!("zoufang-pg-{}-{}.said", std::process::id(), number()));
    let file = fs::File::create(&path)?;
    Ok((path, file))
}

/// The processes that work in a folder, as PostgreSQL's all do in that of their data.
fn processes_in(folder: &Path) -> Result<Vec<String>> {
    let numbers = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let here = |pid: &String| fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|place| place == folder);
    Ok(numbers.filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).filter(here).collect())
}

fn wait_until(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while !done()? {
        if Instant::now() > until {
            return Err(Error::other(format!("waited in vain until {what}")));
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    Ok(())
}
