//! The checks: after everything has calmed down, phones and server hold what the oracle's log says, and nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use zoufang_core::{
    document::{Document, LogChange},
    phone::OutState,
    query::Row,
    record::{DocId, UnitId, Value, list::Role},
    sync::{digest::Digest, session::Event},
};
use zoufang_server::{
    rebuild::rebuild,
    store::{
        Store,
        office::{Filter, PeopleFilter},
    },
};

use crate::{
    erased::ghost,
    fault::Fault,
    oracle::{EditId, Oracle, Seen, hash_of, is_choice},
    phone::{Out, SimPhone, Tab},
    world::{Kind, World},
};

/// Rounds of sync after which everything must be everywhere.
const ROUNDS_MAX: usize = 5;
/// The same where a server was restored: only its author offers a lost edit again, and what others built on it goes up one
/// round later, so a chain of edits by different hands takes a round for each link.
const ROUNDS_MAX_RESTORED: usize = 40;

/// What a document shows that it should not, in words without its content.
pub(crate) fn differs(oracle: &Oracle, seen: &Seen, document: &Document) -> Option<String> {
    let heads: BTreeSet<[u8; 32]> = document.heads().into_iter().map(|head| head.0).collect();
    let due = oracle.heads(seen);
    if heads != due {
        let (here, there) = (heads.len(), due.len());
        return Some(format!("heads differ: {here} in the document, {there} in the log of edits"));
    }
    let (fields, entries) = (oracle.fields(seen), document.entries().0);
    for key in fields.keys().chain(entries.keys()) {
        let (due, shown) = (fields.get(key).map(|field| &field.top), entries.get(key));
        if due != shown {
            return Some(format!("`{key}` shows {shown:?}, and {due:?} is due"));
        }
    }
    let conflicts: BTreeMap<String, BTreeSet<Value>> = document
        .conflicts()
        .into_iter()
        .map(|conflict| (conflict.key, conflict.claims.into_iter().map(|claim| claim.value).collect()))
        .collect();
    let due: BTreeMap<String, BTreeSet<Value>> = fields
        .into_iter()
        .filter(|(key, field)| is_choice(key) && field.values.len() > 1)
        .map(|(key, field)| (key, field.values))
        .collect();
    (conflicts != due).then(|| format!("choices shown: {conflicts:?}, and due are {due:?}"))
}

/// What the server holds, as the checks read it.
#[derive(Default)]
struct ServerSide {
    docs: BTreeMap<DocId, Seen>,
    /// Where each document is.
    homes: BTreeMap<DocId, UnitId>,
    /// Digest and count of each log, and its last number.
    tails: BTreeMap<UnitId, ((Digest, u64), u64)>,
    /// Edits that a server had taken before it was restored, that only phones of others still hold, and what was built on
    /// them. Only its author may offer an edit again: these come back when the design has an answer to that.
    orphans: Seen,
}

impl ServerSide {
    fn is_orphaned(&self, oracle: &Oracle, doc: DocId) -> bool {
        self.orphans.iter().any(|id| oracle.edit(*id).doc == doc)
    }
}

impl World {
    /// Heals everything, lets phones sync for some rounds, and checks.
    pub(crate) fn finish(&mut self) -> Result<()> {
        self.calm = true;
        self.server_up = true;
        let restored =
            [Fault::Restore, Fault::ServerRollback].iter().any(|fault| self.counts.0.contains_key(fault));
        let rounds_max = if restored { ROUNDS_MAX_RESTORED } else { ROUNDS_MAX };
        for round in 1..=rounds_max {
            self.round()?;
            if self.failure.is_some() {
                return Ok(());
            }
            if self.is_quiet()? {
                self.note("quiet", usize::MAX, &[round as u64], &[]);
                self.rounds = round as u64;
                return self.check();
            }
        }
        // What is lost is called lost, also where the search for it goes on for ever.
        let side = self.server_side()?;
        self.check_losses(&side);
        let (phone, words) = self.restless()?;
        self.fail(Kind::Stuck, phone, None, words);
        Ok(())
    }

