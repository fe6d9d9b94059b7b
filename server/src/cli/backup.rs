//! `backup-key`, `backup` and `restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use zoufang_core::record::EpochId;
use zoufang_core::seal::PublicKey;

use super::data::{DATABASE, Data, KEYS, private_folder};
use super::{CliError, Result, erased, say};
use crate::account::token;
use crate::backup;
use crate::config::{Backup, BackupKey, DataFolder, Restore};
use crate::keys::{Keys, key_of_hex};
use crate::state::system_clock;
use crate::store::County;
use crate::store::sqlite::SqliteStore;

/// Makes the key that reads backups, and says its public half.
pub(super) fn key(options: &BackupKey) -> Result<()> {
    must_be_free(&options.to)?;
    let public = Keys::of_file_or_new(&options.to)?.backup().public();
    say(&format!("public key: {}", hex::encode(public.0)))?;
    say(&format!("{} reads backups: keep it offline, and twice", options.to.display()))
}

/// Writes a backup. The server may run.
pub(super) async fn write(options: Backup) -> Result<()> {
    sqlite_only(&options.folder)?;
    must_be_free(&options.to)?;
    let to = key_of_hex(options.public_key.trim()).map(|key| PublicKey(*key)).ok_or_else(|| {
        CliError::Usage("the public key is not 64 hex digits, as `backup-key` says it".to_owned())
    })?;
    let data = Data::open(&options.folder).await?;
    data.store().await?;
    data.below.close().await;
    let copy = beside(&options.to, "database");
    let _ = fs::remove_file(&copy);
    let store = SqliteStore::open(&options.folder.data.join(DATABASE), County::default()).await?;
    store.copy_to(&copy).await?;
    crate::store::Store::close(&store).await;
    let part = beside(&options.to, "part");
    let written = (|| {
        let mut out = BufWriter::new(private_file(&part)?);
        let mut database = BufReader::new(File::open(&copy).map_err(failed("read", &copy))?);
        backup::write(&mut out, to, &data.keys.to_text(), &mut database)?;
        let file = out.into_inner().map_err(|error| failed("write", &part)(error.into_error()))?;
        file.sync_all().map_err(failed("write", &part))?;
        fs::rename(&part, &options.to).map_err(failed("write", &options.to))?;
        Ok(())
    })();
    for left in [&copy, &part] {
        let _ = fs::remove_file(left);
    }
    written.and_then(|()| say(&format!("{} is written; only the offline key reads it", options.to.display())))
}

/// Puts a backup into an empty folder.
pub(super) async fn restore(options: Restore) -> Result<()> {
    sqlite_only(&options.folder)?;
    let owner = Keys::of_file(&options.key)?.backup();
    let erased = options.erased.as_ref();
    let erased = erased.map(|path| fs::read_to_string(path).map_err(failed("read", path))).transpose()?;
    let data = &options.folder.data;
    private_folder(data)?;
    let (database, part) = (data.join(DATABASE), data.join("restore.part"));
    must_be_free(&database)?;
    let mut from = BufReader::new(File::open(&options.from).map_err(failed("read", &options.from))?);
    let done = (|| {
        let mut out = BufWriter::new(private_file(&part)?);
        let keys = backup::read(&mut from, &owner, &mut out)?;
        let file = out.into_inner().map_err(|error| failed("write", &part)(error.into_error()))?;
        file.sync_all().map_err(failed("write", &part))?;
        keep_keys(options.folder.keys.keys_file.as_deref().unwrap_or(&data.join(KEYS)), &keys)?;
        // Last: a folder with a database is one that was restored.
        fs::rename(&part, &database).map_err(failed("write", &database))
    })();
    let _ = fs::remove_file(&part);
    done?;
    let restored = Data::open(&options.folder).await?;
    let store = restored.store().await?;
    let now = system_clock()();
    if let Some(text) = &erased {
        let count = erased::erase_again(store.as_ref(), text, now).await?;
        fs::write(data.join(erased::ERASED), text).map_err(failed("write", &data.join(erased::ERASED)))?;
        say(&format!("{count} records that were erased since the backup are erased again"))?;
    }
    store.renew_epoch(EpochId(token::random_u64()?.max(1))).await?;
    store.close().await;
    say("restored; phones offer again what they hold of the last 30 days when they sync next")?;
    let left = if erased.is_some() { "moved" } else { "erased, moved" };
    say(&format!("what was {left} or given to another user since the backup is to be done once more"))
}

/// The keys beside the data, unless the same are there already.
fn keep_keys(path: &Path, text: &str) -> Result<()> {
    if path.exists() {
        let same = *Keys::of_file(path)?.to_text() == *text;
        let other = || CliError::Usage(format!("{} holds other keys; nothing was restored", path.display()));
        return if same { Ok(()) } else { Err(other()) };
    }
    let mut file = private_file(path)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed("write", path))
}

fn sqlite_only(folder: &DataFolder) -> Result<()> {
    match folder.database.database_url {
        None => Ok(()),
        Some(_) => Err(CliError::Usage(
            "PostgreSQL has its own means: what pg_dump writes is sealed as the database is; keep the keys apart from it"
                .to_owned(),
        )),
    }
}

pub(super) fn must_be_free(path: &Path) -> Result<()> {
    match path.exists() {
        false => Ok(()),
        true => Err(CliError::Usage(format!("{} is there already; nothing was changed", path.display()))),
    }
}

fn private_file(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(failed("write", path))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> CliError {
    let what = format!("{what} {}", path.display());
    move |source| CliError::Io { what, source }
}
