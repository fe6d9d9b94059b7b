//! A stream of news, read by a thread of its own.

use std::{
    io::Read,
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use zoufang_core::sync::news::NewsReader;

/// What a server says of the units of one device's user.
#[derive(Debug)]
pub struct News(Receiver<(u32, u64)>);

impl News {
    /// Opens the stream.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub fn open(base: &str, token: &str) -> Result<Self> {
        let answer = ureq::get(format!("{base}/api/v1/news"))
            .header("authorization", format!("Bearer {token}"))
            .call()
            .context("news")?;
        let mut line = answer.into_body().into_reader();
        let (heard, hear) = channel();
        thread::spawn(move || {
            let (mut reader, mut piece) = (NewsReader::default(), [0; 1024]);
            while let Some(count) = line.read(&mut piece).ok().filter(|count| *count > 0) {
                for text in reader.push(&piece[..count]) {
                    let news = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
                    let number = |name: &str| news[name].as_u64().unwrap_or_default();
                    let unit = u32::try_from(number("unit")).unwrap_or_default();
                    if heard.send((unit, number("seq"))).is_err() {
                        return;
                    }
                }
            }
        });
        Ok(Self(hear))
    }

    /// The next unit and where its log ends; `None` when the stream has ended.
    ///
    /// # Errors
    /// When nothing comes for so long.
    pub fn next(&self, patience: Duration) -> Result<Option<(u32, u64)>> {
        match self.0.recv_timeout(patience) {
            Ok(news) => Ok(Some(news)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => bail!("no news"),
        }
    }
}
