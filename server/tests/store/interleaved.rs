//! Several processes over one PostgreSQL, as two stores with connections of their own: open transactions side by side, in
//! every order, and readers that must never miss a number.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use zoufang_core::access::Level;
use zoufang_core::document::Document;
use zoufang_core::record::{
    ChangeHash, DeviceId, DocId, Entries, Kind, Patch, Person, Record, Timestamp, UnitId, UserId,
};
use zoufang_core::sync::digest::Digest;
use zoufang_core::sync::gate::Refusal;
use zoufang_core::sync::wire::{Push, Verdict};
use zoufang_server::App;
use zoufang_server::assets::Assets;
use zoufang_server::ingest::{Authority, Outcome, Shown, ingest};
use zoufang_server::store::postgres::PostgresStore;
use zoufang_server::store::{ChangeRecord, Claim, County, Mark, Store, StoreError, Unit, WriteTx};

use crate::in_postgres;

const UNIT: UnitId = UnitId(12);
const OTHER: UnitId = UnitId(13);
const USER: UserId = UserId(1);
/// Longer than any statement that does not wait for a lock.
const STILL_WAITING: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);

/// Two stores over one database.
async fn two() -> (PostgresStore, PostgresStore) {
    let (one, url) = in_postgres().await;
    (one, PostgresStore::open(&url, County::default()).await.unwrap())
}

