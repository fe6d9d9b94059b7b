//! What a disk must hold after the server's word that records moved, were erased, or are of units that left.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::{
    record::{DocId, UnitId},
    sync::wire::Control,
};

use crate::{
    oracle::EditId,
    phone::Out,
    world::{Kind, World},
};

impl World {
    /// A document moved out of a unit, or was erased: what the unit's log had brought of it goes.
    pub(crate) fn controlled(&mut self, phone: usize, unit: UnitId, control: &Control) {
        let oracle = &mut self.oracle;
        let image = &mut self.phones[phone].image;
        match control {
            Control::MovedOut { doc, to } => {
                let taken = image.take_log(*doc, unit);
                oracle.let_go.extend(&taken);
                let elsewhere = image.logs.contains_key(doc);
                if !elsewhere && image.carried.get(doc).is_none_or(|carried| *carried == unit) {
                    image.carried.remove(doc);
                    let waits = image
                        .outbox
                        .iter()
                        .any(|(id, out)| *out == Out::Waiting && oracle.edit(*id).doc == *doc);
                    if image.scope.contains(to) {
                        if !taken.is_empty() {
                            image.logs.entry(*doc).or_default().insert(*to, taken);
                            image.carried.insert(*doc, *to);
                        }
                    } else if waits {
                        image.gone.insert(*doc);
                    }
                }
                image.hold(*doc, oracle);
                self.note("moved out", phone, &[unit.0.into(), to.0.into()], &doc.0);
            }
            Control::Erased { doc } => {
                image.logs.remove(doc);
                image.carried.remove(doc);
                image.forms.retain(|form| form.doc != *doc);
                let of_doc = |id: &EditId| oracle.edit(*id).doc == *doc;
                image.outbox.retain(|id, out| !of_doc(id) || *out == Out::Waiting);
                image.gone.insert(*doc);
                image.hold(*doc, oracle);
                self.note("erased here", phone, &[unit.0.into()], &doc.0);
            }
            Control::ReRooted { .. } | Control::Schema { .. } | Control::Unknown(_) => {
                let words = "a control came that nobody asked for".to_owned();
                self.fail(Kind::Diverged, Some(phone), None, words);
            }
        }
    }

    /// Every log was read to its end: what went along to another unit, and did not come there, went on to where this phone
    /// does not read.
    pub(crate) fn arrived_all(&mut self, phone: usize) {
        let image = &mut self.phones[phone].image;
        for (doc, unit) in std::mem::take(&mut image.carried) {
            image.take_log(doc, unit);
            if !image.logs.contains_key(&doc) {
                image.gone.insert(doc);
            }
            image.hold(doc, &self.oracle);
        }
    }

    /// The unit under which a phone shows a record.
    pub(crate) fn unit_shown(&self, phone: usize, doc: DocId) -> Option<UnitId> {
        let tab = self.phones[phone].tab.as_ref()?;
        tab.phone.rows().find(|row| row.doc == doc).map(|row| row.unit)
    }

    /// Units that left are gone from the disk, but not the documents of which something has no receipt.
    pub(crate) fn scope_stored(&mut self, phone: usize, units: BTreeSet<UnitId>) {
        self.note("scope", phone, &units.iter().map(|unit| unit.0.into()).collect::<Vec<_>>(), &[]);
        let oracle = &self.oracle;
        let tab = self.phones[phone].tab.as_ref();
        let shown: BTreeMap<DocId, UnitId> =
            tab.into_iter().flat_map(|tab| tab.phone.rows()).map(|row| (row.doc, row.unit)).collect();
        let image = &mut self.phones[phone].image;
        let unsent: BTreeSet<DocId> = image.outbox.keys().map(|id| oracle.edit(*id).doc).collect();
        let stays =
            |doc: &DocId| unsent.contains(doc) || shown.get(doc).is_some_and(|unit| units.contains(unit));
        let gone: Vec<DocId> = image.held.keys().filter(|doc| !stays(doc)).copied().collect();
        image.carried.retain(|_, unit| units.contains(unit));
        image.scope = units;
        for doc in gone {
            self.drop_held(phone, doc);
        }
    }

    /// After a restored server every edit of this device that is held is offered again.
    pub(crate) fn offer_again(&mut self, phone: usize) {
        // A copy of a phone has a new id, and sends what it wrote under the one it had as well.
        let account = self.phones[phone].tab.as_ref().and_then(|tab| tab.phone.account().cloned());
        let own_devices = account.map(|account| (account.device, account.former));
        let oracle = &self.oracle;
        let image = &mut self.phones[phone].image;
        let is_own = |id: &EditId| {
            let device = oracle.edit(*id).device;
            own_devices.as_ref().is_some_and(|(now, former)| device == *now || former.contains(&device))
        };
        let own: Vec<EditId> = image.held.values().flatten().copied().filter(is_own).collect();
        for id in own {
            image.outbox.entry(id).or_insert(Out::Waiting);
        }
    }
}
