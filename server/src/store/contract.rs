//! The suite that every store passes: `store_contract!(make)`, where `make` is an async function that gives an empty
//! store and whatever must live as long as it.

mod writers;

mod control;
mod devices;
mod readings;
mod recovery;
mod resealed;

use std::collections::BTreeMap;

use zoufang_core::access::Level;
use zoufang_core::record::list::Role;
use zoufang_core::record::{ChangeHash, Class, DeviceId, DocId, Kind, Timestamp, UnitId, UserId};
use zoufang_core::seal::PublicKey;

use super::office::{ContactProjection, Filter, PersonProjection, Projection, VisitProjection};
use super::{
    ChangeRecord, Device, DocumentState, NewAccount, Segment, SignKey, Store, StoreError, TokenHash,
    TryOutcome, Unit, UnitCode,
};

pub use writers::{a_claim_changes_no_answer, what_is_committed_is_told, writers_take_turns};

pub use control::*;
pub use devices::*;
pub use readings::*;
pub use recovery::*;
pub use resealed::*;

/// Makes one test of each part of the contract.
#[macro_export]
macro_rules! store_contract {
    ($make:path) => {
        $crate::store_contract! { @tests $make =>
            meta_is_drawn_once, a_sync_key_is_told, a_recovery_key_is_told, a_phone_that_asks_is_answered, a_phone_that_is_ended_asks_nothing, what_is_stored_is_sealed_anew, units_and_codes, accounts_and_logins, devices_and_sessions, devices_are_listed_with_what_they_brought_late, a_code_is_taken_once, sign_in_tries_are_counted,
            a_log_has_no_gaps, a_dropped_transaction_leaves_nothing, what_is_unique_is_refused, pages_are_bounded_by_bytes,
            segments_stay, projections_are_replaced, lists_are_paged, documents_are_walked, writers_take_turns,
            a_claim_changes_no_answer, what_is_committed_is_told,
            what_is_taken_out_leaves_a_gap, a_segment_read_before_a_cut_is_not_kept, controls_share_the_numbers,
            erasures_know_who_has_not_read, what_is_left_behind_is_remembered, a_log_is_asked_by_hash, what_began_anew_is_read_whole, tickets_and_epochs,
            readings_are_kept_once_in_one_chain, readings_are_listed_newest_first, readings_of_many_make_one_chain, units_of_documents_are_told,
        }
    };
    (@tests $make:path => $($name:ident),* $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                let (store, _guard) = $make().await;
                $crate::store::contract::$name(&store).await;
            }
        )*
    };
}

const UNIT: UnitId = UnitId(12);
const OTHER: UnitId = UnitId(13);
const USER: UserId = UserId(1);
const DEVICE: DeviceId = DeviceId(0xf000_0000_0000_0001);

fn doc(number: u8) -> DocId {
    DocId([number; 16])
}

fn hash(number: u8) -> ChangeHash {
    ChangeHash([number; 32])
}

fn change(unit: UnitId, number: u8) -> ChangeRecord {
    ChangeRecord {
        unit,
        doc: doc(number),
        kind: Kind::Visit,
        hash: hash(number),
        raw: vec![number; 100],
        device: DEVICE,
        user: USER,
        actor: vec![number; 16],
        change_seq: 1,
        start_op: 1,
        max_op: 5,
        received_at: Timestamp(1_000 + i64::from(number)),
    }
}

fn state(unit: UnitId, number: u8) -> DocumentState {
    DocumentState {
        doc: doc(number),
        kind: Kind::Visit,
        unit,
        created_by: USER,
        max_op: 5,
        size_bytes: 100,
        changes: 1,
        re_rooted: false,
    }
}

fn account(login: &str) -> NewAccount {
    NewAccount {
        login: login.to_owned(),
        name: "名".to_owned(),
        role: Role::VillageWorker,
        unit: UNIT,
        password: "hash".to_owned(),
    }
}

async fn append(store: &dyn Store, unit: UnitId, numbers: impl IntoIterator<Item = u8>) {
    let mut tx = store.begin().await.expect("begin");
    for number in numbers {
        tx.append(&change(unit, number)).await.expect("append");
        tx.put_document(&state(unit, number), &[number]).await.expect("document");
    }
    tx.commit().await.expect("commit");
}

/// The epoch is not 0 and stays.
pub async fn meta_is_drawn_once(store: &dyn Store) {
    let epoch = store.epoch().await.expect("epoch");
    assert_ne!(epoch.0, 0);
    assert_eq!(store.epoch().await.expect("epoch"), epoch);
    store.ready().await.expect("ready");
}

