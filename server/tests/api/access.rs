//! The access log: what phones tell of values that were read in full, and who reads of it.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use serde_json::{Value, json};
use zoufang_core::sync::wire::Verdict;
use zoufang_server::command::{erase, move_with_person};
use zoufang_server::readings::Head;

use crate::server::{Answer, NOW, Phone, Server, doc, request};

const AT_MS: i64 = 1_790_000_000_000;

fn reading(server: &Server, id: u8, person: u8) -> Value {
    json!({
        "id": doc(id).to_string(), "person": doc(person).to_string(), "unit": server.village.0,
        "what": "phone", "why": "call", "at_ms": AT_MS,
    })
}

async fn tell(phone: &Phone<'_>, readings: &[Value]) -> Answer {
    phone.server.post("/api/v1/access", Some(&phone.token), &json!({ "readings": readings })).await
}

async fn told(phone: &Phone<'_>, readings: &[Value]) {
    let answer = tell(phone, readings).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", String::from_utf8_lossy(&answer.body));
}

async fn get(phone: &Phone<'_>, path: &str) -> Value {
    let answer = phone.server.get(path, Some(&phone.token)).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.json()
}

async fn status(phone: &Phone<'_>, path: &str) -> StatusCode {
    phone.server.get(path, Some(&phone.token)).await.status
}

fn seqs(page: &Value) -> Vec<u64> {
    page["items"].as_array().unwrap().iter().map(|line| line["seq"].as_u64().unwrap()).collect()
}

/// A person in the village, one in its neighbour.
async fn with_people(server: &Server) {
    for (login, id, unit, name) in
        [("village", 1, server.village, "张伟"), ("neighbour", 2, server.neighbour, "王芳")]
    {
        let phone = server.phone(login).await;
        let (person, _) = phone.person(id, unit, name);
        assert!(matches!(phone.push(vec![person]).await[..], [Verdict::Accepted(_)]));
    }
}

