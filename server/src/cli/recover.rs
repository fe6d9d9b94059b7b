//! `recovery-key` and `recover`.

use time::OffsetDateTime;
use zoufang_core::record::Timestamp;

use super::backup::must_be_free;
use super::data::Data;
use super::{CliError, Result, say};
use crate::config::{Recover, RecoveryKey};
use crate::keys::Keys;
use crate::recovery;
use crate::state::system_clock;
use crate::store::Store;

/// Makes the key that lets phones in whose PIN is forgotten, and says its public half.
pub(super) fn key(options: &RecoveryKey) -> Result<()> {
    must_be_free(&options.to)?;
    let public = Keys::of_file_or_new(&options.to)?.recovery().public();
    say(&format!("public key: {}", hex::encode(public.0)))?;
    say(&format!("fingerprint, as phones show it: {}", public.fingerprint()))?;
    say(&format!(
        "{} lets in phones whose PIN is forgotten: keep it offline, and twice",
        options.to.display()
    ))
}

/// Lists the phones that ask, or lets one in.
pub(super) async fn run(options: Recover) -> Result<()> {
    // The key before the data: who has put the wrong stick in is told so first.
    let key = options.key.as_deref().map(Keys::of_file).transpose()?.map(|keys| keys.recovery());
    let store = Data::open(&options.folder).await?.store().await?;
    recovery::forget_old(store.as_ref(), system_clock()()).await?;
    let done = match (&options.device, &options.check, key) {
        (Some(device), Some(check), Some(key)) => {
            let id = device.parse().map_err(|_| CliError::Usage(format!("no device {device}")))?;
            match recovery::let_in(store.as_ref(), id, check, &key).await {
                Ok(()) => {
                    tracing::info!(device, "a phone was let in with the recovery key");
                    say(&format!("device {device} is let in: its user looks again, and chooses a new PIN"))
                }
                Err(error) => Err(error.into()),
            }
        }
        (_, _, _) => list(store.as_ref()).await,
    };
    store.close().await;
    done
}

/// Who asks. The check number is not said: it must come from the person who holds the phone.
async fn list(store: &dyn Store) -> Result<()> {
    let (asked, devices, accounts) =
        (store.recoveries().await?, store.devices().await?, store.accounts().await?);
    if asked.is_empty() {
        return say("no phone asks to be let in");
    }
    for asked in asked {
        let Some(line) = devices.iter().find(|line| line.device.id == asked.device) else { continue };
        let user = accounts.iter().find(|account| account.id == line.device.user);
        let login = user.map_or("", |user| user.login.as_str());
        let state = if asked.answer.is_some() { "let in, and has not looked yet" } else { "waits" };
        let (device, label, since) = (asked.device, &line.device.label, utc(asked.asked_at));
        say(&format!("device {device}  login {login:?}  {label:?}  since {since}  {state}"))?;
    }
    say(
        "ask its user on the phone for the six digits that it shows, then: recover --device … --check … --key …",
    )
}

/// A time, as it is in Greenwich.
fn utc(at: Timestamp) -> String {
    let moment = OffsetDateTime::from_unix_timestamp(at.0.div_euclid(1000));
    let said = |at: OffsetDateTime| {
        let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
        format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", at.hour(), at.minute())
    };
    moment.map(said).unwrap_or_default()
}
