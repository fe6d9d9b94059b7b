//! The rows about phones that ask to be let in: each its own, whatever the role.

use super::*;
use crate::recovery::{ask, asking, state, take_back};

pub(super) async fn asked(case: &Case<'_>) {
    let (token, device) = (&case.phone.token, case.phone.device);
    let other = case.server.phone(Village.login()).await;
    let others = ask(case.server, token, &asking(other.device, 1)).await.status;
    assert_eq!(others, StatusCode::BAD_REQUEST, "{}", case.says("ask for another"));
    let own = ask(case.server, token, &asking(device, 2)).await.status;
    assert_eq!(own, StatusCode::NO_CONTENT, "{}", case.says("ask"));
    assert_eq!(state(case.server, &other.token).await, "none", "{}", case.says("ask"));
}

pub(super) async fn looked(case: &Case<'_>) {
    assert_eq!(state(case.server, &case.phone.token).await, "waiting", "{}", case.says("look"));
    let other = case.server.phone(&case.rights.role.to_string()).await;
    assert_eq!(
        state(case.server, &other.token).await,
        "none",
        "{}",
        case.says("look at their other phone's")
    );
}

pub(super) async fn taken_back(case: &Case<'_>) {
    let other = case.server.phone(Village.login()).await;
    ask(case.server, &other.token, &asking(other.device, 3)).await;
    let status = take_back(case.server, &case.phone.token).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{}", case.says("take back"));
    assert_eq!(state(case.server, &case.phone.token).await, "none", "{}", case.says("take back"));
    assert_eq!(state(case.server, &other.token).await, "waiting", "{}", case.says("take back"));
}