    /// Every phone syncs once.
    fn round(&mut self) -> Result<()> {
        self.note("round", usize::MAX, &[], &[]);
        for phone in 0..self.phones.len() {
            let it = &mut self.phones[phone];
            it.online = true;
            if it.tab.is_none() {
                it.life += 1;
                it.tab = Some(Tab::start(&it.image));
            }
            if self.phones[phone].revoked {
                continue;
            }
            self.sign_in(phone)?;
            self.feed(phone, Event::Wake);
        }
        self.run()
    }

    fn is_quiet(&self) -> Result<bool> {
        Ok(self.restless()?.0.is_none())
    }

    /// The first phone that does not hold what the server holds, or on which something waits.
    fn restless(&self) -> Result<(Option<usize>, String)> {
        let side = self.server_side()?;
        let epoch = self.server.run(self.server.store().epoch())?;
        for (number, phone) in self.phones.iter().enumerate().filter(|(_, phone)| !phone.revoked) {
            let Some(tab) = &phone.tab else { continue };
            if tab.phone.epoch() != epoch {
                return Ok((Some(number), "the phone has not heard of the log's epoch".to_owned()));
            }
            let waiting = phone.image.outbox.iter().filter(|(_, out)| **out == Out::Waiting);
            if waiting.filter(|(id, _)| !side.orphans.contains(id)).count() > 0 {
                return Ok((
                    Some(number),
                    format!("{} edits wait after the last round", tab.phone.waiting()),
                ));
            }
            let cursors = tab
                .phone
                .outgoing(&Default::default())
                .map(|outgoing| outgoing.request.cursors)
                .unwrap_or_default();
            for unit in scope(phone.role, phone.home, &self.above) {
                let (due, last_seq) = side.tails.get(&unit).copied().unwrap_or_default();
                // An app of version 1 drops nothing, so it has nothing to compare.
                let held = if phone.old { due } else { tab.phone.held(unit) };
                let read = cursors.iter().find(|(read, _)| *read == unit).map_or(0, |(_, seq)| *seq);
                let orphaned = side
                    .orphans
                    .iter()
                    .any(|id| self.oracle.homes(self.oracle.edit(*id).doc).contains(&unit));
                if (held, read) != (due, last_seq) && !orphaned {
                    let words = format!(
                        "unit {unit}: {} changes held up to {read} and {} are there up to {last_seq}, or digests differ",
                        held.1, due.1
                    );
                    return Ok((Some(number), words));
                }
            }
        }
        Ok((None, String::new()))
    }

    fn server_side(&self) -> Result<ServerSide> {
        let mut side = ServerSide::default();
        let store = self.server.store();
        for unit in self.above.keys() {
            let log = self.server.run(store.read_log(*unit, 0, usize::MAX))?;
            let (entries, last_seq) = (log.entries, log.tail.last_seq);
            let mut digest = Digest::default();
            let count = entries.len() as u64;
            for entry in entries {
                digest = digest.with(entry.hash);
                if let Some(id) = self.oracle.find(&hash_of(&entry.raw)) {
                    side.docs.entry(entry.doc).or_default().insert(id);
                }
                side.homes.insert(entry.doc, *unit);
            }
            side.tails.insert(*unit, ((digest, count), last_seq));
        }
        side.orphans = self.orphans(&side);
        Ok(side)
    }

    /// Whether a record may miss something that a restored server lost after its author's phone had let it go.
    pub(crate) fn may_miss(&self, doc: DocId) -> bool {
        let restored = self.counts.0.contains_key(&Fault::Restore);
        restored && self.oracle.let_go.iter().any(|id| self.oracle.edit(*id).doc == doc)
    }

