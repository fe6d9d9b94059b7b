//! Where a request comes from: what those are counted by who are not known.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

use crate::state::App;

/// The caller's address; an unspecified one where there is no connection (tests without a socket).
pub struct Caller(pub IpAddr);

impl FromRequestParts<App> for Caller {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
        let forwarded_for = parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
        Ok(Self(app.caller(peer.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), forwarded_for)))
    }
}