/// The sync key is what was set last, and each new one is seen in the version.
pub async fn a_sync_key_is_told(store: &dyn Store) {
    assert_eq!(store.sync_key().await.expect("key"), None);
    for key in [PublicKey([1; 32]), PublicKey([2; 32])] {
        let before = store.directory_version().await.expect("version");
        store.put_sync_key(key).await.expect("put");
        assert_eq!(store.sync_key().await.expect("key"), Some(key));
        assert!(store.directory_version().await.expect("version") > before);
    }
}

/// Units and codes come back as they were put, and a change is seen in the version.
pub async fn units_and_codes(store: &dyn Store) {
    let before = store.directory_version().await.expect("version");
    let text = |text: &str| text.to_owned();
    let unit = Unit {
        id: UNIT,
        parent: Some(OTHER),
        level: Level::Village,
        kind: text("villagers_committee"),
        name: text("朝阳寺村民委员会"),
        short_name: text("朝阳寺村"),
        pinyin: text("chaoyangsicun"),
        initials: text("cysc"),
    };
    let code = UnitCode {
        code: text("211381103201"),
        from_year: 2019,
        until_year: None,
        unit: UNIT,
        name: text("朝阳寺村民委员会"),
    };
    let old = UnitCode { from_year: 2010, until_year: Some(2019), ..code.clone() };
    store.put_units(std::slice::from_ref(&unit), &[code.clone(), old.clone()]).await.expect("put");
    assert_eq!(store.units().await.expect("units"), [unit]);
    assert_eq!(store.unit_codes().await.expect("codes"), [old, code]);
    assert!(store.directory_version().await.expect("version") > before);
}

/// A login is one account's.
pub async fn accounts_and_logins(store: &dyn Store) {
    let id = store.add_account(&account("a")).await.expect("add");
    assert!(matches!(store.add_account(&account("a")).await, Err(StoreError::Taken("login"))));
    let other = store.add_account(&account("b")).await.expect("add");
    assert_ne!(id, other);
    let found = store.account_by_login("a").await.expect("find").expect("known");
    assert_eq!((found.id, found.role, found.unit, found.disabled), (id, Role::VillageWorker, UNIT, false));
    assert!(store.account_by_login("c").await.expect("find").is_none());
    assert_eq!(store.accounts().await.expect("all").len(), 2);
}

/// A session lives as long as it, its device and its account do.
pub async fn devices_and_sessions(store: &dyn Store) {
    let user = store.add_account(&account("a")).await.expect("add");
    let device = Device {
        id: DEVICE,
        user,
        label: "手机".to_owned(),
        enrolled_at: Timestamp(1),
        revoked_at: None,
        former: vec![DeviceId(3), DeviceId(u64::MAX)],
    };
    store.add_device(&device).await.expect("device");
    assert!(matches!(store.add_device(&device).await, Err(StoreError::Taken(_))));
    assert_eq!(store.device(DEVICE).await.expect("device"), Some(device));
    let tokens = [TokenHash([1; 32]), TokenHash([2; 32])];
    for token in tokens {
        store.open_session(token, DEVICE, user, Timestamp(100)).await.expect("open");
    }
    let principal = store.principal(tokens[0], Timestamp(99)).await.expect("ask").expect("alive");
    assert_eq!(
        (principal.account.id, principal.device, principal.expires_at),
        (user, DEVICE, Timestamp(100))
    );
    assert!(store.principal(tokens[0], Timestamp(100)).await.expect("ask").is_none(), "expired");
    assert!(store.principal(TokenHash([3; 32]), Timestamp(1)).await.expect("ask").is_none(), "unknown");
    store.close_session(tokens[0]).await.expect("close");
    assert!(store.principal(tokens[0], Timestamp(1)).await.expect("ask").is_none(), "closed");
    assert!(store.signer(DEVICE).await.expect("ask").is_none(), "without a key");
    store.put_sign_key(DEVICE, SignKey([4; 65])).await.expect("key");
    store.put_sign_key(DEVICE, SignKey([5; 65])).await.expect("key");
    store.put_sign_key(DeviceId(77), SignKey([5; 65])).await.expect("a device that is not there");
    let signer = store.signer(DEVICE).await.expect("ask").expect("known");
    assert_eq!((signer.account.id, signer.key, signer.revoked), (user, SignKey([5; 65]), false));
    assert_eq!(signer.former, [DeviceId(3), DeviceId(u64::MAX)]);
    assert!(store.signer(DeviceId(77)).await.expect("ask").is_none(), "unknown");
    store.revoke_device(DEVICE, Timestamp(50)).await.expect("revoke");
    assert!(store.signer(DEVICE).await.expect("ask").expect("still known").revoked);
    store.revoke_device(DEVICE, Timestamp(60)).await.expect("revoke");
    assert!(store.principal(tokens[1], Timestamp(51)).await.expect("ask").is_none(), "revoked");
    assert_eq!(
        store.device(DEVICE).await.expect("device").and_then(|device| device.revoked_at),
        Some(Timestamp(50))
    );
}