    fn orphans(&self, side: &ServerSide) -> Seen {
        let there: Seen = side.docs.values().flatten().copied().collect();
        let mut orphans = Seen::new();
        let missing = self
            .oracle
            .edits()
            .filter(|(id, edit)| !there.contains(id) && !self.oracle.erased.contains(&edit.doc));
        for (id, edit) in missing {
            let in_reach = |phone: &&SimPhone| {
                !phone.revoked && phone.image.held.get(&edit.doc).is_some_and(|held| held.contains(&id))
            };
            // Nobody but its author may offer it, and the author no longer writes in its unit.
            let cannot = |phone: &SimPhone| {
                phone.device != edit.device || matches!(phone.image.outbox.get(&id), Some(Out::Refused(_)))
            };
            let mut holders = self.phones.iter().filter(in_reach).peekable();
            let lost = holders.peek().is_some() && holders.all(cannot);
            // Its author's phone let it go when the document moved away.
            let lost = lost || self.oracle.let_go.contains(&id);
            if lost && self.counts.0.contains_key(&Fault::Restore) || !orphans.is_disjoint(&edit.before) {
                orphans.insert(id);
            }
        }
        orphans
    }

    fn check(&mut self) -> Result<()> {
        self.check_server()?;
        let side = self.server_side()?;
        self.check_losses(&side);
        self.orphaned = side.orphans.len() as u64;
        for phone in 0..self.phones.len() {
            if self.failure.is_none() && !self.phones[phone].revoked {
                self.check_phone(phone, &side);
            }
        }
        if self.failure.is_none() {
            self.check_erased()?;
        }
        if self.failure.is_none() {
            self.check_projections()?;
        }
        Ok(())
    }

    /// The server's logs have every number once, every change once, and rows that fit them.
    fn check_server(&mut self) -> Result<()> {
        let store = self.server.store();
        let mut by_doc: BTreeMap<DocId, (zoufang_core::record::Kind, UnitId, Vec<LogChange>)> =
            BTreeMap::new();
        let mut known = BTreeSet::new();
        for unit in self.above.keys().copied().collect::<Vec<_>>() {
            let log = self.server.run(store.read_log(unit, 0, usize::MAX))?;
            let entries = log.entries;
            let numbers: BTreeSet<u64> = entries
                .iter()
                .map(|entry| entry.seq)
                .chain(log.controls.iter().map(|(seq, _)| *seq))
                .collect();
            let (count, last) = (numbers.len() as u64, numbers.last().copied().unwrap_or(0));
            let in_order = entries.is_sorted_by_key(|entry| entry.seq);
            // What was taken out leaves its numbers empty.
            let whole = log.tail.cuts > 0 || count == last && log.tail.last_seq == last;
            if !in_order || !whole || count != (entries.len() + log.controls.len()) as u64 {
                self.fail(Kind::Diverged, None, None, format!("unit {unit}: numbers have a gap"));
            }
            let digest = entries.iter().fold(Digest::default(), |digest, entry| digest.with(entry.hash));
            if (log.tail.digest, log.tail.count) != (digest, entries.len() as u64) {
                self.fail(
                    Kind::Diverged,
                    None,
                    None,
                    format!("unit {unit}: its digest is not that of its log"),
                );
            }
            for entry in entries {
                let hash = hash_of(&entry.raw);
                let Some(id) = self.oracle.find(&hash) else {
                    let words = "the server has a change that nobody wrote".to_owned();
                    self.fail(Kind::Diverged, None, Some(entry.doc), words);
                    continue;
                };
                if self.oracle.erased.contains(&entry.doc) {
                    let words = "an erased record is in the server's log".to_owned();
                    self.fail(Kind::Diverged, None, Some(entry.doc), words);
                }
                let edit = self.oracle.edit(id);
                let fits = edit.doc == entry.doc
                    && self.oracle.home(edit.doc) == Some(unit)
                    && edit.kind == entry.kind
                    && edit.user == entry.user
                    && entry.hash.0 == hash;
                if !fits || !known.insert(id) {
                    let words = "a change stands twice, or under other words than its author's".to_owned();
                    self.fail(Kind::Diverged, None, Some(entry.doc), words);
                }
                let change =
                    LogChange { raw: entry.raw, author: entry.user, received_at: Some(entry.received_at) };
                by_doc.entry(entry.doc).or_insert((entry.kind, unit, Vec::new())).2.push(change);
            }
        }
        for (doc, (kind, unit, changes)) in by_doc {
            let seen: Seen =
                changes.iter().filter_map(|change| self.oracle.find(&hash_of(&change.raw))).collect();
            let document = match Document::load(kind, changes) {
                Ok(document) => document,
                Err(error) => {
                    let words = format!("the server's changes make no document: {error}");
                    self.fail(Kind::Diverged, None, Some(doc), words);
                    continue;
                }
            };
            if let Some(words) = differs(&self.oracle, &seen, &document) {
                self.fail(Kind::Diverged, None, Some(doc), format!("on the server {words}"));
            }
            let row = minicbor::to_vec(Row::of(doc, &document, unit))?;
            let stored = self.server.run(store.rows(&[doc]))?;
            if stored.first().map(|(_, stored)| stored) != Some(&row) {
                self.fail(
                    Kind::Diverged,
                    None,
                    Some(doc),
                    "the server's row does not fit its document".to_owned(),
                );
            }
        }
        Ok(())
    }

