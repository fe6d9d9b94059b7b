//! What can be set, on the command line or in the environment (`ZOUFANG_…`).

use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Parser, Subcommand, ValueEnum};
use zoufang_core::seal::PublicKey;

use crate::keys::key_of_hex;
use crate::overload::AT_ONCE;
use crate::readings::Head;

/// The sync server of Zoufang (走访).
#[derive(Debug, Parser)]
#[command(name = "zoufang-server", version, about)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Form of the log lines; `demo` is pretty, everything else JSON.
    #[arg(long, env = "ZOUFANG_LOG_FORMAT", value_enum, global = true)]
    pub log_format: Option<LogFormat>,
    /// Which log lines to write, as `tracing` directives.
    #[arg(long, env = "ZOUFANG_LOG", default_value = "info,sqlx=warn", global = true)]
    pub log: String,
}

/// Form of the log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For reading in a terminal.
    Pretty,
}

/// What the program can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve phones and the office.
    Serve(Serve),
    /// Serve with real units, synthetic people and a year of visits; sign-ins are printed.
    Demo(Demo),
    /// Accounts.
    #[command(subcommand)]
    User(UserCommand),
    /// Take people from a CSV file; a second time makes no doubles.
    ImportPeople(ImportPeople),
    /// Print the OpenAPI document.
    Openapi,
    /// Build the office's projections anew from the log.
    Rebuild(DataFolder),
    /// Seal everything on the disk anew under the key in use, the first of the keys; no server may run meanwhile.
    Reseal(DataFolder),
    /// Print a paper that the law wants (Chinese, Markdown): filled with what the program knows, the rest in brackets.
    Paper(PaperWanted),
    /// Let go of what was kept long enough, by the rules of `server/data/retention.json` or others, and write a report.
    Retain(Retain),
    /// Make the key that reads backups. It belongs offline.
    BackupKey(BackupKey),
    /// Write a backup that only the offline key reads: the database as of now, and the server's keys. The server may run.
    Backup(Backup),
    /// Put a backup into an empty folder; phones offer again what they hold of the last 30 days.
    Restore(Restore),
    /// Make the key that lets in phones whose PIN is forgotten, so that nothing on them is lost. It belongs offline.
    RecoveryKey(RecoveryKey),
    /// List the phones that ask to be let in, or let one in with the recovery key. The server may run.
    Recover(Recover),
    /// What is done to records besides editing: moving to another unit, erasing, beginning anew.
    #[command(subcommand)]
    Record(RecordCommand),
    /// Shorten the history of records with many changes; what they say stays, also what is in conflict.
    Compact(Compact),
    /// After a restore from a backup: phones offer again what they hold of the last 30 days.
    NewEpoch(DataFolder),
    /// List what was erased, and which phones have not read of it yet.
    Erasures(DataFolder),
    /// The access log: who read whose number in full.
    #[command(subcommand)]
    AccessLog(AccessLogCommand),
}

/// `access-log …`
#[derive(Debug, Subcommand)]
pub enum AccessLogCommand {
    /// Look whether its lines are one whole chain; says the first at which it breaks.
    Check(AccessLogCheck),
}

/// `access-log check`
#[derive(Clone, Debug, Args)]
pub struct AccessLogCheck {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// A head that was written down, such as 12: and 64 hex digits: the log must still have it.
    #[arg(long)]
    pub head: Option<Head>,
}

/// `record …`
#[derive(Debug, Subcommand)]
pub enum RecordCommand {
    /// Move a person's file to another unit, with all that is about this person only.
    Move(RecordMove),
    /// Erase a record for good, on every phone.
    Erase(RecordErase),
    /// Erase fields of a record with all that they ever held; the record begins anew without its history.
    EraseFields(RecordEraseFields),
}

/// Which record.
#[derive(Clone, Debug, Args)]
pub struct RecordId {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// The record's id, as in the address of its page.
    #[arg(long)]
    pub id: String,
}

/// `record move`
#[derive(Clone, Debug, Args)]
pub struct RecordMove {
    /// Which person.
    #[command(flatten)]
    pub record: RecordId,
    /// Code of the unit to move to.
    #[arg(long)]
    pub to: String,
}

/// `record erase`
#[derive(Clone, Debug, Args)]
pub struct RecordErase {
    /// Which record.
    #[command(flatten)]
    pub record: RecordId,
}

/// `record erase-fields`
#[derive(Clone, Debug, Args)]
pub struct RecordEraseFields {
    /// Which record.
    #[command(flatten)]
    pub record: RecordId,
    /// A key such as `address`, or the beginning of keys such as `phone/`; more than once for more.
    #[arg(long = "key", required = true)]
    pub keys: Vec<String>,
}

