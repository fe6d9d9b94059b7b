//! The one error of the handlers: a code that programs and texts can use, and an HTTP status.
//!
//! Return `Error` wherever a request cannot be answered as asked. It is logged once, here, and never with what the
//! request said. A refused *change* is no error: that is a verdict inside a good answer.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::store::StoreError;
use crate::telemetry;

/// The result of a handler.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a request cannot be answered as asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Sign-in with an unknown login or a wrong password.
    #[error("bad_credentials")]
    BadCredentials,
    /// The password fits, but this phone is not enrolled, and no one-time code came with it.
    #[error("code_needed")]
    CodeNeeded,
    /// The one-time code is not the user's, was used, or is too old.
    #[error("code_wrong")]
    CodeWrong,
    /// Too many failed sign-ins.
    #[error("locked")]
    Locked {
        /// When to try again.
        retry_after_s: u64,
    },
    /// Too many requests from one address by somebody who is not known.
    #[error("too_many")]
    TooMany {
        /// When to try again.
        retry_after_s: u64,
    },
    /// No session, or one that has ended.
    #[error("signed_out")]
    SignedOut,
    /// The session belongs to another device.
    #[error("wrong_device")]
    WrongDevice,
    /// No such thing, or not for this user.
    #[error("not_found")]
    NotFound,
    /// The route does not take this method.
    #[error("method_not_allowed")]
    MethodNotAllowed,
    /// The request's form is wrong.
    #[error("bad_request")]
    BadRequest(&'static str),
    /// The body is over the limit.
    #[error("too_large")]
    TooLarge,
    /// Another content type is needed.
    #[error("unsupported_media_type")]
    UnsupportedMediaType,
    /// Too much to do at the moment.
    #[error("busy")]
    Busy,
    /// Another request was faster at the same records, again and again; to the caller the same as [`Error::Busy`].
    #[error("busy")]
    Overtaken,
    /// The disk is full: nothing was stored.
    #[error("full")]
    Full,
    /// The disk failed: nothing was stored. It may work again.
    #[error("disk")]
    Disk(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something of ours failed.
    #[error("internal")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What an error says to the caller.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A stable word.
    pub code: String,
    /// To find the request in the logs.
    pub request_id: String,
    /// Seconds to wait, where waiting helps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u64>,
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::BadCredentials | Self::SignedOut => StatusCode::UNAUTHORIZED,
            Self::Locked { .. } => StatusCode::LOCKED,
            Self::TooMany { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::WrongDevice | Self::CodeNeeded | Self::CodeWrong => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy | Self::Overtaken | Self::Disk(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Full => StatusCode::INSUFFICIENT_STORAGE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Locked { retry_after_s } | Self::TooMany { retry_after_s } => Some(*retry_after_s),
            Self::Busy => Some(5),
            Self::Overtaken => Some(1),
            Self::Disk(_) => Some(30),
            Self::BadCredentials
            | Self::CodeNeeded
            | Self::CodeWrong
            | Self::SignedOut
            | Self::WrongDevice
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::BadRequest(_)
            | Self::TooLarge
            | Self::UnsupportedMediaType
            | Self::Full
            | Self::Internal(_) => None,
        }
    }

    fn log(&self) {
        match self {
            Self::Internal(source) | Self::Disk(source) => {
                tracing::error!(code = %self, error = chain(source.as_ref()), "request failed")
            }
            Self::Full | Self::Busy | Self::Overtaken => tracing::warn!(code = %self, "request failed"),
            Self::BadRequest(reason) => tracing::info!(code = %self, reason, "request refused"),
            Self::BadCredentials
            | Self::CodeNeeded
            | Self::CodeWrong
            | Self::Locked { .. }
            | Self::TooMany { .. }
            | Self::SignedOut
            | Self::WrongDevice
            | Self::NotFound
            | Self::MethodNotAllowed
            | Self::TooLarge
            | Self::UnsupportedMediaType => tracing::info!(code = %self, "request refused"),
        }
    }
}

/// The messages of an error and its sources; ours hold no data of records.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full => Self::Full,
            StoreError::Disk(_) => Self::Disk(Box::new(error)),
            StoreError::Busy => Self::Busy,
            StoreError::Overtaken => Self::Overtaken,
            StoreError::Taken(_)
            | StoreError::Corrupt(_)
            | StoreError::Address(_)
            | StoreError::Unfit(_)
            | StoreError::Unreachable { .. }
            | StoreError::Migration(_)
            | StoreError::Database(_) => Self::Internal(Box::new(error)),
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.log();
        let body = ErrorBody {
            code: self.to_string(),
            request_id: telemetry::request_id(),
            retry_after_s: self.retry_after_s(),
        };
        let mut response = (self.status(), Json(body)).into_response();
        if let Some(seconds) = self.retry_after_s() {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