/// A connection whose transaction was left in the midst of its beginning must not be used as if it had none: what is written there
/// next would be committed by nobody.
#[tokio::test]
async fn whoever_goes_away_while_a_transaction_begins_leaves_none_behind() {
    let (one, two) = two().await;
    for round in 0..400 {
        let (began, patience) = (Instant::now(), Duration::from_micros(u64::from(round % 40) * 20));
        let goes_away = async {
            while began.elapsed() < patience {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            biased;
            begun = one.begin() => drop(begun.unwrap()),
            () = goes_away => {}
        }
        one.put_mark(Mark::Layout, round).await.unwrap();
        assert_eq!(two.mark(Mark::Layout).await.unwrap(), Some(round), "it was said to be written");
    }
    one.close().await;
    two.close().await;
}

/// A change that nobody has made before.
fn change(unit: UnitId, number: u64) -> ChangeRecord {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes[8..12].copy_from_slice(&unit.0.to_be_bytes());
    let mut doc = [0; 16];
    doc.copy_from_slice(&bytes[..16]);
    ChangeRecord {
        unit,
        doc: DocId(doc),
        kind: Kind::Visit,
        hash: ChangeHash(bytes),
        raw: vec![7; 90],
        device: DeviceId(1),
        user: USER,
        actor: doc.to_vec(),
        change_seq: 1,
        start_op: 1,
        max_op: 5,
        received_at: Timestamp(1),
    }
}

async fn seqs(store: &dyn Store, unit: UnitId) -> Vec<u64> {
    store.read_log(unit, 0, usize::MAX).await.unwrap().entries.iter().map(|entry| entry.seq).collect()
}

/// The second transaction to append waits for the first, whichever was begun first, and no reader sees its number before.
#[tokio::test(flavor = "multi_thread")]
async fn open_transactions_commit_in_the_order_of_their_numbers() {
    let (one, two) = two().await;
    for (round, early_first) in [(0, true), (10, false)] {
        let before = seqs(&one, UNIT).await.len() as u64;
        let early = one.begin().await.unwrap();
        let late = two.begin().await.unwrap();
        let (mut first, mut second) = if early_first { (early, late) } else { (late, early) };
        assert_eq!(first.append(&change(UNIT, round + 1)).await.unwrap(), before + 1);
        let mut waiting = tokio::spawn(async move {
            let seq = second.append(&change(UNIT, round + 2)).await.unwrap();
            (second, seq)
        });
        assert!(timeout(STILL_WAITING, &mut waiting).await.is_err(), "it waits while the first is open");
        assert_eq!(seqs(&two, UNIT).await.len() as u64, before, "nothing is seen yet");
        first.commit().await.unwrap();
        let (second, seq) = timeout(PATIENCE, waiting).await.unwrap().unwrap();
        assert_eq!(seq, before + 2);
        assert_eq!(seqs(&two, UNIT).await.len() as u64, before + 1, "the first alone is seen");
        second.commit().await.unwrap();
        assert_eq!(seqs(&one, UNIT).await, (1..=before + 2).collect::<Vec<_>>());
    }
}

/// Transactions of two units do not wait for each other, and commit in any order.
#[tokio::test(flavor = "multi_thread")]
async fn units_do_not_wait_for_each_other() {
    let (one, two) = two().await;
    let mut first = one.begin().await.unwrap();
    first.append(&change(UNIT, 1)).await.unwrap();
    let mut second = two.begin().await.unwrap();
    timeout(PATIENCE, second.append(&change(OTHER, 1))).await.unwrap().unwrap();
    timeout(PATIENCE, second.commit()).await.unwrap().unwrap();
    assert_eq!((seqs(&one, UNIT).await, seqs(&one, OTHER).await), (vec![], vec![1]));
    first.commit().await.unwrap();
    assert_eq!(seqs(&two, UNIT).await, [1]);
}

/// One writer: appends to both units or one, holds the transaction open for a moment, commits or drops it.
async fn write(store: PostgresStore, writer: u64) {
    for round in 0..40 {
        let mark = writer * 1_000 + round;
        let mut tx = store.begin().await.unwrap();
        let units: Vec<UnitId> = match mark % 3 {
            0 => vec![UNIT],
            1 => vec![OTHER],
            _ => vec![UNIT, OTHER],
        };
        // Half of the writers say beforehand what they will touch, the others find out in a fixed order.
        if writer.is_multiple_of(2) {
            tx.claim(&Claim { units: units.iter().copied().collect(), ..Claim::default() }).await.unwrap();
        }
        for unit in units {
            tx.append(&change(unit, mark)).await.unwrap();
            if mark.is_multiple_of(5) {
                tokio::time::sleep(Duration::from_millis(mark % 7)).await;
            }
        }
        if mark.is_multiple_of(4) {
            drop(tx);
        } else {
            tx.commit().await.unwrap();
        }
    }
}

/// A reader with a cursor: each number it is given follows on the one before, and the digest is that of what it has seen.
async fn follow(store: PostgresStore, unit: UnitId, done: Arc<std::sync::atomic::AtomicBool>) -> u64 {
    let (mut cursor, mut digest) = (0, Digest::default());
    loop {
        // Asked before the read: what was committed before the writers ended is in the last read.
        let last = done.load(std::sync::atomic::Ordering::Acquire);
        let tail = store.tails(&[unit]).await.unwrap()[0];
        let page = store.read_log(unit, cursor, 1_000).await.unwrap();
        let entries = page.entries;
        assert!(tail.last_seq <= cursor || !entries.is_empty(), "what the tail says is there");
        for entry in &entries {
            assert_eq!(entry.seq, cursor + 1, "a number was skipped");
            digest = digest.with(entry.hash);
            cursor = entry.seq;
        }
        if cursor == page.tail.last_seq {
            assert_eq!(page.tail.digest, digest, "a change was skipped");
        }
        if last && entries.is_empty() {
            return cursor;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_cursor_ever_skips() {
    let (one, two) = two().await;
    let done = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let readers: Vec<_> = [(&one, UNIT), (&two, OTHER), (&two, UNIT)]
        .map(|(store, unit)| tokio::spawn(follow(store.clone(), unit, Arc::clone(&done))))
        .into();
    let writers = (0..8_u64).map(|writer| {
        let store = if (writer / 2).is_multiple_of(2) { &one } else { &two };
        tokio::spawn(write(store.clone(), writer))
    });
    for writer in writers.collect::<Vec<_>>() {
        timeout(PATIENCE * 4, writer).await.unwrap().unwrap();
    }
    done.store(true, std::sync::atomic::Ordering::Release);
    let mut read = Vec::new();
    for reader in readers {
        read.push(timeout(PATIENCE, reader).await.unwrap().unwrap());
    }
    let tails = one.tails(&[UNIT, OTHER]).await.unwrap();
    assert_eq!(read, [tails[0].last_seq, tails[1].last_seq, tails[0].last_seq]);
    let committed = |wanted: &[u64]| {
        let marks = (0..8_u64).flat_map(|writer| (0..40).map(move |round| writer * 1_000 + round));
        marks.filter(|mark| !mark.is_multiple_of(4) && wanted.contains(&(mark % 3))).count() as u64
    };
    assert_eq!(read[..2], [committed(&[0, 2]), committed(&[1, 2])], "what was committed, and nothing else");
}

/// Two transactions that take two units in opposite orders: one is told to try again, none waits for ever.
#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_waiting_is_broken() {
    let (one, two) = two().await;
    let (mut first, mut second) = (one.begin().await.unwrap(), two.begin().await.unwrap());
    first.append(&change(UNIT, 1)).await.unwrap();
    second.append(&change(OTHER, 2)).await.unwrap();
    let (crossing, crossing_back) = (change(OTHER, 3), change(UNIT, 4));
    let both = async { tokio::join!(first.append(&crossing), second.append(&crossing_back)) };
    let (a, b) = timeout(PATIENCE, both).await.unwrap();
    assert!(
        matches!((&a, &b), (Ok(1), Err(StoreError::Overtaken)) | (Err(StoreError::Overtaken), Ok(1))),
        "{a:?} {b:?}"
    );
    // What failed does not commit, even if somebody asks for it.
    let (good, bad): (Box<dyn WriteTx>, Box<dyn WriteTx>) =
        if a.is_ok() { (first, second) } else { (second, first) };
    assert!(bad.commit().await.is_err());
    good.commit().await.unwrap();
    assert_eq!((seqs(&one, UNIT).await, seqs(&one, OTHER).await), (vec![1], vec![1]));
}

fn authority(device: u64) -> Authority {
    let scope = BTreeSet::from([UNIT, OTHER]);
    Authority { user: USER, device: DeviceId(device), former: Vec::new(), scope, role: None }
}

async fn take(store: &PostgresStore, authority: &Authority, push: Vec<Push>, at: Timestamp) -> Vec<Verdict> {
    match ingest(store, authority, push, Shown::nothing(authority.device), at).await.unwrap() {
        Outcome::Taken(taken) => taken.verdicts,
        Outcome::Cloned => Vec::new(),
    }
}

/// A person's file begun on a device.
fn first(device: u64, doc: u8, session: u8, unit: UnitId) -> (Push, Document) {
    let mut entries: Entries = Person { name: "李春梅".to_owned(), ..Person::default() }.to_entries();
    entries.put_int("created_by", Some(USER.0));
    entries.put_int("created_at", Some(1));
    let mut document = Document::new(Kind::Person);
    let actor = DeviceId(device).actor([session; 8]);
    let raw = document.commit(actor, USER, Timestamp(1_000), &Patch::from(entries)).unwrap().unwrap();
    (Push { doc: DocId([doc; 16]), kind: Kind::Person, unit, raw }, document)
}

/// The same document made in two units by two processes at the same moment: one unit has it, the other push is refused.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_lives_in_one_unit() {
    let (one, two) = two().await;
    for doc in 0..20 {
        let (here, _) = first(1, doc, doc, UNIT);
        let (there, _) = first(2, doc, doc, OTHER);
        let (mine, theirs) = (authority(1), authority(2));
        let (a, b) = tokio::join!(
            take(&one, &mine, vec![here], Timestamp(5)),
            take(&two, &theirs, vec![there], Timestamp(5)),
        );
        let verdicts = (a[0], b[0]);
        let refused = Verdict::Refused(Refusal::WrongDocument);
        assert!(
            matches!(verdicts, (Verdict::Accepted(_), other) | (other, Verdict::Accepted(_)) if other == refused),
            "{verdicts:?}"
        );
    }
    let tails = one.tails(&[UNIT, OTHER]).await.unwrap();
    assert_eq!(tails[0].count + tails[1].count, 20);
}

/// Edits of one document by two processes at the same time: each is judged by the state it is added to, none is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_document_is_judged_by_one_at_a_time() {
    let (one, two) = two().await;
    let (push, document) = first(1, 1, 1, UNIT);
    take(&one, &authority(1), vec![push.clone()], Timestamp(5)).await;
    let edit = async |store: &PostgresStore, device: u64| {
        let mut document = document.clone();
        for session in 10..30_u8 {
            let patch =
                Patch::set("address", zoufang_core::record::Value::Text(format!("{device}-{session}")));
            let actor = DeviceId(device).actor([session; 8]);
            let raw = document.commit(actor, USER, Timestamp(2_000), &patch).unwrap().unwrap();
            let verdicts =
                take(store, &authority(device), vec![Push { raw, ..push.clone() }], Timestamp(6)).await;
            assert!(matches!(verdicts[0], Verdict::Accepted(_)));
        }
    };
    tokio::join!(edit(&one, 1), edit(&two, 2));
    let mut tx = one.begin().await.unwrap();
    let state = tx.document(DocId([1; 16])).await.unwrap().unwrap();
    let entries = tx.changes_of(DocId([1; 16])).await.unwrap();
    assert_eq!((state.changes, entries.len()), (41, 41));
    assert_eq!(state.size_bytes, entries.iter().map(|entry| entry.raw.len() as u64).sum::<u64>());
}

/// The table of units that a process keeps at hand follows what another one writes.
#[tokio::test(flavor = "multi_thread")]
async fn a_unit_that_one_process_adds_is_known_to_the_other() {
    let (one, two) = two().await;
    let app = App::new(Arc::new(two), Assets::new(None));
    assert!(app.units().await.unwrap().units.is_empty());
    let unit = |name: &str| Unit {
        id: UNIT,
        parent: None,
        level: Level::Village,
        kind: String::new(),
        name: name.to_owned(),
        short_name: name.to_owned(),
        pinyin: String::new(),
        initials: String::new(),
    };
    for name in ["朝阳寺村", "朝阳寺社区"] {
        one.put_units(&[unit(name)], &[]).await.unwrap();
        assert_eq!(app.units().await.unwrap().units[&UNIT].name, name);
    }
}

/// A change made twice at the same moment, as after a lost answer, is in the log once.
#[tokio::test(flavor = "multi_thread")]
async fn a_repetition_at_the_same_moment_is_a_duplicate() {
    let (one, two) = two().await;
    for doc in 0..20 {
        let (push, _) = first(1, doc, doc, UNIT);
        let mine = authority(1);
        let (a, b) = tokio::join!(
            take(&one, &mine, vec![push.clone()], Timestamp(5)),
            take(&two, &mine, vec![push.clone()], Timestamp(5)),
        );
        let seq = u64::from(doc) + 1;
        let mut verdicts = [a[0], b[0]];
        verdicts.sort_by_key(|verdict| matches!(verdict, Verdict::Duplicate(_)));
        assert_eq!(verdicts, [Verdict::Accepted(seq), Verdict::Duplicate(seq)]);
    }
}
