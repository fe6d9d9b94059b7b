//! The way back for whoever has forgotten the PIN: the data key's slot for the organisation's recovery key, and what this phone keeps of a
//! request while somebody is asked to let it in.
//!
//! The slot follows the data key, and stays with the recovery key that it was made for first: another one that the server says later
//! takes its place on a person's word only. It is there from the choice of a PIN until the keys are erased, also after the last wrong PIN.
use minicbor::{Decode, Encode, bytes::ByteArray};
use zeroize::Zeroizing;
use zoufang_core::{
    encode,
    record::{DeviceId, Timestamp},
    seal::{DataKey, KeptRequest, Keyring, PublicKey, RecoveryRequest, RecoverySlot, SecretKey},
};

use super::{
    fault::Fault,
    random,
    slots::{self, Put, Slots},
};
use crate::platform::clock;

/// The data key, sealed to the organisation's recovery key.
pub(super) const SLOT: &str = "recovery";
/// What is kept of a request, sealed to the browser's key.
pub(super) const ASKED: &str = "asked";

/// A request that waits for somebody, with the half of its key that stays here.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Asked {
    #[n(0)]
    secret: ByteArray<32>,
    /// What was asked.
    #[n(1)]
    pub(crate) request: RecoveryRequest,
    /// What the user signs in with.
    #[n(2)]
    pub(crate) login: String,
    /// When it was asked, by the phone's clock.
    #[n(3)]
    pub(crate) at: Timestamp,
}

impl Asked {
    /// What is to be asked for a slot; nothing of it is kept yet.
    pub(crate) fn new(slot: RecoverySlot, login: &str) -> Result<Self, Fault> {
        let secret = SecretKey::of_seed(&random()?);
        let request = RecoveryRequest { slot, answer_to: secret.public() };
        Ok(Self { secret: (*secret.expose()).into(), request, login: login.to_owned(), at: clock::now() })
    }

    /// The data key out of an answer; `None` if it is not the answer to this request.
    pub(crate) fn opened(&self, answer: &[u8]) -> Option<DataKey> {
        self.request.opened(&SecretKey::from_bytes(*self.secret), answer).ok()
    }
}

/// What stands in the table about it.
#[derive(Default)]
pub(crate) struct WayBack {
    /// The slot.
    pub(crate) slot: Option<RecoverySlot>,
    /// The request that waits.
    pub(crate) asked: Option<Asked>,
}

/// Reads it. A request that this phone cannot open is none.
pub(crate) async fn look() -> Result<WayBack, Fault> {
    let Some(slots) = slots::read().await? else { return Ok(WayBack::default()) };
    let mut asked = None;
    if let Some(kept) = &slots.asked {
        let mac = slots::mac(&slots.device, kept.device_input()).await?;
        asked = kept.open(&mac).ok().and_then(|clear| minicbor::decode(&clear).ok());
    }
    Ok(WayBack { slot: slots.recovery, asked })
}

/// Sees that the data key of an open store has its slot, once it has a PIN; gives the recovery key that the slot is for.
pub(crate) async fn tend(
    keyring: &Keyring,
    device: DeviceId,
    told: Option<PublicKey>,
) -> Result<Option<PublicKey>, Fault> {
    let Some(slots) = slots::read().await? else { return Ok(None) };
    let key = keyring.current();
    let to = slots.recovery.as_ref().map(RecoverySlot::to).or(told);
    let Some(to) = to.filter(|_| slots.pin.as_ref().is_some_and(|pin| pin.key() == key.id())) else {
        return Ok(None);
    };
    let holds = |slot: &RecoverySlot| slot.device() == device && slot.key() == key.id();
    if !slots.recovery.as_ref().is_some_and(holds) {
        slots::write(vec![sealed(to, device, key)?]).await?;
    }
    Ok(Some(to))
}

/// A person has compared another recovery key and takes it: the slot is made for it.
pub(crate) async fn take_key(keyring: &Keyring, device: DeviceId, to: PublicKey) -> Result<(), Fault> {
    slots::write(vec![sealed(to, device, keyring.current())?]).await
}

/// Keeps a request, so that it is still there when the app was closed.
pub(crate) async fn keep(asked: &Asked) -> Result<(), Fault> {
    let slots = slots::read().await?.ok_or(Fault::Fails("device key"))?;
    let salt = random()?;
    let mac = slots::mac(&slots.device, &salt).await?;
    let kept = KeptRequest::seal(salt, &mac, &random()?, &Zeroizing::new(encode(asked)));
    slots::write(vec![Put::Bytes(ASKED, encode(&kept))]).await
}

/// Forgets it: an answer to it opens nothing any more.
pub(crate) async fn forget() -> Result<(), Fault> {
    slots::write(vec![Put::Delete(ASKED)]).await
}

/// The keys of the store, with the data key that came back.
pub(crate) async fn keyring(key: DataKey) -> Result<Keyring, Fault> {
    let slots = slots::read().await?.ok_or(Fault::Fails("device key"))?;
    Ok(slots.keyring(key))
}

/// What follows another data key: the slot that there is, for that one.
pub(super) fn follow(slots: &Slots, key: &DataKey) -> Result<Option<Put>, Fault> {
    let put = |slot: &RecoverySlot| sealed(slot.to(), slot.device(), key);
    slots.recovery.as_ref().map(put).transpose()
}

fn sealed(to: PublicKey, device: DeviceId, key: &DataKey) -> Result<Put, Fault> {
    let slot = RecoverySlot::seal(to, device, key, random()?).map_err(|_| Fault::Fails("recovery"))?;
    Ok(Put::Bytes(SLOT, encode(&slot)))
}