/// `compact`
#[derive(Clone, Debug, Args)]
pub struct Compact {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// Records with at least so many changes.
    #[arg(long, default_value_t = 200)]
    pub changes: u64,
    /// Only those that nobody changed for so many days: a backup that is older than a record's new beginning must have what the
    /// beginning stands for.
    #[arg(long, default_value_t = 30)]
    pub settled_days: u32,
}

/// `paper`
#[derive(Clone, Debug, Args)]
pub struct PaperWanted {
    /// Which.
    pub paper: crate::papers::Paper,
    /// Rules of retention in place of those that come with the program.
    #[arg(long)]
    pub rules: Option<PathBuf>,
}

/// `retain`
#[derive(Clone, Debug, Args)]
pub struct Retain {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// Rules in place of those that come with the program.
    #[arg(long)]
    pub rules: Option<PathBuf>,
    /// Only say what would go.
    #[arg(long)]
    pub dry_run: bool,
    /// Where to write the report (JSON; counts by rule and unit, no names).
    #[arg(long)]
    pub report: Option<PathBuf>,
}

/// `backup-key`
#[derive(Clone, Debug, Args)]
pub struct BackupKey {
    /// The file of the key; it must not be there.
    #[arg(long)]
    pub to: PathBuf,
}

/// `backup`
#[derive(Clone, Debug, Args)]
pub struct Backup {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// The file to write; it must not be there.
    #[arg(long)]
    pub to: PathBuf,
    /// Public half of the offline key, as `backup-key` says it.
    #[arg(long, env = "ZOUFANG_BACKUP_PUBLIC_KEY")]
    pub public_key: String,
}

/// `restore`
#[derive(Clone, Debug, Args)]
pub struct Restore {
    /// Where the data are to be.
    #[command(flatten)]
    pub folder: DataFolder,
    /// The backup.
    #[arg(long)]
    pub from: PathBuf,
    /// The file of the offline key.
    #[arg(long)]
    pub key: PathBuf,
    /// The file `erased` of the data that were lost: what it names is erased again.
    #[arg(long)]
    pub erased: Option<PathBuf>,
}

/// `recovery-key`
#[derive(Clone, Debug, Args)]
pub struct RecoveryKey {
    /// The file of the key; it must not be there.
    #[arg(long, visible_alias = "out")]
    pub to: PathBuf,
}

/// `recover`
#[derive(Clone, Debug, Args)]
pub struct Recover {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// The phone to let in, as the list names it.
    #[arg(long, requires_all = ["check", "key"])]
    pub device: Option<String>,
    /// The six digits that this phone shows, as its user said them.
    #[arg(long, requires_all = ["device", "key"])]
    pub check: Option<String>,
    /// The file of the recovery key.
    #[arg(long, visible_alias = "key-file", requires_all = ["device", "check"])]
    pub key: Option<PathBuf>,
}

/// Where the data are.
#[derive(Clone, Debug, Args)]
pub struct DataFolder {
    /// Folder of the database; made if it is missing.
    #[arg(long, env = "ZOUFANG_DATA", default_value = "data")]
    pub data: PathBuf,
    /// PostgreSQL instead of the folder.
    #[command(flatten)]
    pub database: Database,
    /// Where the keys are.
    #[command(flatten)]
    pub keys: KeyPlace,
}

/// PostgreSQL instead of a folder.
#[derive(Clone, Debug, Args)]
pub struct Database {
    /// Keep the data in PostgreSQL: `postgres://user:password@host:port/name`; several hosts, set apart by commas, are a
    /// primary and its standbys. Give it in the environment, where other users of the machine do not see the password.
    #[arg(long, env = "ZOUFANG_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<DatabaseUrl>,
}

/// The address of a database. It may hold a password, so it is never shown.
#[derive(Clone)]
pub struct DatabaseUrl(pub String);

impl FromStr for DatabaseUrl {
    /// An error here would be shown with the value; what is wrong with it is said when it is used.
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DatabaseUrl(…)")
    }
}

/// Where the server's keys are, unless they stand in the environment themselves (`ZOUFANG_KEYS`).
#[derive(Clone, Debug, Args)]
pub struct KeyPlace {
    /// The file of the server's keys; made in the folder of the data if there is none. It belongs on another disk than the
    /// data, and several processes over one database need the same.
    #[arg(long, env = "ZOUFANG_KEYS_FILE")]
    pub keys_file: Option<PathBuf>,
}

/// At least one, or nothing would ever be answered.
fn at_once(text: &str) -> Result<usize, String> {
    let number: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1..=4_096).contains(&number) { Ok(number) } else { Err("between 1 and 4096".to_owned()) }
}

fn public_key(text: &str) -> Result<PublicKey, String> {
    let key = key_of_hex(text.trim()).map(|key| PublicKey(*key));
    key.ok_or_else(|| "not 64 hex digits, as `recovery-key` says it".to_owned())
}

