//! A line to PostgreSQL that breaks: what fails says so, and everything works again when the line does.

use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use zoufang_server::store::postgres::PostgresStore;
use zoufang_server::store::postgres::cluster::{Cluster, Disk};
use zoufang_server::store::{County, News, Store, StoreError, TokenHash};

use crate::in_postgres;

const PATIENCE: Duration = Duration::from_secs(60);
const ALL_IN_USE: Duration = Duration::from_secs(1);
const LISTEN_AGAIN: Duration = Duration::from_millis(200);

/// Waits for one piece of news.
async fn heard(listener: &mut zoufang_server::store::Listener, wanted: News) {
    let hear = async { while listener.next().await.unwrap() != wanted {} };
    timeout(PATIENCE, hear).await.expect("news");
}

/// A listener of a store that listens, which it does when it hears itself.
async fn listening(store: &PostgresStore) -> zoufang_server::store::Listener {
    let mut listener = store.news();
    let hears = async {
        while timeout(LISTEN_AGAIN, heard(&mut listener, News::Sessions)).await.is_err() {
            store.close_session(TokenHash([9; 32])).await.unwrap();
        }
    };
    timeout(PATIENCE, hears).await.expect("it listens");
    listener
}

#[tokio::test(flavor = "multi_thread")]
async fn who_listens_is_told_to_read_again_after_a_lost_line() {
    let (store, url) = in_postgres().await;
    let mut listener = listening(&store).await;
    let database = url.rsplit('/').next().unwrap();
    let cut = format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = '{database}' and pid <> pg_backend_pid()"
    );
    Cluster::shared().sql("postgres", &cut).unwrap();
    heard(&mut listener, News::Missed).await;
    // A connection that died in the pool costs one try at most each.
    let again = async { while store.ready().await.is_err() {} };
    timeout(PATIENCE, again).await.expect("it works again");
    zoufang_server::store::contract::what_is_committed_is_told(&store).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_database_is_busy_and_comes_back() {
    let cluster = Cluster::start(Disk::Unsynced).unwrap();
    let store =
        PostgresStore::open(&cluster.url(&cluster.database().unwrap()), County::default()).await.unwrap();
    let epoch = store.epoch().await.unwrap();
    cluster.kill().unwrap();
    assert!(matches!(store.epoch().await, Err(StoreError::Busy)));
    cluster.run_again().unwrap();
    let again = async {
        loop {
            match store.epoch().await {
                Ok(found) => return found,
                Err(error) => assert!(matches!(error, StoreError::Busy), "{error:?}"),
            }
        }
    };
    assert_eq!(timeout(PATIENCE, again).await.unwrap(), epoch);
}

#[tokio::test]
async fn what_is_not_there_is_said_without_the_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cluster = Cluster::shared();
    let unknown = format!("postgres://postgres:secret@127.0.0.1:{}/nothing_here", cluster.port());
    let said = PostgresStore::open(&unknown, County::default()).await.err().unwrap();
    let said = format!("{said}: {}", std::error::Error::source(&said).unwrap());
    assert!(said.contains("nothing_here") && !said.contains("secret"), "{said}");
    let nobody = format!("postgres://u:secret@127.0.0.1:{port}/d");
    let open = PostgresStore::open(&nobody, County::default());
    // Nobody listens there: it is asked for a while, in case the database is starting.
    assert!(timeout(Duration::from_secs(2), open).await.is_err());
}

/// A way to a cluster on which all that passes now can be made to fall silent, without an end that anybody could notice.
async fn silent_way(port: u16) -> (u16, watch::Sender<u32>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let here = listener.local_addr().unwrap().port();
    let (silence, heard) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let mut heard = heard.clone();
            heard.mark_unchanged();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    // Both ends stay open and hear nothing any more.
                    Ok(()) = heard.changed() => std::future::pending().await,
                }
            });
        }
    });
    (here, silence)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_falls_silent_is_given_up() {
    let cluster = Cluster::shared();
    let (port, silence) = silent_way(cluster.port()).await;
    let url = format!("postgres://postgres@127.0.0.1:{port}/{}", cluster.database().unwrap());
    let store = PostgresStore::open(&url, County::default()).await.unwrap();
    let mut listener = listening(&store).await;
    let epoch = store.epoch().await.unwrap();
    // As when the machine of the primary loses its power while every connection for writing is in use: none of them ends,
    // and whoever waits on one waits in vain.
    let mut open = Vec::new();
    while let Ok(tx) = timeout(ALL_IN_USE, store.begin()).await {
        open.push(tx.unwrap());
    }
    silence.send(1).unwrap();
    heard(&mut listener, News::Missed).await;
    assert_eq!(timeout(PATIENCE, store.epoch()).await.expect("new connections").unwrap(), epoch);
    let mut tx = timeout(PATIENCE, store.begin()).await.expect("new connections").unwrap();
    assert!(tx.document(zoufang_core::record::DocId([1; 16])).await.unwrap().is_none());
    assert!(open.len() > 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_store_leaves_no_connection() {
    let (store, url) = in_postgres().await;
    let database = url.rsplit('/').next().unwrap();
    let count = || {
        let sql = format!("select count(*) from pg_stat_activity where datname = '{database}'");
        Cluster::shared().sql("postgres", &sql).unwrap()
    };
    store.ready().await.unwrap();
    assert_ne!(count(), "0");
    store.clone().close().await;
    store.close().await;
    // PostgreSQL sees the end of a connection a moment after we do.
    let gone = async {
        while count() != "0" {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, gone).await.expect("all are gone");
    assert!(store.epoch().await.is_err(), "it is not used after");
}