    /// Every edit is on the server, or readable as refused, or waits on a revoked phone, or was taken by a fault.
    fn check_losses(&mut self, side: &ServerSide) {
        let there: Seen = side.docs.values().flatten().copied().collect();
        let known = |id: &EditId| there.contains(id) || side.orphans.contains(id);
        // An edit to an erased record is not one that is lost.
        let lost =
            self.oracle.edits().filter(|(id, edit)| !known(id) && !self.oracle.erased.contains(&edit.doc));
        let restored =
            [Fault::Restore, Fault::ServerRollback].iter().any(|fault| self.counts.0.contains_key(fault));
        for id in lost.map(|(id, _)| id).collect::<Vec<_>>() {
            let edit = self.oracle.edit(id);
            let (doc, device) = (edit.doc, edit.device);
            let mut held_by = None;
            // A restored server lost it, and its author's phone had handed it over to another unit.
            let mut excused = restored && self.oracle.let_go.contains(&id);
            for (number, phone) in self.phones.iter().enumerate() {
                let out = phone.image.outbox.get(&id);
                let held = phone.image.held.get(&doc).is_some_and(|held| held.contains(&id));
                excused |= matches!(out, Some(Out::Refused(_))) || phone.revoked && (out.is_some() || held);
                if held && !phone.revoked {
                    held_by = Some((number, phone.device == device));
                }
            }
            let receipted = self.oracle.receipted.contains(&id);
            let what = if receipted { "an edit with a receipt" } else { "a saved edit" };
            match held_by {
                Some((number, own)) if !excused => {
                    let who = if own { "its own phone holds it" } else { "another phone holds it" };
                    self.fail(
                        Kind::Lost,
                        Some(number),
                        Some(doc),
                        format!("{what} ({id}) is not on the server, and {who}"),
                    );
                }
                Some(_) => {}
                None if excused || self.oracle.taken_by_fault.contains(&id) => {}
                None => self.fail(Kind::Lost, None, Some(doc), format!("{what} ({id}) is nowhere")),
            }
        }
    }

