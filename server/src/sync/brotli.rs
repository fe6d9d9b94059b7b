//! Long answers as one brotli stream, which browsers take apart by themselves: it finds what pages have in common.
//!
//! Each piece is flushed, so that a page is whole on the phone as soon as its bytes are, also when the line is cut then.

use std::io::Write;
use std::sync::Arc;

use axum::body::Bytes;
use brotli::CompressorWriter;
use futures_util::stream::{self, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use zoufang_core::sync::wire::loosened;

use super::exchange::Chunks;
use crate::error::{Error, Result};
use crate::work::off_thread;

/// Streams at once; each holds 34 MB of tables for its quality, and answers beyond them are sent as they are.
pub const STREAMS_MAX: usize = 3;
/// A fifth fewer bytes than 5 to 8 make of texts like chance, which by those get longer than deflated; three times their time.
const QUALITY: u32 = 9;
/// A window of 1 MiB: one of 4 MiB saves 0.3 %.
const WINDOW_BITS: u32 = 20;
const BUFFER_BYTES: usize = 64 * 1024;

/// The name of the encoding.
pub const ENCODING: &str = "br";

struct Encoder {
    brotli: CompressorWriter<Vec<u8>>,
    _one_of_few: OwnedSemaphorePermit,
}

impl Encoder {
    fn piece(&mut self, piece: &[u8]) -> Result<Bytes> {
        let loose = loosened(piece).map_err(|error| Error::Internal(Box::new(error)))?;
        // Writing to memory does not fail.
        let written = self.brotli.write_all(&loose).and_then(|()| self.brotli.flush());
        written.map_err(|error| Error::Internal(Box::new(error)))?;
        Ok(std::mem::take(self.brotli.get_mut()).into())
    }
}

/// The chunks of an answer as one brotli stream; as they are if too many are made already.
///
/// # Errors
/// The chunks, unchanged.
pub fn compressed(chunks: Chunks, few: &Arc<Semaphore>) -> std::result::Result<Chunks, Chunks> {
    let Ok(permit) = Arc::clone(few).try_acquire_owned() else { return Err(chunks) };
    let brotli = CompressorWriter::new(Vec::new(), BUFFER_BYTES, QUALITY, WINDOW_BITS);
    let encoder = Encoder { brotli, _one_of_few: permit };
    let state = Some((chunks, encoder));
    Ok(stream::unfold(state, |state| async move {
        let (mut chunks, mut encoder) = state?;
        let Some(chunk) = chunks.next().await else {
            let end = off_thread(move || encoder.brotli.into_inner()).await.ok()?;
            return Some((end.into(), None));
        };
        let worked = off_thread(move || (encoder.piece(&chunk), encoder)).await;
        match worked {
            Ok((Ok(bytes), encoder)) => Some((bytes, Some((chunks, encoder)))),
            Ok((Err(error), _)) | Err(error) => {
                // The stream ends without its end: the phone takes it for a line that was cut, and asks again.
                tracing::error!(%error, "answer broken off");
                None
            }
        }
    })
    .boxed())
}