/// Tries are counted per key within a window; success forgives the account's all and the address's own.
pub async fn sign_in_tries_are_counted(store: &dyn Store) {
    let keys = [([1; 16], 2), ([2; 16], 3)];
    let tried = |nonce, at| store.begin_try(&keys, nonce, Timestamp(at), 100);
    assert_eq!(tried(1, 10).await.expect("try"), TryOutcome::Counted);
    assert_eq!(tried(2, 20).await.expect("try"), TryOutcome::Counted);
    assert_eq!(tried(3, 30).await.expect("try"), TryOutcome::LockedUntil(Timestamp(110)));
    assert_eq!(tried(4, 110).await.expect("try"), TryOutcome::Counted, "the first is out of the window");
    store.forgive_try(&[[1; 16], [2; 16]], 4).await.expect("forgive");
    let address_only = [([3; 16], 2), ([2; 16], 2)];
    assert_eq!(
        store.begin_try(&address_only, 5, Timestamp(111), 100).await.expect("try"),
        TryOutcome::Counted
    );
    let locked = store.begin_try(&address_only, 6, Timestamp(112), 100).await.expect("try");
    assert_eq!(locked, TryOutcome::LockedUntil(Timestamp(120)), "the address still has tries 2 and 5");
}

/// Numbers are 1, 2, 3 … per unit; the digest sums up the hashes.
pub async fn a_log_has_no_gaps(store: &dyn Store) {
    append(store, UNIT, [1, 2]).await;
    append(store, OTHER, [3]).await;
    append(store, UNIT, [4]).await;
    let page = store.read_log(UNIT, 0, usize::MAX).await.expect("log");
    assert_eq!((page.to_seq, page.is_complete()), (3, true));
    let entries = page.entries;
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(entries.iter().map(|entry| entry.hash).collect::<Vec<_>>(), [hash(1), hash(2), hash(4)]);
    assert_eq!(entries[2].received_at, Timestamp(1_004));
    let tails = store.tails(&[UNIT, UnitId(99), OTHER]).await.expect("tails");
    assert_eq!(
        tails.iter().map(|tail| (tail.unit, tail.last_seq, tail.count, tail.size_bytes)).collect::<Vec<_>>(),
        [(UNIT, 3, 3, 300), (UnitId(99), 0, 0, 0), (OTHER, 1, 1, 100)]
    );
    let summed = zoufang_core::sync::digest::Digest::default().with(hash(1)).with(hash(2)).with(hash(4));
    assert_eq!((tails[0].digest, page.tail), (summed, tails[0]));
    assert_eq!(store.units_with_log().await.expect("units"), [UNIT, OTHER]);
}

/// Nothing of a transaction is seen before its commit, and nothing after it was dropped.
pub async fn a_dropped_transaction_leaves_nothing(store: &dyn Store) {
    append(store, UNIT, [1]).await;
    let before = store.row_counts().await.expect("counts");
    let mut tx = store.begin().await.expect("begin");
    assert_eq!(tx.append(&change(UNIT, 2)).await.expect("append"), 2);
    tx.put_document(&state(UNIT, 2), &[2]).await.expect("document");
    tx.put_projection(doc(2), UNIT, &Projection::Visit(visit("2026-08-01", &[7]))).await.expect("projection");
    assert!(tx.change(hash(2)).await.expect("change").is_some(), "seen inside");
    assert_eq!(store.row_counts().await.expect("counts"), before, "not seen outside");
    drop(tx);
    assert_eq!(store.row_counts().await.expect("counts"), before);
    append(store, UNIT, [3]).await;
    assert_eq!(store.tails(&[UNIT]).await.expect("tails")[0].last_seq, 2, "its number is given to the next");
}