    fn check_phone(&mut self, number: usize, side: &ServerSide) {
        let phone = &self.phones[number];
        let Some(tab) = &phone.tab else { return };
        let scope: BTreeSet<UnitId> = scope(phone.role, phone.home, &self.above).into_iter().collect();
        let of_scope = |doc: &DocId| side.homes.get(doc).is_some_and(|unit| scope.contains(unit));
        let due: BTreeSet<DocId> = side.docs.keys().copied().filter(of_scope).collect();
        let refused: BTreeSet<DocId> =
            phone.image.outbox.keys().map(|id| self.oracle.edit(*id).doc).collect();
        let shown: BTreeSet<DocId> = tab.phone.rows().map(|row| row.doc).collect();
        let mut found: Option<(Option<DocId>, String)> = None;
        if let Some(doc) = due.difference(&shown).next() {
            found = Some((Some(*doc), "a record of the scope is not on the phone".to_owned()));
        }
        // An app of version 1 is not told what went.
        let kept_by_old =
            |doc: &DocId| phone.old && (self.oracle.was_moved(*doc) || self.oracle.erased.contains(doc));
        let strange = |doc: &&DocId| {
            !refused.contains(doc) && !side.is_orphaned(&self.oracle, **doc) && !kept_by_old(doc)
        };
        if let Some(doc) = shown.difference(&due).find(strange) {
            found = Some((Some(*doc), "a record is on the phone that is not of its scope".to_owned()));
        }
        for row in tab.phone.rows() {
            if found.is_some() {
                break;
            }
            if side.is_orphaned(&self.oracle, row.doc) || !due.contains(&row.doc) && kept_by_old(&row.doc) {
                continue;
            }
            let segments = phone.image.disk.segments(tab.phone.segments_of(row.doc));
            let opened = tab.phone.document(row.doc, &segments);
            let Ok(Some((document, unit))) = opened else {
                found = Some((Some(row.doc), "a record cannot be opened".to_owned()));
                break;
            };
            let held = phone.image.held.get(&row.doc).cloned().unwrap_or_default();
            let seen = if due.contains(&row.doc) { &side.docs[&row.doc] } else { &held };
            if let Some(words) = differs(&self.oracle, seen, &document) {
                found = Some((Some(row.doc), words));
            } else if **row != Row::of(row.doc, &document, unit) {
                found = Some((Some(row.doc), "the row does not fit its document".to_owned()));
            } else if due.contains(&row.doc) && side.homes.get(&row.doc) != Some(&unit) {
                found = Some((Some(row.doc), "a record is shown in a unit where it is not".to_owned()));
            }
        }
        if let Some(doc) = ghost(phone, |doc| shown.contains(doc) || kept_by_old(doc)) {
            found = found
                .or(Some((Some(doc), "changes of a record that is not here are on the disk".to_owned())));
        }
        if let Some(doc) = self.erased_on(phone) {
            found = found.or(Some((Some(doc), "something of an erased record is on the disk".to_owned())));
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
        if let Some((doc, words)) = found {
            self.fail(Kind::Diverged, Some(number), doc, words);
        }
    }

    /// What the office reads is what it would read if it were built anew.
    fn check_projections(&mut self) -> Result<()> {
        let store = self.server.store();
        let before = self.server.run(self.office(store.as_ref()))?;
        self.server.run(rebuild(store.as_ref()))?;
        if before != self.server.run(self.office(store.as_ref()))? {
            self.fail(Kind::Diverged, None, None, "projections do not fit the logs".to_owned());
        }
        Ok(())
    }

    pub(crate) async fn office(&self, store: &dyn Store) -> Result<String> {
        let units: Vec<UnitId> = self.above.keys().copied().collect();
        let filter = Filter { units: units.clone(), limit: u32::MAX >> 1, ..Filter::default() };
        let people = PeopleFilter { units: units.clone(), limit: u32::MAX >> 1, ..PeopleFilter::default() };
        Ok(format!(
            "{:?} {:?} {:?} {:?}",
            store.overview(&units, "2026-03").await?,
            store.visits(&filter).await?,
            store.contacts(&filter).await?,
            store.search_people(&people).await?,
        ))
    }
}

/// The units that a phone must hold, by this file's own reading of the rules.
fn scope(role: Role, home: UnitId, above: &BTreeMap<UnitId, Option<UnitId>>) -> Vec<UnitId> {
    let mut units = vec![home];
    if matches!(role, Role::TownshipHead | Role::TownshipWorker | Role::TownshipParty) {
        units.extend(above.iter().filter(|(_, above)| **above == Some(home)).map(|(unit, _)| *unit));
    }
    units
}
