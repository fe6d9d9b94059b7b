//! IndexedDB: tables of bytes by text keys. The only file that knows of it.
use indexed_db_futures::{
    database::Database,
    prelude::*,
    transaction::{TransactionDurability, TransactionMode, TransactionOptions},
};
use js_sys::Uint8Array;
use wasm_bindgen::{JsCast, JsValue};
use zoufang_core::{
    gather,
    phone::{Batch, Op, Table},
};

use super::fault::Fault;
use crate::platform::pace::Pace;

const NAME: &str = "zoufang";
/// 2: parcels. 3: readings. 4: inbox.
const VERSION: u8 = 4;

/// An open database.
pub(super) struct Db {
    inner: Database,
}

impl Db {
    /// Opens the database; makes the tables that are missing. `blocked` is called when another window has an older version of
    /// the app open: the database is opened once it is closed.
    pub(super) async fn open(blocked: impl Fn() + 'static) -> Result<Self, Fault> {
        let inner = Database::open(NAME)
            .with_version(VERSION)
            .with_on_blocked(move |_| {
                blocked();
                Ok(())
            })
            .with_on_upgrade_needed(|_, db| {
                let there: Vec<String> = db.object_store_names().collect();
                for table in Table::ALL.iter().filter(|table| there.iter().all(|name| name != table.name())) {
                    db.create_object_store(table.name()).build()?;
                }
                Ok(())
            })
            .await?;
        let older = inner.clone();
        let listener = inner.version_changes();
        leptos::task::spawn_local(async move {
            // A newer version of the app in another window must not wait for this one.
            if let Ok(mut changes) = listener
                && changes.recv().await.is_some()
            {
                older.close();
            }
        });
        Ok(Self { inner })
    }

    /// Lets go of the database.
    pub(super) fn close(self) {
        self.inner.close();
    }

    /// All rows of a table, in the order of their keys.
    pub(super) async fn all(&self, table: Table) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let fault = |error| Fault::of(&error, "read");
        let transaction = self.inner.transaction(table.name()).build().map_err(fault)?;
        let store = transaction.object_store(table.name()).map_err(fault)?;
        let keys = store.get_all_keys::<String>().primitive().map_err(fault)?;
        let values = store.get_all::<JsValue>().primitive().map_err(fault)?;
        let keys: Vec<String> = keys.await.map_err(fault)?.collect::<Result<_, _>>().map_err(fault)?;
        let values: Vec<JsValue> = values.await.map_err(fault)?.collect::<Result<_, _>>().map_err(fault)?;
        Ok(keys.into_iter().zip(values.into_iter().map(bytes)).collect())
    }

    /// All keys of a table, in order.
    pub(super) async fn keys(&self, table: Table) -> Result<Vec<String>, Fault> {
        let fault = |error| Fault::of(&error, "keys");
        let transaction = self.inner.transaction(table.name()).build().map_err(fault)?;
        let store = transaction.object_store(table.name()).map_err(fault)?;
        store
            .get_all_keys::<String>()
            .primitive()
            .map_err(fault)?
            .await
            .map_err(fault)?
            .collect::<Result<_, _>>()
            .map_err(fault)
    }

    /// The values of some keys, in their order.
    pub(super) async fn get(&self, table: Table, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let fault = |error| Fault::of(&error, "get");
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = self.inner.transaction(table.name()).build().map_err(fault)?;
        let store = transaction.object_store(table.name()).map_err(fault)?;
        let requests: Vec<_> = keys
            .iter()
            .map(|key| store.get::<JsValue, _, _>(key.clone()).primitive())
            .collect::<Result<_, _>>()
            .map_err(fault)?;
        let mut values = Vec::with_capacity(requests.len());
        for request in requests {
            values.push(request.await.map_err(fault)?.map(bytes));
        }
        Ok(values)
    }

    /// Writes a batch in one strict transaction; returns when it is committed.
    pub(super) async fn write(&self, batch: &Batch) -> Result<(), Fault> {
        let fault = |error| Fault::of(&error, "write");
        let touched = |op: &Op| match op {
            Op::Put(table, ..) | Op::Delete(table, _) | Op::Clear(table) => *table,
        };
        let tables: std::collections::BTreeSet<Table> = gather(batch.iter().map(touched));
        if tables.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = tables.iter().map(|table| table.name()).collect();
        let mut options = TransactionOptions::new();
        options.set_durability(TransactionDurability::Strict);
        let transaction = self
            .inner
            .transaction(names)
            .with_mode(TransactionMode::Readwrite)
            .with_options(options)
            .build()
            .map_err(fault)?;
        // Each request costs the page's thread some 50 us. A transaction stays open while one of its requests is awaited, so
        // many are made in steps: when the screen is due a turn, the last one made so far is waited for.
        let pace = Pace::begin();
        for op in batch {
            let store = transaction.object_store(touched(op).name()).map_err(fault)?;
            match op {
                Op::Put(_, key, value) => {
                    let bytes = JsValue::from(Uint8Array::from(value.as_slice()));
                    let request = store.put(bytes).with_key(key.clone()).primitive().map_err(fault)?;
                    if pace.is_due() {
                        request.await.map_err(fault)?;
                        pace.restart();
                    }
                }
                Op::Delete(_, key) => {
                    let request = store.delete::<String, _>(key.clone()).primitive().map_err(fault)?;
                    if pace.is_due() {
                        request.await.map_err(fault)?;
                        pace.restart();
                    }
                }
                Op::Clear(_) => drop(store.clear().map_err(fault)?),
            }
        }
        transaction.commit().await.map_err(fault)
    }
}

fn bytes(value: JsValue) -> Vec<u8> {
    value.dyn_into::<Uint8Array>().map(|array| array.to_vec()).unwrap_or_default()
}
