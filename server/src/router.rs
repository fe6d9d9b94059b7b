//! All routes, and the layers around them.

use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::timeout::RequestBodyTimeoutLayer;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, OpenApi, Ref, ResponseBuilder};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt};
use utoipa_axum::routes;

use crate::error::Error;
use crate::routes::{
    access, authority, codes, devices, fallback, health, inbox, me, news, office, parcels, people, recovery,
    sign_in, sync,
};
use crate::state::App;
use crate::{headers, overload, telemetry};

/// JSON bodies are small; sync and readings have limits of their own.
const JSON_BYTES_MAX: usize = 16 * 1024;
/// A body that stops coming for so long is given up.
const BODY_IDLE_MAX: Duration = Duration::from_secs(60);

fn routes_and_document() -> (Router<App>, OpenApi) {
    let (router, mut document) = OpenApiRouter::new()
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
        .routes(routes!(authority::authority))
        .routes(routes!(sign_in::sign_in))
        .routes(routes!(sign_in::sign_out))
        .routes(routes!(me::me))
        .routes(routes!(sync::sync))
        .routes(routes!(parcels::deliver))
        .routes(routes!(inbox::ask))
        .routes(routes!(parcels::put_sign_key))
        .routes(routes!(parcels::wiped))
        .routes(routes!(codes::make))
        .routes(routes!(devices::list))
        .routes(routes!(devices::revoke))
        .routes(routes!(devices::people))
        .routes(routes!(devices::late))
        .routes(routes!(devices::decide))
        .routes(routes!(recovery::ask, recovery::state, recovery::take_back))
        .routes(routes!(news::news))
        .routes(routes!(people::move_person))
        .routes(routes!(access::note).layer(DefaultBodyLimit::max(access::BODY_BYTES_MAX)))
        .routes(routes!(access::list))
        .routes(routes!(access::check))
        .routes(routes!(access::of_person))
        .routes(routes!(office::overview))
        .routes(routes!(office::visits))
        .routes(routes!(office::contacts))
        .routes(routes!(office::search_people))
        .split_for_parts();
    document.info.title = "Zoufang".to_owned();
    document.info.version = env!("CARGO_PKG_VERSION").to_owned();
    document.info.description =
        Some("Sync server of field visits. Records travel through `/api/v1/sync` only.".to_owned());
    document.info.license = None;
    let components = document.components.get_or_insert_default();
    components.add_security_scheme("token", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    say_that_it_may_be_busy(&mut document);
    (router, document)
}

/// Every route but those outside the gates may be told to come again.
fn say_that_it_may_be_busy(document: &mut OpenApi) {
    let seconds = HeaderBuilder::new()
        .schema(Some(ObjectBuilder::new().schema_type(Type::Integer).build()))
        .description(Some("seconds to wait"))
        .build();
    let busy = ResponseBuilder::new()
        .description("busy: come again")
        .content("application/json", Content::new(Some(Ref::from_schema_name("ErrorBody"))))
        .header("retry-after", seconds)
        .build();
    let paths = document.paths.paths.iter_mut().filter(|(path, _)| !path.starts_with("/healthz"));
    for (_, item) in paths {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for operation in operations.into_iter().flatten() {
            operation.responses.responses.entry("503".to_owned()).or_insert_with(|| busy.clone().into());
        }
    }
}

/// The API as an OpenAPI document.
#[must_use]
pub fn openapi() -> OpenApi {
    routes_and_document().1
}

/// The whole application.
pub fn router(app: App) -> Router {
    let (router, document) = routes_and_document();
    router
        .route("/api/v1/openapi.json", get(|| async move { Json(document) }))
        .method_not_allowed_fallback(fallback::method_not_allowed)
        .fallback(fallback::fallback)
        .layer(DefaultBodyLimit::max(JSON_BYTES_MAX))
        .layer(RequestBodyTimeoutLayer::new(BODY_IDLE_MAX))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(app.clone(), overload::shed))
        .layer(from_fn_with_state(app.clone(), headers::strict))
        .layer(from_fn(telemetry::observe))
        .with_state(app)
}

/// The message of a panic may hold what a record says, so it is not logged.
fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    Error::Internal("a handler panicked".into()).into_response()
}
