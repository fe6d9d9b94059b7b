//! The checks: after everything has calmed down, phones and server hold what the oracle's log says, and nothing is lost.

mod phone;

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use zoufang_core::{
    document::{Document, LogChange},
    query::Row,
    record::{DocId, Kind as RecordKind, UnitId, Value, list::Role},
    sync::{digest::Digest, gate::Refusal},
};
use zoufang_server::{
    rebuild::rebuild,
    store::{LogPage, Store, office::Filter},
};

use crate::{
    fault::Fault,
    oracle::{EditId, Oracle, Seen, hash_of, is_choice},
    phone::{Out, SimPhone},
    world::{Kind, World, log_of, logs_of, unit_of_log},
};

/// Rounds of sync after which everything must be everywhere.
const ROUNDS_MAX: usize = 5;
/// The same where a server was restored: only its author offers a lost edit again, and what others built on it goes up one
/// round later, so a chain of edits by different hands takes a round for each link.
const ROUNDS_MAX_RESTORED: usize = 40;
/// And so many more then: to see what differs, to ask after it, and to hear.
const ROUNDS_MORE: usize = 2;

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
    /// The unit in whose log each document stands.
    places: BTreeMap<DocId, UnitId>,
    /// Digest, count and last number of each log.
    tails: BTreeMap<UnitId, (Digest, u64, u64)>,
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
        self.update_old_clients();
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
                // Where a phone may hold more than a restored server has, it is not seen whether it knows that already.
                for _ in 0..if restored { ROUNDS_MORE } else { 0 } {
                    self.round()?;
                }
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
                it.start();
            }
            if self.phones[phone].revoked {
                continue;
            }
            self.sign_in(phone)?;
            self.begin(phone);
        }
        self.run()
    }

    fn is_quiet(&self) -> Result<bool> {
        Ok(self.restless()?.0.is_none())
    }

    /// The first phone that does not hold what the server holds, or on which something waits.
    fn restless(&self) -> Result<(Option<usize>, String)> {
        let side = self.server_side()?;
        for (number, phone) in self.phones.iter().enumerate().filter(|(_, phone)| !phone.revoked) {
            let Some(tab) = &phone.tab else { continue };
            if !self.is_signed_in(number) {
                // It was turned away, and has not heard what changed meanwhile: its scope, for one.
                return Ok((Some(number), "not signed in after the last round".to_owned()));
            }
            // To an app of version 1 nobody says that an edit builds on what is no more.
            let told =
                |id: &EditId| !phone.is_of_version_1() || !self.facts.ever_concern(self.oracle.edit(*id).doc);
            let waiting = phone.image.outbox.iter().filter(|(id, out)| **out == Out::Waiting && told(id));
            if waiting.filter(|(id, _)| !side.orphans.contains(id)).count() > 0 {
                return Ok((
                    Some(number),
                    format!("{} edits wait after the last round", tab.phone.waiting()),
                ));
            }
            let anew = phone.image.outbox.iter().find(|(id, out)| {
                let doc = self.oracle.edit(**id).doc;
                **out == Out::Refused(Refusal::ReRooted) && phone.image.held.contains_key(&doc)
            });
            if anew.is_some() {
                return Ok((Some(number), "an edit is to be made again after the last round".to_owned()));
            }
            let cursors = tab
                .phone
                .outgoing(&Default::default())
                .map(|outgoing| outgoing.request.cursors)
                .unwrap_or_default();
            for log in scope(phone, &self.above) {
                let due = side.tails.get(&log).copied().unwrap_or_default();
                let held = tab.phone.held(log);
                let read = cursors.iter().find(|(read, _)| *read == log).map_or(0, |(_, seq)| *seq);
                let orphaned = self.is_orphaned_in(&side, unit_of_log(log));
                // It is not told either that its visits stand in a log of their own.
                let unheard =
                    phone.is_of_version_1() && (!self.facts.are_none() || self.wrote_visits(number));
                let differs = (held.0, held.1) != (due.0, due.1) && !unheard;
                if differs && !orphaned || read != due.2 {
                    let words = format!(
                        "log {log}: {} changes held up to {read} and {} are there up to {}, or digests differ: {}",
                        held.1,
                        due.1,
                        due.2,
                        self.difference(phone, log)?
                    );
                    return Ok((Some(number), words));
                }
            }
        }
        Ok((None, String::new()))
    }

    /// What lies of a log on a phone's disk alone, and on the server alone.
    fn difference(&self, phone: &SimPhone, log: UnitId) -> Result<String> {
        let held = phone::hashes_held(phone, log);
        let page = self.server.run(self.server.store().read_log(log, 0, usize::MAX))?;
        let there: BTreeSet<[u8; 32]> = page.entries.iter().map(|entry| entry.hash.0).collect();
        let named = |hashes: &mut dyn Iterator<Item = &[u8; 32]>| -> Vec<_> {
            hashes.map(|hash| self.oracle.find(hash).map(|id| (id, self.oracle.edit(id).doc))).collect()
        };
        Ok(format!(
            "here {:?}, there {:?}",
            named(&mut held.difference(&there)),
            named(&mut there.difference(&held))
        ))
    }

    fn wrote_visits(&self, phone: usize) -> bool {
        let device = self.phones[phone].device;
        self.oracle.edits().any(|(_, edit)| edit.device == device && edit.kind == RecordKind::Visit)
    }

    /// Whether a phone may hold more of a unit than the server has.
    fn is_orphaned_in(&self, side: &ServerSide, unit: UnitId) -> bool {
        side.orphans.iter().any(|id| {
            let edit = self.oracle.edit(*id);
            self.facts.may_lie(edit.doc, edit.unit, unit)
        })
    }

    fn server_side(&self) -> Result<ServerSide> {
        let mut side = ServerSide::default();
        let store = self.server.store();
        for log in self.above.keys().copied().flat_map(logs_of) {
            let page = self.server.run(store.read_log(log, 0, usize::MAX))?;
            let mut digest = Digest::default();
            let count = page.entries.len() as u64;
            for entry in page.entries {
                digest = digest.with(entry.hash);
                side.places.insert(entry.doc, log);
                if let Some(id) = self.oracle.find(&hash_of(&entry.raw)) {
                    side.docs.entry(entry.doc).or_default().insert(id);
                }
            }
            side.tails.insert(log, (digest, count, page.tail.last_seq));
        }
        side.orphans = self.orphans(&side);
        Ok(side)
    }

    fn orphans(&self, side: &ServerSide) -> Seen {
        let there: Seen = side.docs.values().flatten().copied().collect();
        let mut orphans = Seen::new();
        for (id, edit) in self.oracle.edits().filter(|(id, _)| !there.contains(id)) {
            let in_reach = |phone: &&SimPhone| {
                !phone.revoked && phone.image.held.get(&edit.doc).is_some_and(|held| held.contains(&id))
            };
            // Nobody but its author may offer it, and the author no longer writes in its unit, or did not and let it go.
            let cannot = |phone: &SimPhone| {
                let refused = matches!(phone.image.outbox.get(&id), Some(Out::Refused(_)));
                phone.device != edit.device || refused || self.oracle.dismissed.contains(&id)
            };
            let mut holders = self.phones.iter().filter(in_reach).peekable();
            // Or nobody holds it, since who did was told to let it go before the server lost it.
            let let_go = self.facts.is_restored() && self.oracle.let_go.contains(&id);
            let lost = if holders.peek().is_some() { holders.all(cannot) } else { let_go };
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
        let mut known = phone::Known::new();
        for phone in 0..self.phones.len() {
            if self.failure.is_none() && !self.phones[phone].revoked {
                self.check_phone(phone, &side, &mut known);
            }
        }
        if self.failure.is_none() {
            self.check_projections()?;
        }
        Ok(())
    }

    /// The server's logs have every number once, every change once, and rows that fit them.
    fn check_server(&mut self) -> Result<()> {
        let store = self.server.store();
        let mut by_doc: BTreeMap<DocId, (RecordKind, UnitId, Vec<LogChange>)> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for log in self.above.keys().copied().flat_map(logs_of).collect::<Vec<_>>() {
            let unit = unit_of_log(log);
            let page = self.server.run(store.read_log(log, 0, usize::MAX))?;
            self.check_numbers(log, &page);
            for entry in page.entries {
                let hash = hash_of(&entry.raw);
                let Some(id) = self.oracle.find(&hash) else {
                    let words = "the server has a change that nobody wrote".to_owned();
                    self.fail(Kind::Diverged, None, Some(entry.doc), words);
                    continue;
                };
                let edit = self.oracle.edit(id);
                let fits = edit.doc == entry.doc
                    && log_of(unit, edit.kind) == log
                    && self.facts.may_lie(entry.doc, edit.unit, unit)
                    && !self.facts.is_gone(id)
                    && (self.facts.is_restored() || !self.oracle.replaced.contains(&id))
                    && edit.kind == entry.kind
                    && edit.user == entry.user
                    && entry.hash.0 == hash;
                if !fits || !known.insert(id) {
                    let words = "a change stands twice, or under other words than its author's".to_owned();
                    self.fail(Kind::Diverged, None, Some(entry.doc), words);
                }
                let (_, lies, changes) = by_doc.entry(entry.doc).or_insert((entry.kind, log, Vec::new()));
                let doc = entry.doc;
                changes.push(entry.into());
                if *lies != log {
                    let words = "a record lies in two units".to_owned();
                    self.fail(Kind::Diverged, None, Some(doc), words);
                }
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

    /// A log has each number once, and a gap only where something was taken out.
    fn check_numbers(&mut self, log: UnitId, page: &LogPage) {
        let numbers =
            page.entries.iter().map(|entry| entry.seq).chain(page.controls.iter().map(|(seq, _)| *seq));
        let mut numbers: Vec<u64> = numbers.collect();
        numbers.sort_unstable();
        let twice = numbers.windows(2).any(|pair| pair[0] == pair[1]);
        let gap = numbers.iter().zip(1..).any(|(number, due)| *number != due);
        if twice
            || gap && self.facts.is_empty()
            || numbers.last().is_some_and(|last| *last > page.tail.last_seq)
        {
            let words = format!("log {log}: numbers have a gap, or one comes twice");
            self.fail(Kind::Diverged, None, None, words);
        }
    }

    /// Every edit is on the server, or readable as refused, or waits on a revoked phone, or was taken by a fault.
    fn check_losses(&mut self, side: &ServerSide) {
        let there: Seen = side.docs.values().flatten().copied().collect();
        let known = |id: &EditId| there.contains(id) || side.orphans.contains(id);
        let lost = self.oracle.edits().map(|(id, _)| id).filter(|id| !known(id));
        for id in lost.collect::<Vec<_>>() {
            let edit = self.oracle.edit(id);
            let (doc, device) = (edit.doc, edit.device);
            if self.is_gone_by_the_rules(doc, id) {
                continue;
            }
            let mut held_by = None;
            let mut excused = false;
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
                Some((number, own)) if !excused && !self.oracle.dismissed.contains(&id) => {
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
                // The restored server does not know it any more, and who had it was told to let it go before.
                None if self.facts.is_restored() && self.oracle.let_go.contains(&id) => {}
                None => self.fail(Kind::Lost, None, Some(doc), format!("{what} ({id}) is nowhere")),
            }
        }
    }

    /// Whether an edit is no more, and rightly so: its record was erased, or another edit stands for it.
    fn is_gone_by_the_rules(&self, doc: DocId, id: EditId) -> bool {
        self.facts.was_ever_erased(doc) || self.facts.was_ever_gone(id) || self.oracle.replaced.contains(&id)
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

    async fn office(&self, store: &dyn Store) -> Result<String> {
        let units: Vec<UnitId> = self.above.keys().copied().collect();
        let filter = Filter { units: units.clone(), limit: u32::MAX >> 1, ..Filter::default() };
        let people = store.people(&units).await?;
        let docs: Vec<DocId> = people.iter().map(|line| line.doc).collect();
        Ok(format!(
            "{:?} {:?} {:?} {people:?} {:?}",
            store.overview(&units, "2026-03").await?,
            store.visits(&filter).await?,
            store.contacts(&filter).await?,
            store.last_visits(&docs).await?,
        ))
    }
}

/// The logs that a phone must hold, by this file's own reading of the rules.
fn scope(phone: &SimPhone, above: &BTreeMap<UnitId, Option<UnitId>>) -> Vec<UnitId> {
    let SimPhone { role, home, .. } = *phone;
    let is_of_today = phone.version.is_none();
    let mut units = vec![home];
    if matches!(role, Role::TownshipHead | Role::TownshipWorker | Role::TownshipParty) {
        units.extend(above.iter().filter(|(_, above)| **above == Some(home)).map(|(unit, _)| *unit));
    }
    let logs = match role {
        Role::TownshipHead | Role::TownshipWorker if is_of_today => 3,
        Role::TownshipHead | Role::TownshipWorker | Role::VillageWorker => 2,
        Role::VillageBranch
        | Role::TownshipParty
        | Role::CityDuty
        | Role::CityDepartment
        | Role::CityLeader
        | Role::PrivacyOfficer
        | Role::SystemAdmin => 1,
    };
    units.into_iter().flat_map(|unit| logs_of(unit).into_iter().take(logs)).collect()
}