/// A hash is in one log once; a document has each actor's number once.
pub async fn what_is_unique_is_refused(store: &dyn Store) {
    append(store, UNIT, [1]).await;
    let mut tx = store.begin().await.expect("begin");
    let known = tx.change(hash(1)).await.expect("change").expect("known");
    assert_eq!((known.doc, known.seq, known.max_op), (doc(1), 1, 5));
    assert!(tx.has_change_seq(doc(1), &[1; 16], 1).await.expect("ask"));
    assert!(!tx.has_change_seq(doc(1), &[1; 16], 2).await.expect("ask"));
    assert!(!tx.has_change_seq(doc(2), &[1; 16], 1).await.expect("ask"));
    assert!(matches!(tx.append(&change(OTHER, 1)).await, Err(StoreError::Taken(_))), "the hash");
    drop(tx);
    let mut tx = store.begin().await.expect("begin");
    let same_number = ChangeRecord { hash: hash(9), ..change(UNIT, 1) };
    assert!(matches!(tx.append(&same_number).await, Err(StoreError::Taken(_))), "actor and number");
}

/// A read stops at its bound, but always goes on by one change.
pub async fn pages_are_bounded_by_bytes(store: &dyn Store) {
    append(store, UNIT, 1..=5).await;
    let seqs = async |after, bytes_max| {
        let page = store.read_log(UNIT, after, bytes_max).await.expect("log");
        let seqs = page.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>();
        assert_eq!(page.to_seq, seqs.last().copied().unwrap_or(after), "there are no gaps here");
        assert_eq!(page.is_complete(), page.to_seq == 5);
        seqs
    };
    assert_eq!(seqs(0, 200).await, [1, 2]);
    assert_eq!(seqs(2, 299).await, [3, 4]);
    assert_eq!(seqs(4, 1).await, [5]);
    assert_eq!(seqs(5, 200).await, [0; 0]);
}

/// A segment is found by the cursor it goes on from, and the first one stays.
pub async fn segments_stay(store: &dyn Store) {
    let segment = |from_seq, to_seq, byte| Segment {
        unit: UNIT,
        from_seq,
        to_seq,
        size_bytes: 10,
        frame: vec![byte; 3],
    };
    assert_eq!(store.sealed(UNIT).await.expect("sealed"), super::Sealed::default());
    append(store, UNIT, 1..=9).await;
    for one in [segment(0, 4, 1), segment(4, 9, 2), segment(0, 4, 3)] {
        store.put_segment(&one, 0).await.expect("put");
    }
    assert_eq!(store.segment(UNIT, 0).await.expect("segment"), Some(segment(0, 4, 1)));
    assert_eq!(store.segment(UNIT, 3).await.expect("segment"), None);
    assert_eq!(store.segment(OTHER, 0).await.expect("segment"), None);
    assert_eq!(store.sealed(UNIT).await.expect("sealed"), super::Sealed { to_seq: 9, size_bytes: 20 });
}

fn visit(day: &str, people: &[u8]) -> VisitProjection {
    VisitProjection {
        happened_on: day.to_owned(),
        people: people.iter().copied().map(doc).collect(),
        created_by: USER,
        received_at: Timestamp(7),
        body: b"home met".to_vec(),
    }
}

fn person(body: &[u8]) -> PersonProjection {
    PersonProjection { body: body.to_vec() }
}

async fn project(store: &dyn Store, unit: UnitId, projections: impl IntoIterator<Item = (u8, Projection)>) {
    let mut tx = store.begin().await.expect("begin");
    for (number, projection) in projections {
        tx.put_projection(doc(number), unit, &projection).await.expect("projection");
    }
    tx.commit().await.expect("commit");
}

