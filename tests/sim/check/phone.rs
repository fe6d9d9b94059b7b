//! What a phone holds, shows and lets a person read, after everything has calmed down.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};
use zoufang_core::{
    phone::{OutState, SegmentId},
    query::Row,
    record::{ChangeHash, DocId, UnitId, Value},
    sync::{digest::Digest, wire::Item},
};

use super::{ServerSide, differs, scope};
use crate::{
    oracle::hash_of,
    phone::{Out, SimPhone, Tab},
    world::{Kind, World},
};

/// Shorter texts come in several documents.
const TRACE_BYTES_MIN: usize = 16;

/// Digests of records that were opened and found right, with all that they were made of.
pub(super) type Known = BTreeSet<[u8; 32]>;

impl World {
    pub(super) fn check_phone(&mut self, number: usize, side: &ServerSide, known: &mut Known) {
        let phone = &self.phones[number];
        let Some(tab) = &phone.tab else { return };
        let scope: BTreeSet<UnitId> = scope(phone, &self.above).into_iter().collect();
        let unheard = |doc: &DocId| phone.is_of_version_1() && self.facts.ever_concern(*doc);
        let due: BTreeSet<DocId> = side
            .places
            .iter()
            .filter(|(doc, unit)| scope.contains(unit) && !unheard(doc))
            .map(|(doc, _)| *doc)
            .collect();
        let refused: BTreeSet<DocId> =
            phone.image.outbox.keys().map(|id| self.oracle.edit(*id).doc).collect();
        let shown: BTreeSet<DocId> =
            tab.phone.rows().map(|row| row.doc).filter(|doc| !unheard(doc)).collect();
        let mut found: Option<(Option<DocId>, String)> = None;
        if let Some(doc) = due.difference(&shown).next() {
            found = Some((Some(*doc), "a record of the scope is not on the phone".to_owned()));
        }
        let strange = |doc: &&DocId| !refused.contains(doc) && !side.is_orphaned(&self.oracle, **doc);
        if let Some(doc) = shown.difference(&due).find(strange) {
            found = Some((Some(*doc), "a record is on the phone that is not of its scope".to_owned()));
        }
        let lying = lying_by_doc(phone);
        for row in tab.phone.rows() {
            if found.is_some() {
                break;
            }
            if side.is_orphaned(&self.oracle, row.doc) || unheard(&row.doc) {
                continue;
            }
            // The very same bytes need to be opened once only.
            let same = due.contains(&row.doc)
                && known.contains(&digest_of(tab, row, lying.get(&row.doc).map_or(&[], Vec::as_slice)));
            if same {
                continue;
            }
            let segments = phone.image.disk.segments(tab.phone.segments_of(row.doc));
            let opened = tab.phone.document(row.doc, &segments);
            let (document, unit) = match opened {
                Ok(Some(opened)) => opened,
                other => {
                    found = Some((Some(row.doc), format!("a record cannot be opened: {:?}", other.err())));
                    break;
                }
            };
            let held = phone.image.held.get(&row.doc).map(|held| self.oracle.whole(held)).unwrap_or_default();
            let seen = if due.contains(&row.doc) { &side.docs[&row.doc] } else { &held };
            if let Some(words) = differs(&self.oracle, seen, &document) {
                found = Some((Some(row.doc), words));
            } else if **row != Row::of(row.doc, &document, unit) {
                found = Some((Some(row.doc), "the row does not fit its document".to_owned()));
            } else if due.contains(&row.doc) {
                known.insert(digest_of(tab, row, lying.get(&row.doc).map_or(&[], Vec::as_slice)));
            }
        }
        let refused = phone.image.outbox.iter().filter(|(_, out)| matches!(out, Out::Refused(_)));
        let refused: BTreeSet<[u8; 32]> = refused.map(|(id, _)| self.oracle.edit(*id).hash).collect();
        let readable: BTreeSet<[u8; 32]> = tab
            .phone
            .outbox()
            .filter(|row| matches!(row.state, OutState::Refused(..)))
            .map(|row| row.hash.0)
            .collect();
        if refused != readable && found.is_none() {
            found = Some((None, "what was refused is not what can be read".to_owned()));
        }
        if found.is_none() && !phone.is_of_version_1() {
            found = self
                .traces(phone)
                .map(|doc| (Some(doc), "a phone has a trace of what was erased".to_owned()));
        }
        let miscounted = || scope.iter().any(|unit| tab.phone.held(*unit) != counted(phone, *unit));
        if found.is_none() && miscounted() {
            found = Some((None, "a cursor does not count what is held".to_owned()));
        }
        if let Some((doc, words)) = found {
            self.fail(Kind::Diverged, Some(number), doc, words);
        }
    }

