//! The slots of the data key: a database of its own, read before the store.
//!
//! Once a PIN is chosen the data key is sealed to it, and to a key that the browser makes, keeps and does not give out (HMAC-SHA-256).
//! Before that it is sealed to the browser's key alone, which keeps the rows from whoever copies them without it, and from nobody else;
//! so a PIN brings a new data key with it, and the one before it only opens what was sealed under it. Where the organisation has a recovery
//! key there is a third slot, for that (`recovery.rs`).
use indexed_db_futures::{
    database::Database,
    prelude::*,
    transaction::{TransactionDurability, TransactionMode, TransactionOptions},
};
use js_sys::{Array, Object, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{CryptoKey, SubtleCrypto};
use zoufang_core::{
    encode,
    record::Timestamp,
    seal::{
        Attempts, Cost, DataKey, DeviceSlot, KeptRequest, KeyId, Keyring, Pin, PinSlot, RecoverySlot, Salts,
        Stretched,
    },
};

use super::{fault::Fault, lock::Lock, random, recovery, stretch};
use crate::platform::clock;

const NAME: &str = "zoufang.keys";
const VERSION: u8 = 1;
const TABLE: &str = "slot";
/// The browser's key.
const DEVICE: &str = "device";
/// The data key, sealed to it: there until a PIN is chosen.
const DEVICE_SLOT: &str = "device-slot";
/// The data key, sealed to a PIN and the browser's key.
const PIN: &str = "pin";
/// When that data key was drawn.
const DRAWN: &str = "drawn";
/// Tries that did not open it.
const ATTEMPTS: &str = "attempts";
/// Keys that it took the place of, while rows may be sealed under them.
const FORMER: &str = "former";

/// What the slots say at the start.
pub(crate) enum Found {
    /// Nobody has chosen a PIN yet.
    Open(Keyring),
    /// A PIN is asked for.
    Locked(Box<Lock>),
    /// The PIN's slot went with the last wrong one: what is sealed here stays so.
    Gone,
}

/// What stands in the table.
pub(super) struct Slots {
    pub(super) device: CryptoKey,
    pub(super) pin: Option<PinSlot>,
    pub(super) attempts: Attempts,
    /// When the data key was drawn, by the phone's clock.
    pub(super) drawn: Option<Timestamp>,
    pub(super) former: Option<Vec<u8>>,
    pub(super) recovery: Option<RecoverySlot>,
    pub(super) asked: Option<KeptRequest>,
    device_slot: Option<DeviceSlot>,
}

/// One write.
pub(super) enum Put {
    Key(CryptoKey),
    Bytes(&'static str, Vec<u8>),
    Delete(&'static str),
}

/// Reads the slots; at the first start a data key is drawn.
pub(crate) async fn look() -> Result<Found, Fault> {
    let Some(slots) = read().await? else { return Ok(Found::Open(Keyring::new(make().await?))) };
    if let Some(pin) = slots.pin.clone() {
        return Ok(Found::Locked(Box::new(Lock::new(slots, pin))));
    }
    let Some(slot) = &slots.device_slot else { return Ok(Found::Gone) };
    let mac = mac(&slots.device, slot.device_input()).await?;
    let key = slot.open(&mac).map_err(|_| Fault::Fails("slot"))?;
    Ok(Found::Open(slots.keyring(key)))
}

impl Slots {
    /// A data key with those that it took the place of. Rows under former keys that cannot be read any more are fetched again.
    pub(super) fn keyring(&self, key: DataKey) -> Keyring {
        let former = self.former.as_deref().map(|former| Keyring::open(key.clone(), former));
        former.and_then(Result::ok).unwrap_or_else(|| Keyring::new(key))
    }
}

/// Takes a PIN: from now on a new data key, which nothing opens but this PIN on this phone.
pub(crate) async fn choose(pin: &Pin, keyring: &Keyring) -> Result<Keyring, Fault> {
    let slots = read().await?.ok_or(Fault::Fails("device key"))?;
    let next = keyring.succeeded_by(draw()?);
    let slot = seal_to(pin, &slots.device, next.current(), stretch::calibrate().await?).await?;
    let mut puts = vec![
        Put::Bytes(PIN, encode(&slot)),
        Put::Bytes(DRAWN, encode(&clock::now())),
        Put::Bytes(FORMER, next.seal_former(&random()?)),
        Put::Delete(DEVICE_SLOT),
        Put::Delete(ATTEMPTS),
        // An answer to it would bring the key of before.
        Put::Delete(recovery::ASKED),
    ];
    puts.extend(recovery::follow(&slots, next.current())?);
    write(puts).await?;
    Ok(next)
}

/// The slot of a data key for a PIN, at a cost or, on a phone without the memory for it, a lower one.
pub(super) async fn seal_to(
    pin: &Pin,
    device: &CryptoKey,
    key: &DataKey,
    mut cost: Cost,
) -> Result<PinSlot, Fault> {
    loop {
        let salts = Salts::from_parts(cost, random()?, random()?);
        match stretch::stretch(&salts, pin).await {
            Ok((stretched, _)) => {
                let mac = mac_of_pin(device, &salts, &stretched).await?;
                return Ok(PinSlot::seal(salts, &stretched, &mac, random()?, key));
            }
            Err(_) => cost = cost.lower().ok_or(Fault::Fails("memory"))?,
        }
    }
}

/// Everything in the store is sealed under the current key.
pub(super) async fn forget_former() -> Result<(), Fault> {
    write(vec![Put::Delete(FORMER)]).await
}

/// The phone changed hands: its next user chooses another PIN.
pub(crate) async fn drop_pin(keyring: &Keyring) -> Result<(), Fault> {
    let slots = read().await?.ok_or(Fault::Fails("device key"))?;
    let slot = device_slot(&slots.device, keyring.current()).await?;
    write(vec![
        Put::Bytes(DEVICE_SLOT, encode(&slot)),
        Put::Delete(PIN),
        Put::Delete(DRAWN),
        Put::Delete(ATTEMPTS),
        Put::Delete(recovery::SLOT),
        Put::Delete(recovery::ASKED),
    ])
    .await
}

/// Forgets every key: nothing that was sealed can be read again.
pub(crate) async fn erase() -> Result<(), Fault> {
    let all = [DEVICE, DEVICE_SLOT, PIN, DRAWN, ATTEMPTS, FORMER, recovery::SLOT, recovery::ASKED];
    write(all.into_iter().map(Put::Delete).collect()).await
}

pub(super) fn attempts(attempts: Attempts) -> Put {
    Put::Bytes(ATTEMPTS, encode(&attempts))
}

pub(super) fn pin(slot: &PinSlot) -> Put {
    Put::Bytes(PIN, encode(slot))
}

/// The last wrong PIN: its slot goes, and nothing else; the way back stays.
pub(super) async fn destroy_pin() -> Result<(), Fault> {
    write(vec![Put::Delete(PIN), Put::Delete(ATTEMPTS)]).await
}

async fn open() -> Result<Database, Fault> {
    let database = Database::open(NAME)
        .with_version(VERSION)
        .with_on_upgrade_needed(|_, database| {
            database.create_object_store(TABLE).build()?;
            Ok(())
        })
        .await?;
    Ok(database)
}

/// What stands in the table; `None` before the first start.
pub(super) async fn read() -> Result<Option<Slots>, Fault> {
    let fault = |error| Fault::of(&error, "slot");
    let database = open().await?;
    let transaction = database.transaction(TABLE).build().map_err(fault)?;
    let table = transaction.object_store(TABLE).map_err(fault)?;
    let get = |key: &'static str| table.get::<JsValue, _, _>(key).primitive().map_err(fault);
    let (device, slot, pin) = (get(DEVICE)?, get(DEVICE_SLOT)?, get(PIN)?);
    let (attempts, drawn, former) = (get(ATTEMPTS)?, get(DRAWN)?, get(FORMER)?);
    let (way_back, asked) = (get(recovery::SLOT)?, get(recovery::ASKED)?);
    let device = device.await.map_err(fault)?;
    let bytes = |value: Option<JsValue>| value.map(|value| Uint8Array::new(&value).to_vec());
    let slot = bytes(slot.await.map_err(fault)?);
    let pin = bytes(pin.await.map_err(fault)?);
    let attempts = bytes(attempts.await.map_err(fault)?);
    let drawn = bytes(drawn.await.map_err(fault)?);
    let former = bytes(former.await.map_err(fault)?);
    let way_back = bytes(way_back.await.map_err(fault)?);
    let asked = bytes(asked.await.map_err(fault)?);
    drop(transaction);
    database.close();
    let Some(device) = device else { return Ok(None) };
    let device = device.dyn_into::<CryptoKey>().map_err(|_| Fault::Fails("device key"))?;
    Ok(Some(Slots {
        device,
        device_slot: decoded(slot)?,
        pin: decoded(pin)?,
        attempts: decoded(attempts)?.unwrap_or_default(),
        drawn: decoded(drawn).unwrap_or_default(),
        former,
        // What cannot be read of it must not stand before the PIN.
        recovery: decoded(way_back).unwrap_or_default(),
        asked: decoded(asked).unwrap_or_default(),
    }))
}

fn decoded<T: for<'b> minicbor::Decode<'b, ()>>(bytes: Option<Vec<u8>>) -> Result<Option<T>, Fault> {
    bytes.map(|bytes| minicbor::decode(&bytes).map_err(|_| Fault::Fails("slot"))).transpose()
}

/// Writes in one strict transaction.
pub(super) async fn write(puts: Vec<Put>) -> Result<(), Fault> {
    let fault = |error| Fault::of(&error, "slot");
    let database = open().await?;
    let mut options = TransactionOptions::new();
    options.set_durability(TransactionDurability::Strict);
    let transaction = database
        .transaction(TABLE)
        .with_mode(TransactionMode::Readwrite)
        .with_options(options)
        .build()
        .map_err(fault)?;
    let table = transaction.object_store(TABLE).map_err(fault)?;
    for put in puts {
        match put {
            Put::Key(key) => {
                drop(table.put(JsValue::from(key)).with_key(DEVICE).primitive().map_err(fault)?);
            }
            Put::Bytes(name, bytes) => {
                let bytes = JsValue::from(Uint8Array::from(bytes.as_slice()));
                drop(table.put(bytes).with_key(name).primitive().map_err(fault)?);
            }
            Put::Delete(name) => drop(table.delete(name).primitive().map_err(fault)?),
        }
    }
    transaction.commit().await.map_err(fault)?;
    database.close();
    Ok(())
}

/// Draws a data key and keeps it, in one transaction with the browser's key: there is never one without the other.
async fn make() -> Result<DataKey, Fault> {
    let device = new_device_key().await?;
    let key = draw()?;
    let slot = device_slot(&device, &key).await?;
    write(vec![Put::Key(device), Put::Bytes(DEVICE_SLOT, encode(&slot))]).await?;
    Ok(key)
}

fn draw() -> Result<DataKey, Fault> {
    Ok(DataKey::from_parts(KeyId(u32::from_be_bytes(random()?)), &random()?))
}

async fn device_slot(device: &CryptoKey, key: &DataKey) -> Result<DeviceSlot, Fault> {
    let salt = random()?;
    Ok(DeviceSlot::seal(salt, &mac(device, &salt).await?, random()?, key))
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

/// What the browser's key makes of a stretched PIN.
pub(super) async fn mac_of_pin(
    device: &CryptoKey,
    salts: &Salts,
    stretched: &Stretched,
) -> Result<[u8; 32], Fault> {
    mac(device, &salts.device_input(stretched)).await
}

/// What the browser's key makes of some bytes.
pub(super) async fn mac(key: &CryptoKey, input: &[u8]) -> Result<[u8; 32], Fault> {
    let fault = |_| Fault::Fails("device key");
    let made = subtle()?.sign_with_str_and_u8_array("HMAC", key, input).map_err(fault)?;
    let made = Uint8Array::new(&JsFuture::from(made).await.map_err(fault)?).to_vec();
    made.try_into().map_err(|_| Fault::Fails("device key"))
}

fn subtle() -> Result<SubtleCrypto, Fault> {
    let crypto = gloo::utils::window().crypto().map_err(|_| Fault::Fails("device key"))?;
    Ok(crypto.subtle())
}
