//! The server: the real one, from the bytes of a request to the chunks of its answer, over a store in memory or in SQLite.
//! It can stop at any step, come back from what was committed, and be restored from a backup.

mod faulty;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result, bail};
use futures_util::StreamExt;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use zoufang_core::{
    record::{DeviceId, EpochId, Timestamp, UnitId, UserId, list::Role},
    seal::SecretKey,
    sync::{
        gate::BODY_BYTES_MAX,
        inbox::decode_body,
        parcel::{Fate, encode_body},
    },
};
use zoufang_server::{
    App,
    account::{
        session::{Presented, admit},
        token,
    },
    assets::Assets,
    command,
    error::Error,
    store::{County, NewAccount, SignKey, Store, Unit, UnitCode, memory::MemoryStore, sqlite::SqliteStore},
    sync::{
        exchange::{Chunks, exchange},
        inbox, late, parcel, segment,
    },
};

pub(crate) use faulty::Blow;
use faulty::{Faulty, Fuse};

use crate::office::Command;

/// What is said to a body of the inbox: the fates of its parcels, and the letter.
pub(crate) type Said = (Vec<Fate>, Vec<u8>);

/// What keeps the data.
enum Kept {
    Memory(MemoryStore),
    /// The store and its file.
    Sqlite(SqliteStore, PathBuf),
}

/// An older state of everything.
enum Backup {
    Memory(MemoryStore),
    Sqlite(PathBuf),
}

/// What became of a request.
pub(crate) enum Outcome {
    /// An answer, chunk by chunk.
    Chunks(Chunks),
    /// An error of ours, in JSON.
    Refused(Error),
    /// The server stopped.
    Stopped,
}

/// What became of what the office wanted done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// It was done.
    Whole,
    /// It failed.
    Failed,
    /// The server stopped.
    Stopped,
}

/// The server.
pub(crate) struct Server {
    runtime: Runtime,
    kept: Kept,
    app: App,
    fuse: Arc<Fuse>,
    clock: Arc<AtomicI64>,
    folder: Option<TempDir>,
    backup: Option<Backup>,
    files: u32,
}

