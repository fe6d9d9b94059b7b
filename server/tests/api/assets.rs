//! Everything that is no API: files, pages, headers, health.

use axum::body::Body;
use axum::http::{Method, StatusCode, header};
use zoufang_server::headers::CONTENT_SECURITY_POLICY;
use zoufang_server::throttle::{READY_MAX, WINDOW_MS};

use crate::server::{Server, request};

async fn with_bundle() -> Server {
    let server = Server::start().await;
    let dist = server._folder.path().join("dist");
    std::fs::create_dir(&dist).unwrap();
    for (name, text) in [
        ("index.html", "<!doctype html>page"),
        ("index.html.br", "page in br"),
        ("sw.js", "worker"),
        ("boot-0123456789abcdef.js", "boot"),
        ("boot-0123456789abcdef.js.gz", "boot in gz"),
    ] {
        std::fs::write(dist.join(name), text).unwrap();
    }
    server
}

#[tokio::test]
async fn every_route_of_the_app_is_its_page() {
    let server = with_bundle().await;
    for path in ["/", "/people", "/people/0123/edit", "/visits/new?person=1"] {
        let answer = server.get(path, None).await;
        assert_eq!(
            (answer.status, answer.body.as_slice()),
            (StatusCode::OK, &b"<!doctype html>page"[..]),
            "{path}"
        );
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-cache");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "text/html; charset=utf-8");
    }
}

#[tokio::test]
async fn what_is_missing_is_never_a_page() {
    let server = with_bundle().await;
    for path in ["/api", "/api/v1/nothing", "/old-0123456789.wasm", "/favicon.ico"] {
        let answer = server.get(path, None).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    let wrong_method =
        server.send(request(Method::DELETE, "/people", None).body(Body::empty()).unwrap()).await;
    assert_eq!(wrong_method.code(), "method_not_allowed");
    assert_eq!(server.get("/api/v1/sync", None).await.code(), "method_not_allowed");
}

#[tokio::test]
async fn a_server_without_the_app_says_so() {
    let server = Server::start().await;
    assert_eq!(server.get("/", None).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn files_come_compressed_and_hashed_ones_stay() {
    let server = with_bundle().await;
    let accepting = async |path: &str, encodings: &str| {
        let request = request(Method::GET, path, None)
            .header(header::ACCEPT_ENCODING, encodings)
            .body(Body::empty())
            .unwrap();
        server.send(request).await
    };
    let page = accepting("/today", "gzip, deflate, br").await;
    assert_eq!(
        (page.body.as_slice(), page.headers[header::CONTENT_ENCODING].to_str().unwrap()),
        (&b"page in br"[..], "br")
    );
    let boot = accepting("/boot-0123456789abcdef.js", "gzip, deflate, br").await;
    assert_eq!(
        (boot.body.as_slice(), boot.headers[header::CONTENT_ENCODING].to_str().unwrap()),
        (&b"boot in gz"[..], "gzip")
    );
    assert!(boot.headers[header::CACHE_CONTROL].to_str().unwrap().contains("immutable"));
    let plain = accepting("/boot-0123456789abcdef.js", "identity").await;
    assert_eq!(plain.body, b"boot");
    assert_eq!(plain.headers[header::VARY], "accept-encoding");
}

#[tokio::test]
async fn an_unchanged_file_is_not_sent_again() {
    let server = with_bundle().await;
    let first = server.get("/sw.js", None).await;
    let again =
        request(Method::GET, "/sw.js", None).header(header::IF_NONE_MATCH, &first.headers[header::ETAG]);
    let again = server.send(again.body(Body::empty()).unwrap()).await;
    assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn every_answer_has_the_strict_headers() {
    let mut server = with_bundle().await;
    server.pass_ms(0);
    for path in
        ["/", "/sw.js", "/missing.js", "/api/v1/me", "/api/v1/nothing", "/healthz", "/api/v1/openapi.json"]
    {
        let headers = server.get(path, None).await.headers;
        assert_eq!(headers[header::CONTENT_SECURITY_POLICY], CONTENT_SECURITY_POLICY, "{path}");
        assert_eq!(headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(headers[header::REFERRER_POLICY], "no-referrer");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin");
        assert!(
            headers.contains_key("permissions-policy")
                && headers.contains_key(header::CACHE_CONTROL)
                && headers.contains_key("x-request-id")
        );
        assert!(!headers.contains_key(header::STRICT_TRANSPORT_SECURITY), "not without TLS");
    }
    for word in ["require-trusted-types-for 'script'", "trusted-types default"] {
        assert!(CONTENT_SECURITY_POLICY.contains(word), "{word}");
    }
    server.app.tls = true;
    let request = request(Method::GET, "/", None).body(Body::empty()).unwrap();
    let answer =
        tower::ServiceExt::oneshot(zoufang_server::router(server.app.clone()), request).await.unwrap();
    assert!(
        answer.headers()[header::STRICT_TRANSPORT_SECURITY].to_str().unwrap().starts_with("max-age=63072000")
    );
}

#[tokio::test]
async fn the_server_says_that_it_lives_and_is_ready() {
    let server = Server::start().await;
    assert_eq!(server.get("/healthz", None).await.body, b"ok");
    assert_eq!(server.get("/readyz", None).await.body, b"ready");
}

#[tokio::test]
async fn an_address_that_asks_all_the_time_whether_it_is_ready_is_told_to_wait() {
    let server = Server::start().await;
    for _ in 0..READY_MAX {
        assert_eq!(server.get("/readyz", None).await.status, StatusCode::OK);
    }
    let answer = server.get("/readyz", None).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many"));
    assert_eq!(server.get("/healthz", None).await.status, StatusCode::OK);
    server.pass_ms(WINDOW_MS);
    assert_eq!(server.get("/readyz", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_authority_of_a_local_network_is_given_to_whoever_asks() {
    let mut server = Server::start().await;
    server.app.authority = Some([1, 2, 3].into());
    let request = request(Method::GET, "/ca.crt", None).body(Body::empty()).unwrap();
    let answer =
        tower::ServiceExt::oneshot(zoufang_server::router(server.app.clone()), request).await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/x-x509-ca-cert");
    assert_eq!(axum::body::to_bytes(answer.into_body(), 100).await.unwrap(), [1, 2, 3][..]);
}
