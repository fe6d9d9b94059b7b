//! `demo`: the real units, synthetic people, a year of visits, and sign-ins printed in clear. For trying out only.

use super::data::Data;
use super::serve::{address, lan, listen, serve_until_signal};
use super::{Result, say};
use crate::config::{DataFolder, Demo};
use crate::demo;
use crate::state::system_clock;

pub(super) async fn run(options: Demo) -> Result<()> {
    let folder = DataFolder { data: options.data, database: options.database, keys: options.keys };
    let data = Data::open(&folder).await?;
    let store = data.store().await?;
    if store.accounts().await?.is_empty() {
        say("Making demonstration data: 335 real units, 1,200 synthetic people, a year of visits ...")?;
        let made = demo::fill(store.as_ref(), system_clock()()).await?;
        say(&format!(
            "Made {} people, {} Party memberships, {} visits, {} contacts.",
            made.people, made.memberships, made.visits, made.contacts
        ))?;
    }
    if options.seed_only {
        store.close().await;
        return Ok(());
    }
    let listener = listen(&options.listen)?;
    let mut text = format!("\n走访 Zoufang, demonstration: {}\n\n", address(&options.listen, &listener)?);
    for account in demo::ACCOUNTS {
        text.push_str(&format!(
            "  user {:<8} password {}   {}\n",
            account.login,
            demo::PASSWORD,
            account.shown
        ));
    }
    text.push_str("\nAll people are synthetic; do not dial. Stop with Ctrl-C.\n");
    let mut listen = options.listen;
    let (lan, words) = lan(&mut listen, &folder.data, &listener)?;
    text.push_str(&words);
    say(&text)?;
    serve_until_signal(store, &data.keys, listen, lan, listener).await
}
