//! The data key of the store, in its slot: a database of its own, read before the store.
//!
//! The slot is opened with a key that the browser makes, keeps and does not give out (HMAC-SHA-256). Rows that somebody copies
//! without it are worth nothing; who copies the whole profile, or sits before the open browser, needs no more. A slot that needs a PIN
//! as well takes its place.
use indexed_db_futures::{
    database::Database,
    prelude::*,
    transaction::{TransactionDurability, TransactionMode, TransactionOptions},
};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zoufang_core::seal::{DataKey, DeviceSlot, KeyId, RowKeys};

use super::{fault::Fault, random};

const NAME: &str = "zoufang.keys";
const VERSION: u8 = 1;
const TABLE: &str = "slot";
/// The browser's key.
const DEVICE: &str = "device";
/// The data key, sealed to it.
const SLOT: &str = "device-slot";

/// The keys of the store's rows; drawn at the first start.
pub(super) async fn row_keys() -> Result<RowKeys, Fault> {
    let database = Database::open(NAME)
        .with_version(VERSION)
        .with_on_upgrade_needed(|_, database| {
            database.create_object_store(TABLE).build()?;
            Ok(())
        })
        .await?;
    let key = match read(&database).await? {
        Some((device, slot)) => {
            let mac = mac(&device, slot.device_input()).await?;
            slot.open(&mac).map_err(|_| Fault::Fails("slot"))?
        }
        None => make(&database).await?,
    };
    database.close();
    Ok(key.rows())
}

async fn read(database: &Database) -> Result<Option<(CryptoKey, DeviceSlot)>, Fault> {
    let fault = |error| Fault::of(&error, "slot");
    let transaction = database.transaction(TABLE).build().map_err(fault)?;
    let table = transaction.object_store(TABLE).map_err(fault)?;
    let device = table.get::<JsValue, _, _>(DEVICE).primitive().map_err(fault)?;
    let slot = table.get::<JsValue, _, _>(SLOT).primitive().map_err(fault)?;
    let (device, slot) = (device.await.map_err(fault)?, slot.await.map_err(fault)?);
    let (Some(device), Some(slot)) = (device, slot) else { return Ok(None) };
    let device = device.dyn_into::<CryptoKey>().map_err(|_| Fault::Fails("device key"))?;
    let slot = Uint8Array::new(&slot).to_vec();
    let slot = minicbor::decode(&slot).map_err(|_| Fault::Fails("slot"))?;
    Ok(Some((device, slot)))
}

/// Draws a data key and keeps it, in one strict transaction with the browser's key: there is never one without the other.
async fn make(database: &Database) -> Result<DataKey, Fault> {
    let fault = |error| Fault::of(&error, "slot");
    let device = new_device_key().await?;
    let (salt, nonce, id) = (random::<16>()?, random::<24>()?, random::<4>()?);
    let key = DataKey::from_parts(KeyId(u32::from_be_bytes(id)), &random::<32>()?);
    let slot = DeviceSlot::seal(salt, &mac(&device, &salt).await?, nonce, &key);
    let slot = minicbor::to_vec(&slot).map_err(|_| Fault::Fails("slot"))?;
    let mut options = TransactionOptions::new();
    options.set_durability(TransactionDurability::Strict);
    let transaction = database
        .transaction(TABLE)
        .with_mode(TransactionMode::Readwrite)
        .with_options(options)
        .build()
        .map_err(fault)?;
    let table = transaction.object_store(TABLE).map_err(fault)?;
    drop(table.put(JsValue::from(device)).with_key(DEVICE).primitive().map_err(fault)?);
    let slot = JsValue::from(Uint8Array::from(slot.as_slice()));
    drop(table.put(slot).with_key(SLOT).primitive().map_err(fault)?);
    transaction.commit().await.map_err(fault)?;
    Ok(key)
}

async fn new_device_key() -> Result<CryptoKey, Fault> {
    let fault = |_| Fault::Fails("device key");
    let algorithm = Object::new();
    for (name, value) in [("name", "HMAC"), ("hash", "SHA-256")] {
        Reflect::set(&algorithm, &name.into(), &value.into()).map_err(fault)?;
    }
    let usages = Array::of1(&"sign".into());
    let made = subtle()?.generate_key_with_object(&algorithm, false, &usages).map_err(fault)?;
    JsFuture::from(made).await.map_err(fault)?.dyn_into().map_err(fault)
}

/// What the browser's key makes of some bytes.
async fn mac(key: &CryptoKey, input: &[u8]) -> Result<[u8; 32], Fault> {
    let fault = |_| Fault::Fails("device key");
    let made = subtle()?.sign_with_str_and_u8_array("HMAC", key, input).map_err(fault)?;
    let made = Uint8Array::new(&JsFuture::from(made).await.map_err(fault)?).to_vec();
    made.try_into().map_err(|_| Fault::Fails("device key"))
}

fn subtle() -> Result<SubtleCrypto, Fault> {
    let crypto = gloo::utils::window().crypto().map_err(|_| Fault::Fails("device key"))?;
    Ok(crypto.subtle())
}