/// How to listen.
#[derive(Clone, Debug, Args)]
pub struct Listen {
    /// Address and port; port 0 takes a free one. Without it 127.0.0.1:8080, and with `--lan` 0.0.0.0:8443.
    #[arg(long, env = "ZOUFANG_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// Serve phones in the local network: TLS with a certificate of our own for this machine's addresses, kept in `lan` in the
    /// folder of the data. How phones are made to trust it is printed.
    #[arg(long, env = "ZOUFANG_LAN", conflicts_with_all = ["tls_cert", "public_url", "behind_proxy"])]
    pub lan: bool,
    /// Certificate chain in PEM; with it, TLS is spoken.
    #[arg(long, env = "ZOUFANG_TLS_CERT", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key in PEM.
    #[arg(long, env = "ZOUFANG_TLS_KEY", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// The address people type, for messages; TLS in it (a proxy before us) turns HSTS on.
    #[arg(long, env = "ZOUFANG_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// A reverse proxy is before us: the last entry of `X-Forwarded-For` is the caller.
    #[arg(long, env = "ZOUFANG_BEHIND_PROXY")]
    pub behind_proxy: bool,
    /// A phone that signs in for the first time needs a one-time code, which a township's head or the administrator makes for
    /// its user, in the app or with `user code`. Phones that are enrolled go on.
    #[arg(long, env = "ZOUFANG_ENROL_BY_CODE")]
    pub enrol_by_code: bool,
    /// Public half of the recovery key, as `recovery-key` says it. Phones seal the key of their store to it, so that who forgets the
    /// PIN can be let in (`recover`). Several processes over one database need the same.
    #[arg(long, env = "ZOUFANG_RECOVERY_PUBLIC_KEY", value_parser = public_key)]
    pub recovery_key: Option<PublicKey>,
    /// Requests of a kind that are worked on at once; some more wait up to a second, and the rest is told when to come again.
    #[arg(long, env = "ZOUFANG_AT_ONCE", default_value_t = AT_ONCE, value_parser = at_once)]
    pub at_once: usize,
    /// Serve the app from this folder in place of the embedded one.
    #[arg(long, env = "ZOUFANG_DIST_DIR")]
    pub dist: Option<PathBuf>,
}

impl Listen {
    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        let everywhere = (Ipv4Addr::UNSPECIFIED, 8443);
        let here = (Ipv4Addr::LOCALHOST, 8080);
        self.listen.unwrap_or_else(|| SocketAddr::from(if self.lan { everywhere } else { here }))
    }
}

/// `serve`
#[derive(Clone, Debug, Args)]
pub struct Serve {
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
    /// How to listen.
    #[command(flatten)]
    pub listen: Listen,
}

/// `demo`
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Folder of the database; filled when it is empty, else used as it is.
    #[arg(long, env = "ZOUFANG_DATA", default_value = ".zoufang/demo")]
    pub data: PathBuf,
    /// PostgreSQL instead of the folder.
    #[command(flatten)]
    pub database: Database,
    /// Where the keys are.
    #[command(flatten)]
    pub keys: KeyPlace,
    /// Fill the database and end.
    #[arg(long)]
    pub seed_only: bool,
    /// How to listen.
    #[command(flatten)]
    pub listen: Listen,
}

/// `user …`
#[derive(Debug, Subcommand)]
pub enum UserCommand {
    /// Add an account. The password is asked for, or read from a file or from standard input; never from the command line.
    Add(UserAdd),
    /// Print a one-time code with which a user enrols a phone, for a server that runs with `--enrol-by-code`.
    Code(UserCode),
}

/// `user code`
#[derive(Debug, Args)]
pub struct UserCode {
    /// The user's login.
    #[arg(long)]
    pub login: String,
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
}

/// `user add`
#[derive(Debug, Args)]
pub struct UserAdd {
    /// What the person types to sign in.
    #[arg(long)]
    pub login: String,
    /// The human's name.
    #[arg(long)]
    pub name: String,
    /// Role: `village_worker`, `township_worker`, `township_head`, `city_duty`, `system_admin`, …
    #[arg(long)]
    pub role: String,
    /// The 12-digit code of the unit.
    #[arg(long)]
    pub unit: String,
    /// File whose first line is the password; without it, standard input is read.
    #[arg(long)]
    pub password_file: Option<PathBuf>,
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
}

/// `import-people`
#[derive(Debug, Args)]
pub struct ImportPeople {
    /// A CSV file with the columns of `server/data/demo_people.csv`.
    pub file: PathBuf,
    /// Login of the account in whose name the people are entered; without it, one of the program's own.
    #[arg(long)]
    pub by: Option<String>,
    /// Where the data are.
    #[command(flatten)]
    pub folder: DataFolder,
}