impl Server {
    /// A new server with nothing on it.
    pub(crate) fn start(sqlite: bool, epoch: EpochId) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let folder = sqlite.then(folder).transpose()?;
        let kept = match &folder {
            None => Kept::Memory(MemoryStore::new(epoch)),
            Some(folder) => {
                let path = folder.path().join("0.sqlite");
                let store = runtime.block_on(async {
                    let store = SqliteStore::open(&path, County::default()).await?;
                    store.renew_epoch(epoch).await?;
                    Ok::<_, zoufang_server::store::StoreError>(store)
                })?;
                Kept::Sqlite(store, path)
            }
        };
        runtime.block_on(kept_store(&kept).put_sync_key(Self::sync_key().public()))?;
        let (clock, fuse) = (Arc::default(), Arc::default());
        let app = app(&kept, &fuse, &clock);
        Ok(Self { runtime, kept, app, fuse, clock, folder, backup: None, files: 0 })
    }

    /// Sets the server's clock.
    pub(crate) fn set_clock(&self, now: i64) {
        self.clock.store(now, Ordering::SeqCst);
    }

    /// Runs something of the server's to its end.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// The store, without faults.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        kept_store(&self.kept)
    }

    /// Puts units.
    pub(crate) fn put_units(&self, units: &[Unit]) -> Result<()> {
        let codes: Vec<UnitCode> = Vec::new();
        Ok(self.run(self.store().put_units(units, &codes))?)
    }

    /// Adds an account.
    pub(crate) fn add_account(&self, login: &str, role: Role, unit: UnitId) -> Result<UserId> {
        let account = NewAccount {
            login: login.to_owned(),
            name: login.to_owned(),
            role,
            unit,
            password: String::new(),
        };
        Ok(self.run(self.store().add_account(&account))?)
    }

    /// Signs a device in, past the password.
    pub(crate) fn admit(
        &self,
        login: &str,
        device: DeviceId,
        is_copy: bool,
        former: Vec<DeviceId>,
    ) -> Result<(String, DeviceId)> {
        let store = self.store();
        let opened = self.run(async {
            let account = store.account_by_login(login).await?.context("no such account")?;
            anyhow::Ok(
                admit(
                    &self.app,
                    account,
                    Presented { device: Some(device), is_copy, anew: false, former },
                    "",
                )
                .await?,
            )
        })?;
        if opened.device != device && !is_copy {
            bail!("the device is revoked or another user's");
        }
        self.run(store.put_sign_key(opened.device, SignKey([4; 65])))?;
        Ok((opened.token, opened.device))
    }

    /// Ends a session before its time.
    pub(crate) fn end_session(&self, token: &str) -> Result<()> {
        let Some(hash) = token::of_text(token) else { return Ok(()) };
        Ok(self.run(self.store().close_session(hash))?)
    }

    /// Revokes a device.
    pub(crate) fn revoke(&self, device: DeviceId) -> Result<()> {
        Ok(self.run(self.store().revoke_device(device, self.app.now()))?)
    }

    /// Answers a request as far as its first step; `blow` strikes at one of the steps. Tells whether it struck.
    pub(crate) fn answer(&self, token: &str, body: &[u8], blow: Option<(u32, Blow)>) -> (Outcome, bool) {
        self.fuse.arm(blow);
        let work = async {
            if body.len() > BODY_BYTES_MAX {
                return Err(Error::TooLarge);
            }
            let token = token::of_text(token).ok_or(Error::SignedOut)?;
            let principal = self.app.store.principal(token, self.app.now()).await?.ok_or(Error::SignedOut)?;
            exchange(&self.app, &principal, body).await
        };
        let outcome = self.run(async {
            tokio::select! {
                biased;
                () = self.fuse.stopped() => Outcome::Stopped,
                done = work => match done {
                    Ok(reply) => Outcome::Chunks(reply.into_chunks()),
                    Err(error) => Outcome::Refused(error),
                },
            }
        });
        (outcome, self.fuse.disarm())
    }

    /// Takes parcels in as they come from a device, past the signature; `blow` strikes at one of the steps. `None` if the server
    /// stopped. Tells whether it struck.
    pub(crate) fn deliver(
        &self,
        device: DeviceId,
        body: &[u8],
        blow: Option<(u32, Blow)>,
    ) -> (Option<Result<Vec<Fate>, Error>>, bool) {
        self.fuse.arm(blow);
        let work = async {
            let signer = self.app.store.signer(device).await?.ok_or(Error::SignedOut)?;
            if signer.revoked {
                late::keep(&self.app, device, body).await?;
                return Err(Error::SignedOut);
            }
            parcel::deliver(&self.app, device, &signer, body).await
        };
        let done = self.run(async {
            tokio::select! {
                biased;
                () = self.fuse.stopped() => None,
                done = work => Some(done),
            }
        });
        (done, self.fuse.disarm())
    }

    /// As [`Self::deliver`], with a question; gives the letter, too, sealed by what `seed` says, or nothing.
    pub(crate) fn ask(
        &self,
        device: DeviceId,
        body: &[u8],
        seed: [u8; 32],
        blow: Option<(u32, Blow)>,
    ) -> (Option<Result<Said, Error>>, bool) {
        self.fuse.arm(blow);
        let work = async {
            let signer = self.app.store.signer(device).await?.ok_or(Error::SignedOut)?;
            let (question, parcels) = decode_body(body).map_err(|_| Error::BadRequest("inbox"))?;
            if signer.revoked {
                late::keep(&self.app, device, &encode_body(parcels)).await?;
                return Err(Error::SignedOut);
            }
            let parcels = parcels.into_iter().map(<[u8]>::to_vec).collect();
            let (fates, open) = inbox::take(&self.app, device, &signer, (question.to_vec(), parcels)).await?;
            Ok((fates, open.map(|open| open.seal(seed)).unwrap_or_default()))
        };
        let done = self.run(async {
            tokio::select! {
                biased;
                () = self.fuse.stopped() => None,
                done = work => Some(done),
            }
        });
        (done, self.fuse.disarm())
    }

    /// The key to which phones seal parcels.
    pub(crate) fn sync_key() -> SecretKey {
        SecretKey::of_seed(&[1; 32])
    }

    /// Does something to a record; `blow` strikes at one of the steps. Tells whether it struck.
    pub(crate) fn command(&self, command: Command, blow: Option<(u32, Blow)>) -> (Done, bool) {
        self.fuse.arm(blow);
        let (store, now, draw) = (self.app.store.as_ref(), self.app.now(), self.app.random.as_ref());
        let work = async {
            match command {
                Command::Move(doc, to) => {
                    command::move_with_person(store, doc, to, |_| true, now).await.map(drop)
                }
                Command::Erase(doc) => command::erase(store, doc, now).await,
                Command::ReRoot(doc) => command::re_root(store, doc, |_| false, draw, now).await.map(drop),
            }
        };
        let done = self.run(async {
            tokio::select! {
                biased;
                () = self.fuse.stopped() => Done::Stopped,
                done = work => if done.is_ok() { Done::Whole } else { Done::Failed },
            }
        });
        (done, self.fuse.disarm())
    }

    /// The next chunk of an answer.
    pub(crate) fn next(&self, chunks: &mut Chunks) -> Option<Vec<u8>> {
        self.run(chunks.next()).map(|chunk| chunk.to_vec())
    }

    /// Makes segments of what is full.
    pub(crate) fn seal(&self, unit: UnitId) -> Result<usize> {
        Ok(self.run(segment::seal(self.store().as_ref(), unit))?)
    }

    /// Stops without a word and starts again on what was committed.
    pub(crate) fn restart(&mut self) -> Result<()> {
        if let Kept::Sqlite(_, path) = &self.kept {
            let copy = self.copy(&path.clone())?;
            self.open(copy, None)?;
        }
        self.app = app(&self.kept, &self.fuse, &self.clock);
        Ok(())
    }

    /// Keeps a backup of now.
    pub(crate) fn back_up(&mut self) -> Result<()> {
        self.backup = Some(match &self.kept {
            Kept::Memory(store) => Backup::Memory(store.restored(self.run(store.epoch())?)),
            Kept::Sqlite(_, path) => Backup::Sqlite(self.copy(&path.clone())?),
        });
        Ok(())
    }

    /// Goes back to the backup under a new epoch; `false` if there is none.
    pub(crate) fn restore(&mut self, epoch: EpochId) -> Result<bool> {
        match &self.backup {
            None => return Ok(false),
            Some(Backup::Memory(store)) => self.kept = Kept::Memory(store.restored(epoch)),
            Some(Backup::Sqlite(path)) => {
                let copy = self.copy(&path.clone())?;
                self.open(copy, Some(epoch))?;
            }
        }
        self.app = app(&self.kept, &self.fuse, &self.clock);
        Ok(true)
    }

    /// Copies a database as it lies on the disk, as one finds it after a power cut.
    fn copy(&mut self, path: &Path) -> Result<PathBuf> {
        let folder = self.folder.as_ref().context("no folder")?;
        self.files += 1;
        let copy = folder.path().join(format!("{}.sqlite", self.files));
        for end in ["", "-wal"] {
            let (from, to) = (with_end(path, end), with_end(&copy, end));
            if from.exists() {
                std::fs::copy(from, to)?;
            }
        }
        Ok(copy)
    }

    fn open(&mut self, path: PathBuf, epoch: Option<EpochId>) -> Result<()> {
        let store = self.runtime.block_on(async {
            let store = SqliteStore::open(&path, County::default()).await?;
            if let Some(epoch) = epoch {
                store.renew_epoch(epoch).await?;
            }
            Ok::<_, zoufang_server::store::StoreError>(store)
        })?;
        let old = std::mem::replace(&mut self.kept, Kept::Sqlite(store, path));
        if let Kept::Sqlite(store, path) = old {
            self.runtime.block_on(store.close());
            for end in ["", "-wal", "-shm"] {
                // A file that is not there is what we want.
                let _ = std::fs::remove_file(with_end(&path, end));
            }
        }
        Ok(())
    }
}

