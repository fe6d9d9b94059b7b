//! The service worker of a phone: it reads parcels from the disk while nobody looks, delivers them some time later, at times twice,
//! and marks on the disk what arrived.

use anyhow::Result;
use zoufang_core::{
    phone::{Op, Table},
    record::DeviceId,
    sync::parcel::{Fate, encode_body, seal},
};

use crate::{
    fault::Fault,
    server::Server,
    world::{DAY_MS, Item, World},
};

const HOUR_MS: i64 = 3_600_000;
/// Looks of a service worker in a day.
const LOOKS_A_DAY: usize = 3;

impl World {
    /// When a phone's service worker looks, on one day.
    pub(crate) fn plan_post_of(&mut self, phone: usize, morning: i64) {
        let rate = self.config.rates.of(Fault::Delivered);
        for _ in 0..LOOKS_A_DAY {
            if rate > 0 && self.post.happens(rate) {
                let time = morning + self.post.between(0, DAY_MS - 1);
                self.at(time, Item::Mishap(Fault::Delivered, phone));
            }
        }
    }

    /// It reads what waits.
    pub(crate) fn read_post(&mut self, phone: usize) -> bool {
        let it = &self.phones[phone];
        let Some(device) = it.image.disk.phone().account().map(|account| account.device) else {
            return false;
        };
        let of_parcels =
            it.image.disk.rows().filter(|(table, _, value)| *table == Table::Parcel && !value.is_empty());
        let parcels: Vec<(String, Vec<u8>)> =
            of_parcels.map(|(_, key, value)| (key.to_owned(), value.to_vec())).collect();
        if it.version.is_some() || parcels.is_empty() {
            return false;
        }
        for _ in 0..=self.post.below(2) {
            let ms = self.post.between(0, 3 * HOUR_MS);
            self.after(ms, Item::Post(phone, device, parcels.clone()));
        }
        true
    }

    /// It arrives, and the answer comes back or not.
    pub(crate) fn post_arrives(
        &mut self,
        phone: usize,
        device: DeviceId,
        parcels: &[(String, Vec<u8>)],
    ) -> Result<()> {
        if !self.server_up {
            return Ok(());
        }
        let mut sealed = Vec::new();
        for (_, clear) in parcels {
            sealed.push(seal(clear.clone(), Server::sync_key().public(), self.post.bytes())?);
        }
        let body = encode_body(sealed.iter().map(Vec::as_slice));
        let blow = self.blow();
        let (done, struck) = self.server.deliver(device, &body, blow.map(|(step, blow, _)| (step, blow)));
        if let Some((_, _, fault)) = blow.filter(|_| struck) {
            self.counts.count(fault);
        }
        let fates = match done {
            Some(Ok(fates)) => fates,
            Some(Err(error)) => {
                self.note("not delivered", phone, &[], error.to_string().as_bytes());
                self.fail_if_ours(&error, phone, struck);
                return Ok(());
            }
            None => return self.stop_server(),
        };
        let said: Vec<u64> = fates.iter().map(|fate| *fate as u64).collect();
        self.note("delivered", phone, &said, &[]);
        if self.post.happens(300) {
            return Ok(());
        }
        let disk = &mut self.phones[phone].image.disk;
        for ((key, clear), fate) in parcels.iter().zip(fates) {
            let same = disk.get(Table::Parcel, key) == Some(clear.as_slice());
            if same && matches!(fate, Fate::Stored | Fate::Refused) {
                disk.write(&vec![Op::Put(Table::Parcel, key.clone(), Vec::new())]);
            }
        }
        Ok(())
    }
}
