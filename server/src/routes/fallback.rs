//! Paths that no route has: files of the app and its pages; under `/api` there is nothing else.

use axum::extract::{Request, State};
use axum::http::Method;
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::state::App;

/// Answers a path that no route has.
pub async fn fallback(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    if path == "/api" || path.starts_with("/api/") {
        return Error::NotFound.into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Error::MethodNotAllowed.into_response();
    }
    app.assets.answer(path, request.headers()).await
}

/// Answers a method that a route does not take.
pub async fn method_not_allowed() -> Error {
    Error::MethodNotAllowed
}
