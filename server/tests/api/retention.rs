//! What was kept long enough goes, once, and nothing else does.

use zoufang_core::record::{Date, Entries, Kind, Patch, Timestamp, Value};
use zoufang_server::retention::{Rules, apply};

use crate::server::{Phone, Server, doc};

const DAY_MS: i64 = 86_400_000;

impl Phone<'_> {
    /// A record with these texts, pushed.
    async fn put(&self, id: u8, kind: Kind, texts: &[(&str, &str)]) {
        let mut entries = Entries::default();
        for (key, text) in texts {
            entries.put_text(key, Some(*text));
        }
        let (push, _) = self.first(id, self.server.village, kind, entries);
        self.push(vec![push]).await;
    }
}

async fn entries(server: &Server, id: u8) -> (Entries, usize) {
    let mut tx = server.app.store.begin().await.unwrap();
    let state = tx.document(doc(id)).await.unwrap().unwrap();
    let changes = tx.changes_of(doc(id)).await.unwrap();
    let count = changes.len();
    let changes = changes.into_iter().map(zoufang_core::document::LogChange::from);
    (zoufang_core::document::Document::load(state.kind, changes).unwrap().entries(), count)
}

/// As of so many days after the server's now; gives the counts of the rules.
async fn retained(server: &Server, days: i64, dry_run: bool) -> Vec<u64> {
    let now = Timestamp(server.app.now().0 + days * DAY_MS);
    let draw = || Ok(7);
    let day = (Date::in_china(now), now);
    let report = apply(server.app.store.as_ref(), &Rules::built_in(), day, dry_run, &draw).await.unwrap();
    report.rules.iter().map(|rule| rule.records.values().sum()).collect()
}

#[tokio::test]
async fn a_visit_loses_its_photos_after_a_year_and_its_texts_after_three() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let texts = [
        ("facts", "院墙要修"),
        ("told_person", "政策"),
        ("photo/01A.sha256", "ab"),
        ("channel", "home"),
        ("happened_on", "2026-01-05"),
    ];
    village.put(1, Kind::Visit, &texts).await;
    let day = |text: &str| text.parse::<Date>().unwrap();
    let today = Date::in_china(server.app.now());
    let after = |days: i32| i64::from(day("2026-01-05").plus_days(days).days_since(today));

    assert_eq!(retained(&server, after(365), false).await, [0, 0, 0, 0]);
    assert_eq!(retained(&server, after(366), true).await, [0, 1, 0, 0]);
    assert!(entries(&server, 1).await.0.text("photo/01A.sha256").is_some(), "it was only said");
    assert_eq!(retained(&server, after(366), false).await, [0, 1, 0, 0]);
    let (left, _) = entries(&server, 1).await;
    assert_eq!((left.text("photo/01A.sha256"), left.text("facts").is_some()), (None, true));
    assert_eq!(retained(&server, after(366), false).await, [0, 0, 0, 0], "once");
    assert_eq!(retained(&server, after(1096), false).await, [1, 0, 0, 0]);
    let (left, changes) = entries(&server, 1).await;
    let keys: Vec<&str> = left.0.keys().map(String::as_str).collect();
    assert_eq!((keys, changes), (vec!["channel", "created_at", "created_by", "happened_on"], 1));
}

#[tokio::test]
async fn what_stands_only_in_the_history_goes_too() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let (push, mut document) = village.person(1, server.village, "张伟");
    let typed = village.edit(&push, &mut document, 3, &Patch::set("address", Value::Text("三组".into())));
    let mut cleared = Patch::from(Entries::default());
    cleared.0.insert("address".into(), None);
    cleared.0.insert("death.on".into(), Some(Value::Text("2026-01-05".into())));
    let cleared = village.edit(&push, &mut document, 4, &cleared);
    village.push(vec![push, typed, cleared]).await;
    assert_eq!(retained(&server, 800, false).await, [0, 0, 1, 0]);
    let (left, changes) = entries(&server, 1).await;
    assert_eq!((left.text("name").as_deref(), left.text("address"), changes), (Some("张伟"), None, 1));
    assert_eq!(retained(&server, 800, false).await, [0, 0, 0, 0]);
}

#[tokio::test]
async fn who_moved_out_is_let_be_as_long_as_somebody_writes() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    village.put(1, Kind::Person, &[("name", "王芳"), ("residence", "moved"), ("address", "三组")]).await;
    village.put(2, Kind::Person, &[("name", "李强"), ("residence", "away"), ("address", "三组")]).await;
    assert_eq!(retained(&server, 365, false).await, [0, 0, 0, 0]);
    assert_eq!(retained(&server, 366, false).await, [0, 0, 0, 1]);
    assert_eq!(entries(&server, 1).await.0.text("address"), None);
    assert_eq!(entries(&server, 2).await.0.text("address").as_deref(), Some("三组"));
}

#[test]
fn rules_that_cannot_be_applied_are_refused() {
    let rule = |body: &str| {
        Rules::parse(&format!("{{\"rules\":[{{\"id\":\"a\",\"zh\":\"\",\"en\":\"\",{body}}}]}}"))
    };
    assert!(rule("\"kinds\":[\"visit\"],\"since\":\"happened_on\",\"days\":9,\"drop\":[\"facts\"]").is_ok());
    for body in [
        "\"kinds\":[\"visit\"],\"since\":\"happened_on\",\"days\":9",
        "\"kinds\":[\"visit\"],\"since\":\"happened_on\",\"days\":9,\"drop\":[\"facts\"],\"keep\":[\"channel\"]",
        "\"kinds\":[\"visit\"],\"since\":\"happened_on\",\"days\":0,\"drop\":[\"facts\"]",
        "\"kinds\":[\"visits\"],\"since\":\"happened_on\",\"days\":9,\"drop\":[\"facts\"]",
        "\"kinds\":[\"visit\"],\"since\":\"birth\",\"days\":9,\"drop\":[\"facts\"]",
    ] {
        assert!(rule(body).is_err(), "{body}");
    }
}