/// A projection takes the place of the one before, and the figures count it once.
pub async fn projections_are_replaced(store: &dyn Store) {
    append(store, UNIT, [1]).await;
    let contact = ContactProjection {
        happened_on: "2026-07-02".to_owned(),
        person: Some(doc(7)),
        created_by: USER,
        received_at: Timestamp(8),
        body: b"org_life".to_vec(),
    };
    project(
        store,
        UNIT,
        [
            (7, Projection::Person(person(b"\0\xff one"))),
            (7, Projection::Person(person(b"\0\xff two"))),
            (1, Projection::Visit(visit("2026-07-31", &[7, 8]))),
            (1, Projection::Visit(visit("2026-08-01", &[7]))),
            (2, Projection::Contact(contact.clone())),
            (3, Projection::Nothing),
        ],
    )
    .await;
    let figures = store.overview(&[UNIT, OTHER], "2026-08").await.expect("overview");
    let counted = |figures: &super::office::UnitFigures| {
        (figures.people, figures.visits_month, figures.visits, figures.contacts, figures.last_received_ms)
    };
    assert_eq!(counted(&figures[0]), (1, 1, 1, 1, Some(1_001)));
    assert_eq!(counted(&figures[1]), (0, 0, 0, 0, None));
    append(store, UNIT.log(Class::Welfare), [5]).await;
    let figures = store.overview(&[UNIT], "2026-08").await.expect("overview");
    assert_eq!(counted(&figures[0]), (1, 1, 1, 1, Some(1_005)), "the newest of any of the unit's logs");
    let filter = Filter { units: vec![UNIT], limit: 10, ..Filter::default() };
    let visits = store.visits(&filter).await.expect("visits");
    assert_eq!(visits.len(), 1);
    let file = Some(b"\0\xff two".to_vec());
    assert_eq!((&visits[0].visit, &visits[0].people), (&visit("2026-08-01", &[7]), &vec![file.clone()]));
    let contacts = store.contacts(&filter).await.expect("contacts");
    assert_eq!((contacts.len(), &contacts[0].contact, &contacts[0].person), (1, &contact, &file));
    let found = store.people(&[OTHER, UNIT]).await.expect("people");
    assert_eq!((found.len(), found[0].doc, Some(&found[0].person.body)), (1, doc(7), file.as_ref()));
    let last = store.last_visits(&[doc(9), doc(7)]).await.expect("last visits");
    assert_eq!(last, [(doc(7), "2026-08-01".to_owned())]);
    let mut tx = store.begin().await.expect("begin");
    tx.clear_projections().await.expect("clear");
    tx.commit().await.expect("commit");
    let left: BTreeMap<_, _> = store.row_counts().await.expect("counts").into_iter().collect();
    assert_eq!(
        (left["person"], left["visit"], left["visit_person"], left["contact"], left["log"]),
        (0, 0, 0, 0, 2)
    );
}

/// Lists go on where they stopped, within their units and days.
pub async fn lists_are_paged(store: &dyn Store) {
    let days = ["2026-01-01", "2026-01-03", "2026-01-02", "2026-01-02"];
    project(
        store,
        UNIT,
        days.iter().zip(1..).map(|(day, number)| (number, Projection::Visit(visit(day, &[])))),
    )
    .await;
    project(store, OTHER, [(9, Projection::Visit(visit("2026-01-09", &[])))]).await;
    project(store, UNIT, (20..23).map(|number| (number, Projection::Person(person(&[number]))))).await;
    let listed = async |filter: &Filter| {
        store.visits(filter).await.expect("visits").into_iter().map(|line| line.doc).collect::<Vec<_>>()
    };
    let mut filter = Filter { units: vec![UNIT], limit: 3, ..Filter::default() };
    assert_eq!(listed(&filter).await, [doc(2), doc(4), doc(3)]);
    filter.after = Some(("2026-01-02".to_owned(), doc(3)));
    assert_eq!(listed(&filter).await, [doc(1)]);
    let between = Filter {
        from: Some("2026-01-02".to_owned()),
        to: Some("2026-01-02".to_owned()),
        after: None,
        ..filter
    };
    assert_eq!(listed(&between).await, [doc(4), doc(3)]);
    let people = store.people(&[UNIT]).await.expect("people");
    assert_eq!(people.iter().map(|line| line.doc).collect::<Vec<_>>(), [doc(20), doc(21), doc(22)]);
    assert!(store.people(&[OTHER]).await.expect("people").is_empty());
}

/// Documents come in the order of their ids, and their rows and changes with them.
pub async fn documents_are_walked(store: &dyn Store) {
    append(store, UNIT, [3, 1, 2]).await;
    let mut tx = store.begin().await.expect("begin");
    let first: Vec<DocumentState> = tx.documents(None, 2).await.expect("documents");
    assert_eq!(first, [state(UNIT, 1), state(UNIT, 2)]);
    assert_eq!(tx.documents(Some(doc(2)), 2).await.expect("documents"), [state(UNIT, 3)]);
    assert_eq!(tx.document(doc(9)).await.expect("document"), None);
    let grown = DocumentState { max_op: 9, size_bytes: 150, changes: 2, ..state(UNIT, 3) };
    tx.put_document(&grown, &[30]).await.expect("document");
    assert_eq!(tx.document(doc(3)).await.expect("document"), Some(grown));
    assert_eq!(
        tx.changes_of(doc(3)).await.expect("changes").iter().map(|entry| entry.seq).collect::<Vec<_>>(),
        [1]
    );
    tx.commit().await.expect("commit");
    let rows = store.rows(&[doc(3), doc(1), doc(8)]).await.expect("rows");
    assert_eq!(rows, [(doc(1), vec![1]), (doc(3), vec![30])]);
}
