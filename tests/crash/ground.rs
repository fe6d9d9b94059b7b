//! Where a server's data lie during these tests, and how a test looks at them past the server.

use std::{ffi::OsString, fs, future::Future, path::Path, sync::Arc};

use tempfile::TempDir;
use zoufang_server::keys::Keys;
use zoufang_server::store::{
    County, Store,
    at_rest::SealedStore,
    postgres::{PostgresStore, cluster::Cluster},
    sqlite::SqliteStore,
};

/// The data of one server, of whichever kind of store. The tests know stores through this alone.
pub(crate) trait Ground: Sized {
    /// The store itself.
    type Opened: Store + Clone;

    /// The folder below `server/src/store` whose points this store alone passes.
    const FOLDER: &str;

    /// Fewer points at a first start than this are a fault of the test.
    const FIRST_POINTS_MIN: usize;

    /// No data yet.
    fn empty() -> Self;

    /// The same data once more; no server runs on them.
    fn copy(&self) -> Self;

    /// The server's arguments that name these data.
    fn arguments(&self) -> Vec<OsString>;

    /// Opens the store, also while a server runs.
    fn open(&self) -> impl Future<Output = Self::Opened>;

    /// The folder in which the server's keys are.
    fn folder(&self) -> &Path;

    /// The store as the server sees it, with its keys.
    fn unsealed(&self, store: &Self::Opened) -> SealedStore {
        Keys::of_file(&self.folder().join("keys")).unwrap().seal(Arc::new(store.clone()))
    }

    /// What the database itself finds wrong.
    fn faults(&self, store: &Self::Opened) -> impl Future<Output = Vec<String>>;

    /// Lets go of the store.
    fn close(store: Self::Opened) -> impl Future<Output = ()>;
}

/// A folder with a SQLite file.
pub(crate) struct Sqlite(TempDir);

const FILE: &str = "zoufang.sqlite";

impl Ground for Sqlite {
    type Opened = SqliteStore;

    const FOLDER: &str = "sqlite";
    const FIRST_POINTS_MIN: usize = 12;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn copy(&self) -> Self {
        Self(copy_of(&self.0))
    }

    fn arguments(&self) -> Vec<OsString> {
        vec!["--data".into(), self.0.path().into()]
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    async fn open(&self) -> SqliteStore {
        let path: &Path = self.0.path();
        SqliteStore::open(&path.join(FILE), County::default()).await.unwrap()
    }

    async fn faults(&self, store: &SqliteStore) -> Vec<String> {
        store.faults().await.unwrap()
    }

    async fn close(store: SqliteStore) {
        store.close().await;
    }
}

/// The files of a folder, in another one.
fn copy_of(folder: &TempDir) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path()) {
        fs::copy(&file, copy.path().join(file.file_name().unwrap())).unwrap();
    }
    copy
}

/// A database in the cluster that these tests share, and a folder for the keys. It is gone with this value.
pub(crate) struct Postgres(String, TempDir);

impl Postgres {
    fn url(&self) -> String {
        Cluster::shared().url(&self.0)
    }
}

impl Ground for Postgres {
    type Opened = PostgresStore;

    const FOLDER: &str = "postgres";
    const FIRST_POINTS_MIN: usize = 11;

    fn empty() -> Self {
        Self(Cluster::shared().database().unwrap(), tempfile::tempdir().unwrap())
    }

    fn copy(&self) -> Self {
        // PostgreSQL waits five seconds for the last connection of a server that just died.
        Self(Cluster::shared().copy(&self.0).unwrap(), copy_of(&self.1))
    }

    fn arguments(&self) -> Vec<OsString> {
        vec!["--database-url".into(), self.url().into(), "--data".into(), self.1.path().into()]
    }

    fn folder(&self) -> &Path {
        self.1.path()
    }

    async fn open(&self) -> PostgresStore {
        PostgresStore::open(&self.url(), County::default()).await.unwrap()
    }

    async fn faults(&self, _: &PostgresStore) -> Vec<String> {
        // Every index has exactly the rows of its table. Who died in a transaction would hold its locks, on which building
        // the projections anew waits in vain.
        let sql = "set client_min_messages = error; create extension if not exists amcheck;
            select bt_index_check(index.oid, true) from pg_class index join pg_am method on method.oid = index.relam
            where method.amname = 'btree' and index.relnamespace = 'public'::regnamespace and index.relkind = 'i';";
        match Cluster::shared().sql(&self.0, sql) {
            Ok(said) => said.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect(),
            Err(error) => vec![error.to_string()],
        }
    }

    async fn close(store: PostgresStore) {
        store.close().await;
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = Cluster::shared().sql("postgres", &format!("drop database {} with (force)", self.0));
    }
}
