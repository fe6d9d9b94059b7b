//! Where a server's data lie during these tests, and how a test looks at them past the server.

use std::{ffi::OsString, fs, future::Future, path::Path};

use tempfile::TempDir;
use zoufang_server::store::{County, Store, sqlite::SqliteStore};

/// The data of one server, of whichever kind of store. The tests know stores through this alone.
pub(crate) trait Ground: Sized {
    /// The store itself.
    type Opened: Store;

    /// No data yet.
    fn empty() -> Self;

    /// The same data once more; no server runs on them.
    fn copy(&self) -> Self;

    /// The server's arguments that name these data.
    fn arguments(&self) -> Vec<OsString>;

    /// Opens the store, also while a server runs.
    fn open(&self) -> impl Future<Output = Self::Opened>;

    /// What the database itself finds wrong.
    fn faults(store: &Self::Opened) -> impl Future<Output = Vec<String>>;

    /// Lets go of the store.
    fn close(store: Self::Opened) -> impl Future<Output = ()>;
}

/// A folder with a SQLite file.
pub(crate) struct Sqlite(TempDir);

const FILE: &str = "zoufang.sqlite";

impl Ground for Sqlite {
    type Opened = SqliteStore;

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn copy(&self) -> Self {
        let copy = Self::empty();
        for file in fs::read_dir(self.0.path()).unwrap().map(|file| file.unwrap().path()) {
            fs::copy(&file, copy.0.path().join(file.file_name().unwrap())).unwrap();
        }
        copy
    }

    fn arguments(&self) -> Vec<OsString> {
        vec!["--data".into(), self.0.path().into()]
    }

    async fn open(&self) -> SqliteStore {
        let path: &Path = self.0.path();
        SqliteStore::open(&path.join(FILE), County::default()).await.unwrap()
    }

    async fn faults(store: &SqliteStore) -> Vec<String> {
        store.faults().await.unwrap()
    }

    async fn close(store: SqliteStore) {
        store.close().await;
    }
}
