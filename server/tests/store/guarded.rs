//! What must be decided inside a transaction, and what a database that fails must not do, over PostgreSQL.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use zoufang_core::record::list::Role;
use zoufang_core::record::{DeviceId, DocId, Entries, Kind, Timestamp, UnitId, UserId};
use zoufang_core::sync::wire::Verdict;
use zoufang_server::App;
use zoufang_server::account::{password, session};
use zoufang_server::assets::Assets;
use zoufang_server::command::move_with_person;
use zoufang_server::error::Error;
use zoufang_server::import::first_change;
use zoufang_server::ingest::{Authority, ingest_within};
use zoufang_server::store::postgres::cluster::Cluster;
use zoufang_server::store::{ChangeRecord, Claim, NewAccount, Store};

use crate::in_postgres;

const HERE: UnitId = UnitId(12);
const THERE: UnitId = UnitId(13);
const ELSEWHERE: UnitId = UnitId(14);
const USER: UserId = UserId(1);
const DEVICE: DeviceId = DeviceId(1);
const PERSON: DocId = DocId([7; 16]);
const STILL_WAITING: Duration = Duration::from_millis(300);
const PASSWORD: &str = "correct horse";

async fn put_person(store: &dyn Store) {
    let mut entries = Entries::default();
    entries.put_text("name", Some("张伟"));
    let push = first_change(DEVICE, USER, Timestamp(1), PERSON, Kind::Person, HERE, entries).unwrap();
    let authority = Authority {
        user: USER,
        device: DEVICE,
        former: Vec::new(),
        scope: BTreeSet::from([HERE]),
        role: None,
    };
    let mut tx = store.begin().await.unwrap();
    let verdicts = ingest_within(tx.as_mut(), &authority, vec![push], Timestamp(1)).await.unwrap();
    assert!(matches!(verdicts[..], [Verdict::Accepted(1)]));
    tx.commit().await.unwrap();
}

/// Whoever may move a person may do so from where the person is when it is done, not from where the person was when asked.
#[tokio::test(flavor = "multi_thread")]
async fn who_may_move_a_person_is_asked_in_the_transaction_that_moves() {
    let (store, _) = in_postgres().await;
    put_person(&store).await;
    let mut other = store.begin().await.unwrap();
    let claim =
        Claim { docs: BTreeSet::from([PERSON]), units: BTreeSet::from([HERE, THERE]), ..Claim::default() };
    other.claim(&claim).await.unwrap();
    let (mut state, row) = other.documents_of_unit(HERE).await.unwrap().remove(0);
    let ours = store.clone();
    let mut moving = tokio::spawn(async move {
        move_with_person(&ours, PERSON, ELSEWHERE, |state| state.unit == HERE, Timestamp(3)).await
    });
    assert!(
        timeout(STILL_WAITING, &mut moving).await.is_err(),
        "it waits for the transaction that was first"
    );
    for change in other.take_out(PERSON).await.unwrap() {
        other.append(&ChangeRecord { unit: THERE, ..change }).await.unwrap();
    }
    other.remove_document(PERSON).await.unwrap();
    state.unit = THERE;
    other.put_document(&state, &row).await.unwrap();
    other.commit().await.unwrap();
    assert!(matches!(moving.await.unwrap(), Err(Error::NotFound)), "the person is not there any more");
    assert_eq!(store.tails(&[ELSEWHERE]).await.unwrap()[0].last_seq, 0);
}

/// More failures of the database than wrong passwords are allowed, before and after the password is looked at.
#[tokio::test]
async fn a_database_that_fails_is_no_wrong_password() {
    let (store, url) = in_postgres().await;
    let database = url.rsplit('/').next().unwrap();
    let sql = |text: &str| drop(Cluster::shared().sql(database, text).unwrap());
    let account = NewAccount {
        login: "village".to_owned(),
        name: "名".to_owned(),
        role: Role::VillageWorker,
        unit: HERE,
        password: password::hash(PASSWORD).unwrap(),
    };
    store.add_account(&account).await.unwrap();
    let app = App::new(Arc::new(store), Assets::default());
    let caller = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let sign_in = async || {
        let device = session::Presented::default();
        session::sign_in(&app, "village", PASSWORD.to_owned(), device, ("", None), caller).await.map(|_| ())
    };
    let failing = async |break_it: &str, mend_it: &str| {
        sql(break_it);
        for _ in 0..=session::ACCOUNT_TRIES_MAX {
            let failed = sign_in().await;
            assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
        }
        sql(mend_it);
        assert!(sign_in().await.is_ok());
    };
    failing("alter table account rename to away", "alter table away rename to account").await;
    failing(
        "create function fail() returns trigger language plpgsql as $$ begin raise exception 'no'; end $$;
        create trigger fail before delete on login_try for each row execute function fail()",
        "drop trigger fail on login_try",
    )
    .await;
}