#[tokio::test]
async fn what_was_read_is_kept_once_and_said_to_those_who_may_know() {
    let server = Server::start().await;
    with_people(&server).await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    let officer = server.phone("officer").await;
    let empty = get(&officer, "/api/v1/access").await;
    assert_eq!(empty["head"], json!({ "seq": 0, "hash": "0".repeat(64) }));
    assert_eq!((&empty["items"], &empty["next"]), (&json!([]), &Value::Null));
    let mut second = reading(&server, 12, 1);
    second["what"] = json!("id_number");
    second["why"] = json!("person_asked");
    // The answer was lost, and the phone sends them again with one more.
    told(&village, &[reading(&server, 11, 1)]).await;
    server.pass_ms(5);
    told(&village, &[reading(&server, 11, 1), second]).await;
    let page = get(&officer, "/api/v1/access").await;
    assert_eq!(seqs(&page), [2, 1]);
    assert_eq!(
        page["items"][1],
        json!({
            "seq": 1, "user_name": "name of village", "unit_name": "朝阳寺村", "device_label": "test",
            "person": doc(1).to_string(), "what": "phone", "why": "call", "read_at_ms": AT_MS, "received_at_ms": NOW.0,
        })
    );
    assert_eq!(
        (&page["items"][0]["what"], &page["items"][0]["why"]),
        (&json!("id_number"), &json!("person_asked"))
    );
    assert_eq!(page["items"][0]["received_at_ms"], NOW.0 + 5);
    // The head of the township is told the name, too.
    let lines = get(&head, "/api/v1/access").await;
    assert_eq!((&lines["items"][0]["person_name"], seqs(&lines)), (&json!("张伟"), vec![2, 1]));
    assert_eq!(lines["head"], page["head"]);
    // A head that is written down is the one that the check knows.
    let written = format!("2:{}", page["head"]["hash"].as_str().unwrap());
    assert_eq!(written.parse(), Ok(server.app.store.readings_head().await.unwrap()));
    told(&village, &[reading(&server, 13, 1)]).await;
    let found = get(&officer, &format!("/api/v1/access/check?head={written}")).await;
    assert_eq!((&found["broken_at"], &found["head"]["seq"]), (&Value::Null, &json!(3)));
    for (other, seq) in [(Head { seq: 2, hash: [1; 32] }, 2), (Head { seq: 4, hash: [1; 32] }, 4)] {
        let found = get(&officer, &format!("/api/v1/access/check?head={other}")).await;
        assert_eq!(found["broken_at"], seq);
    }
    assert_eq!(status(&officer, "/api/v1/access/check?head=2").await, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn of_a_body_with_one_bad_reading_nothing_is_kept() {
    let server = Server::start().await;
    let village = server.phone("village").await;
    let good = reading(&server, 11, 1);
    for (key, value) in [
        ("id", json!("1")),
        ("id", json!("U".repeat(26))),
        ("person", json!("")),
        ("person", Value::Null),
        ("unit", json!(-1)),
        ("unit", json!(1_u64 << 32)),
        ("what", json!("name")),
        ("why", json!("because 张伟 asked")),
        ("why", json!("")),
        ("at_ms", json!(-1)),
        ("at_ms", json!(i64::MAX)),
        ("at_ms", json!("now")),
    ] {
        let mut bad = reading(&server, 12, 1);
        bad[key] = value.clone();
        assert_eq!(
            tell(&village, &[good.clone(), bad]).await.status,
            StatusCode::BAD_REQUEST,
            "{key} {value}"
        );
    }
    let many: Vec<Value> = (0..501).map(|_| good.clone()).collect();
    assert_eq!(tell(&village, &many).await.status, StatusCode::BAD_REQUEST, "too many");
    for body in [json!([]), json!({}), json!({ "readings": good })] {
        let answer = server.post("/api/v1/access", Some(&village.token), &body).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}");
    }
    let long = json!({ "readings": [], "more": "x".repeat(128 * 1024) });
    let answer = server.post("/api/v1/access", Some(&village.token), &long).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large".to_owned()));
    let no_json = request(Method::POST, "/api/v1/access", Some(&village.token));
    let no_json = no_json.header(header::CONTENT_TYPE, "text/plain").body(Body::from("{}")).unwrap();
    assert_eq!(server.send(no_json).await.status, StatusCode::BAD_REQUEST);
    let nobody = server.post("/api/v1/access", None, &json!({ "readings": [good] })).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    assert_eq!(server.app.store.readings_head().await.unwrap().seq, 0);
    told(&village, &[]).await;
}

#[tokio::test]
async fn five_hundred_come_at_once_and_lists_go_on_where_they_stopped() {
    let server = Server::start().await;
    let (village, officer) = (server.phone("village").await, server.phone("officer").await);
    let many: Vec<Value> = (0..500_u128)
        .map(|number| {
            let mut one = reading(&server, 0, 1);
            one["id"] = json!(zoufang_core::record::DocId(number.to_be_bytes()).to_string());
            one["why"] = json!("person_asked");
            one["what"] = json!("id_number");
            one
        })
        .collect();
    told(&village, &many).await;
    let (mut path, mut seen) = ("/api/v1/access".to_owned(), Vec::new());
    loop {
        let page = get(&officer, &path).await;
        seen.extend(seqs(&page));
        assert_eq!(page["head"]["seq"], 500);
        let Some(next) = page["next"].as_u64() else { break };
        path = format!("/api/v1/access?before={next}");
    }
    assert_eq!(seen, (1..=500).rev().collect::<Vec<u64>>());
    let of_person = get(&officer, &format!("/api/v1/people/{}/access", doc(1))).await;
    assert_eq!((seqs(&of_person).len(), &of_person["next"]), (500, &Value::Null));
    for path in ["/api/v1/access?before=x", "/api/v1/access?unit=-1", "/api/v1/access/check?head=x"] {
        assert_eq!(status(&officer, path).await, StatusCode::BAD_REQUEST, "{path}");
    }
}

#[tokio::test]
async fn the_unit_is_the_servers_word_and_a_reading_is_kept_after_a_move() {
    let server = Server::start().await;
    with_people(&server).await;
    let (village, sibling) = (server.phone("village").await, server.phone("sibling").await);
    let (head, officer) = (server.phone("head").await, server.phone("officer").await);
    // A phone that says another unit, of a person in this one; and of somebody whom the server has not heard of yet.
    let mut elsewhere = reading(&server, 11, 1);
    elsewhere["unit"] = json!(server.neighbour.0);
    let mut unheard = reading(&server, 12, 9);
    unheard["unit"] = json!(server.neighbour.0);
    told(&village, &[elsewhere, unheard]).await;
    let page = get(&officer, "/api/v1/access").await;
    assert_eq!((page["items"][1]["unit_name"].as_str(), seqs(&page)), (Some("朝阳寺村"), vec![2, 1]));
    assert_ne!(page["items"][0]["unit_name"], page["items"][1]["unit_name"]);
    assert_eq!(seqs(&get(&head, "/api/v1/access").await), [1]);
    let of_unit = format!("/api/v1/access?unit={}", server.neighbour.0);
    assert_eq!(seqs(&get(&officer, &of_unit).await), [2]);
    assert_eq!(status(&head, &of_unit).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&officer, "/api/v1/access?unit=99999").await, StatusCode::NOT_FOUND);

    // The person moved to the sibling; the reading was made before, and comes now.
    move_with_person(server.app.store.as_ref(), doc(1), server.sibling, |_| true, NOW).await.unwrap();
    told(&village, &[reading(&server, 13, 1)]).await;
    let page = get(&head, &format!("/api/v1/access?unit={}", server.sibling.0)).await;
    assert_eq!((seqs(&page), &page["items"][0]["user_name"]), (vec![3], &json!("name of village")));
    // Who has the person's file answers the person, with all lines.
    let path = format!("/api/v1/people/{}/access", doc(1));
    let township = server.phone("township").await;
    for phone in [&head, &township, &officer] {
        assert_eq!(seqs(&get(phone, &path).await), [3, 1]);
    }
    for phone in [&village, &sibling] {
        assert_eq!(status(phone, &path).await, StatusCode::NOT_FOUND);
    }
    // A stranger's person is as one that is not there, and of one there that nobody read the list is empty.
    assert_eq!(status(&township, &format!("/api/v1/people/{}/access", doc(2))).await, StatusCode::NOT_FOUND);
    assert_eq!(status(&township, "/api/v1/people/x/access").await, StatusCode::NOT_FOUND);
    assert_eq!(seqs(&get(&officer, &format!("/api/v1/people/{}/access", doc(2))).await), [0; 0]);
}

#[tokio::test]
async fn lines_outlive_the_person_they_are_about() {
    let server = Server::start().await;
    with_people(&server).await;
    let (village, head) = (server.phone("village").await, server.phone("head").await);
    let officer = server.phone("officer").await;
    told(&village, &[reading(&server, 11, 1)]).await;
    erase(server.app.store.as_ref(), doc(1), NOW).await.unwrap();
    // Read before, told after.
    told(&village, &[reading(&server, 12, 1)]).await;
    let path = format!("/api/v1/people/{}/access", doc(1));
    assert_eq!(seqs(&get(&officer, &path).await), [2, 1]);
    assert_eq!(status(&head, &path).await, StatusCode::NOT_FOUND, "there is no such person any more");
    let page = get(&head, "/api/v1/access").await;
    assert_eq!((seqs(&page), &page["items"][0]["person_name"]), (vec![2, 1], &Value::Null));
}