    /// An erased document of whose texts something is on a disk.
    fn traces(&self, phone: &SimPhone) -> Option<DocId> {
        for (_, edit) in self.oracle.edits().filter(|(_, edit)| self.facts.is_erased(edit.doc)) {
            // A record of a unit that is lost stays for a refused edit: nobody tells this phone of the erasure.
            if phone.image.outbox.keys().any(|id| self.oracle.edit(*id).doc == edit.doc) {
                continue;
            }
            // The id of a person stands in other records, too.
            for (_, value) in edit.sets.iter().filter(|(key, _)| *key != "person") {
                let Some(Value::Text(text)) = value else { continue };
                let found = |bytes: &[u8]| bytes.windows(text.len()).any(|piece| piece == text.as_bytes());
                if text.len() >= TRACE_BYTES_MIN && phone.image.disk.rows().any(|(_, _, bytes)| found(bytes))
                {
                    return Some(edit.doc);
                }
            }
        }
        None
    }
}

/// The changes on a phone's disk with their segments, by document.
fn lying_by_doc(phone: &SimPhone) -> BTreeMap<DocId, Vec<(SegmentId, Vec<u8>)>> {
    let fresh = phone.image.disk.phone();
    let ids: BTreeSet<SegmentId> = fresh.rows().flat_map(|row| fresh.segments_of(row.doc)).collect();
    let mut lying: BTreeMap<DocId, Vec<(SegmentId, Vec<u8>)>> = BTreeMap::new();
    for (id, bytes) in phone.image.disk.segments(ids) {
        for item in minicbor::decode::<Vec<Item>>(&bytes).unwrap_or_default() {
            lying.entry(item.doc).or_default().push((id, item.raw));
        }
    }
    lying
}

/// A digest of a record's row and of every change that it is opened from.
fn digest_of(tab: &Tab, row: &Row, lying: &[(SegmentId, Vec<u8>)]) -> [u8; 32] {
    let mut sum = Sha256::new();
    let mut add = |bytes: &[u8]| {
        sum.update((bytes.len() as u64).to_le_bytes());
        sum.update(bytes);
    };
    add(&minicbor::to_vec(row).unwrap_or_default());
    for id in tab.phone.segments_of(row.doc) {
        lying.iter().filter(|(segment, _)| *segment == id).for_each(|(_, raw)| add(raw));
    }
    add(b"waits");
    for waiting in tab.phone.outbox_of(row.doc).filter(|waiting| waiting.state == OutState::Waiting) {
        add(&waiting.raw);
    }
    sum.finalize().into()
}

/// Digest and number of the changes of a unit on a phone's disk.
fn counted(phone: &SimPhone, unit: UnitId) -> (Digest, u64) {
    let hashes = hashes_held(phone, unit);
    let digest = hashes.iter().fold(Digest::default(), |digest, hash| digest.with(ChangeHash(*hash)));
    (digest, hashes.len() as u64)
}

/// The changes of a log that lie on a phone's disk.
pub(super) fn hashes_held(phone: &SimPhone, unit: UnitId) -> BTreeSet<[u8; 32]> {
    let disk = &phone.image.disk;
    let fresh = disk.phone();
    let segments = disk.segments(fresh.segments_of_unit(unit));
    let held = |id: SegmentId, doc: DocId| fresh.segments_of(doc).contains(&id);
    let items = segments.iter().flat_map(|(id, bytes)| {
        let items = minicbor::decode::<Vec<Item>>(bytes).unwrap_or_default();
        items.into_iter().filter(|item| held(*id, item.doc)).collect::<Vec<_>>()
    });
    items.map(|item| hash_of(&item.raw)).collect()
}