/// Where files cost nothing, if the machine has such a place.
fn folder() -> Result<TempDir> {
    let memory = Path::new("/dev/shm");
    let made = if memory.is_dir() { TempDir::with_prefix_in("zoufang-sim-", memory) } else { TempDir::new() };
    made.context("folder for SQLite")
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn kept_store(kept: &Kept) -> Arc<dyn Store> {
    match kept {
        Kept::Memory(store) => Arc::new(store.clone()),
        Kept::Sqlite(store, ..) => Arc::new(store.clone()),
    }
}

fn app(kept: &Kept, fuse: &Arc<Fuse>, clock: &Arc<AtomicI64>) -> App {
    let store = Faulty { inner: kept_store(kept), fuse: Arc::clone(fuse) };
    let mut app = App::new(Arc::new(store), Assets::new(None));
    let clock = Arc::clone(clock);
    let ticking = Arc::clone(&clock);
    app.clock = Arc::new(move || Timestamp(ticking.load(Ordering::SeqCst)));
    // Ids of the moment, the same in every run of a seed.
    let drawn = AtomicU64::new(0);
    app.random = Arc::new(move || {
        let number = drawn.fetch_add(1, Ordering::SeqCst) & 0xfff;
        Ok(((clock.load(Ordering::SeqCst).cast_unsigned() << 12) | number)
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            | 1)
    });
    app.seals = false;
    app.sync_keys = Arc::new([Server::sync_key()]);
    app
}
