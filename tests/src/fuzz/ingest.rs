//! The server's gate: requests of two users with changes built from recipes, into a store in memory.

use std::collections::{BTreeMap, BTreeSet};

use zoufang_core::{
    document::{Document, LogChange},
    record::{ChangeHash, DeviceId, DocId, EpochId, Kind, Timestamp, UnitId, UserId, list::Role},
    sync::{
        digest::Digest,
        scan,
        wire::{Push, Verdict},
    },
};
use zoufang_server::{
    ingest::{Authority, Outcome, Shown, ingest as take_in},
    rebuild::rebuild,
    store::{Store, memory::MemoryStore},
};

use super::{
    change::base,
    pieces::Pieces,
    recipe::{DEVICE, build},
};

const REQUESTS_MAX: usize = 6;
const PUSHES_MAX: usize = 6;
const UNITS: [UnitId; 3] = [UnitId(1), UnitId(2), UnitId(3)];

/// Requests: a byte for who asks, then pushes until the bit 7 of a push's first byte is set.
pub(super) fn ingest(input: &[u8]) {
    super::block_on(requests(input));
}

async fn requests(input: &[u8]) {
    let store = MemoryStore::new(EpochId(1));
    let mut pieces = Pieces(input);
    let mut known: Vec<ChangeHash> = Vec::new();
    let mut receipts: BTreeMap<ChangeHash, u64> = BTreeMap::new();
    for at in 0..REQUESTS_MAX {
        if pieces.is_empty() {
            break;
        }
        let authority = authority(pieces.byte());
        let mut pushes = Vec::new();
        loop {
            let flags = pieces.byte();
            pushes.push(push(flags, &mut pieces, &mut known));
            if flags & 0x80 != 0 || pieces.is_empty() || pushes.len() >= PUSHES_MAX {
                break;
            }
        }
        let hashes: Vec<Option<ChangeHash>> =
            pushes.iter().map(|push| scan::scan(&push.raw).ok().map(|scanned| scanned.hash)).collect();
        let now = Timestamp(i64::try_from(at).unwrap_or(0));
        let shown = Shown::nothing(authority.device);
        let outcome =
            take_in(&store, &authority, pushes, shown, now).await.expect("a store that does not fail");
        let Outcome::Taken(taken) = outcome else { panic!("a copy, where tickets do not count") };
        let verdicts = taken.verdicts;
        assert_eq!(verdicts.len(), hashes.len(), "a verdict for each change");
        for (hash, verdict) in hashes.into_iter().zip(verdicts) {
            match (hash, verdict) {
                (Some(hash), Verdict::Accepted(seq)) => {
                    assert_eq!(receipts.insert(hash, seq), None, "accepted once");
                }
                (Some(hash), Verdict::Duplicate(seq)) => assert_eq!(receipts.get(&hash), Some(&seq)),
                (None, Verdict::Accepted(_) | Verdict::Duplicate(_)) => panic!("took what cannot be read"),
                (_, Verdict::Refused(_) | Verdict::Pending) => {}
            }
        }
    }
    agree(&store, &receipts).await;
}

fn authority(who: u8) -> Authority {
    let (user, device) = if who & 1 == 0 { (UserId(7), DEVICE) } else { (UserId(8), DeviceId(9)) };
    // The third unit is nobody's.
    let scope: BTreeSet<UnitId> = UNITS[..2].iter().copied().collect();
    Authority { user, device, former: Vec::new(), scope, role: Some(Role::VillageWorker) }
}

/// Flags: bits 0-1 document, 2-3 kind, 4-5 unit, 6 a sound change of the base in place of a built one.
fn push(flags: u8, pieces: &mut Pieces<'_>, known: &mut Vec<ChangeHash>) -> Push {
    let raw = if flags & 0x40 == 0 {
        build(pieces, known)
    } else {
        let raw = &base().raw;
        raw[usize::from(pieces.byte()) % raw.len()].clone()
    };
    known.extend(scan::scan(&raw).ok().map(|scanned| scanned.hash).filter(|hash| !known.contains(hash)));
    Push {
        doc: DocId([flags & 3; 16]),
        kind: if flags & 0x40 == 0 { Kind::ALL[usize::from((flags >> 2) & 3)] } else { Kind::Visit },
        unit: UNITS[usize::from((flags >> 4) & 3) % UNITS.len()],
        raw,
    }
}

/// Logs, receipts, digests, documents and rows say the same, and building the rows anew changes nothing.
async fn agree(store: &MemoryStore, receipts: &BTreeMap<ChangeHash, u64>) {
    let mut logged = BTreeMap::new();
    let mut documents: BTreeMap<DocId, (Kind, Vec<LogChange>)> = BTreeMap::new();
    for tail in store.tails(&UNITS).await.expect("tails") {
        let entries = store.read_log(tail.unit, 0, usize::MAX).await.expect("a log").entries;
        let digest = entries.iter().fold(Digest::default(), |digest, entry| digest.with(entry.hash));
        assert_eq!(
            (tail.digest, tail.count, tail.last_seq),
            (digest, entries.len() as u64, entries.len() as u64)
        );
        for entry in entries {
            logged.insert(entry.hash, entry.seq);
            documents.entry(entry.doc).or_insert((entry.kind, Vec::new())).1.push(entry.into());
        }
    }
    assert_eq!(&logged, receipts, "the log has what has a receipt, and nothing else");
    let docs: Vec<DocId> = documents.keys().copied().collect();
    for (kind, changes) in documents.into_values() {
        Document::load(kind, changes).expect("what passed the gate is never refused by anyone else");
    }
    let rows = store.rows(&docs).await.expect("rows");
    assert_eq!(rows.len(), docs.len());
    assert_eq!(rebuild(store).await.expect("a rebuild"), docs.len() as u64);
    assert_eq!(store.rows(&docs).await.expect("rows"), rows, "building anew changes nothing");
}
