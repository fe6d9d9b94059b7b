//! A line to the server that can be cut after so many bytes of an answer, or bring nothing back at all.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::Result;

const PIECE_BYTES: usize = 4096;

/// A line.
#[derive(Debug)]
pub struct Line {
    port: u16,
    cuts: Arc<Mutex<Vec<usize>>>,
    cut_count: Arc<AtomicUsize>,
}

impl Line {
    /// A good line to a port of this machine.
    ///
    /// # Errors
    /// When no port is free.
    pub fn open(target: u16) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let line =
            Self { port: listener.local_addr()?.port(), cuts: Arc::default(), cut_count: Arc::default() };
        let (cuts, cut_count) = (Arc::clone(&line.cuts), Arc::clone(&line.cut_count));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let cut = cuts.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let cut_count = Arc::clone(&cut_count);
                thread::spawn(move || {
                    // A cut line is what this is for.
                    let _ = carry(near, target, cut, &cut_count);
                });
            }
        });
        Ok(line)
    }

    /// The next connections bring so many bytes back and are then cut, one after the other.
    pub fn cut_after(&self, bytes: &[usize]) {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        *cuts = bytes.iter().rev().copied().collect();
    }

    /// How many connections were cut.
    #[must_use]
    pub fn cut_count(&self) -> usize {
        self.cut_count.load(Ordering::SeqCst)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

fn carry(
    mut near: TcpStream,
    target: u16,
    cut: Option<usize>,
    cut_count: &AtomicUsize,
) -> std::io::Result<()> {
    let mut far = TcpStream::connect(("127.0.0.1", target))?;
    let (mut from_near, mut to_far) = (near.try_clone()?, far.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from_near, &mut to_far);
        let _ = to_far.shutdown(Shutdown::Write);
    });
    let mut left = cut.unwrap_or(usize::MAX);
    let mut piece = [0; PIECE_BYTES];
    loop {
        let count = far.read(&mut piece)?;
        let passed = count.min(left);
        near.write_all(&piece[..passed])?;
        left -= passed;
        if count == 0 || left == 0 {
            if left == 0 {
                cut_count.fetch_add(1, Ordering::SeqCst);
            }
            let _ = far.shutdown(Shutdown::Both);
            return near.shutdown(Shutdown::Both);
        }
    }
}
