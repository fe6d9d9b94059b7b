//! The trace: a hash over everything that happened, and, when asked for, the same in words.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// The trace of one seed.
#[derive(Debug)]
pub(crate) struct Trace {
    hash: Sha256,
    /// Lines in words; only when they were asked for, since they cost more than the simulation.
    lines: Option<Vec<String>>,
    events: u64,
}

impl Trace {
    /// An empty trace.
    pub(crate) fn new(in_words: bool) -> Self {
        Self { hash: Sha256::new(), lines: in_words.then(Vec::new), events: 0 }
    }

    /// Notes an event: when, what, where, and numbers and bytes that tell it from others.
    pub(crate) fn note(&mut self, at: i64, what: &'static str, place: usize, numbers: &[u64], bytes: &[u8]) {
        self.events += 1;
        self.hash.update(at.to_le_bytes());
        self.hash.update(what.as_bytes());
        self.hash.update((place as u64).to_le_bytes());
        for number in numbers {
            self.hash.update(number.to_le_bytes());
        }
        self.hash.update(bytes);
        if let Some(lines) = &mut self.lines {
            let (day, ms) = (at.div_euclid(crate::world::DAY_MS), at.rem_euclid(crate::world::DAY_MS));
            let mut line = format!(
                "day {day} {:02}:{:02}:{:02}.{:03}",
                ms / 3_600_000,
                ms / 60_000 % 60,
                ms / 1000 % 60,
                ms % 1000
            );
            let _ = match place {
                usize::MAX => write!(line, " --- {what}"),
                _ => write!(line, " p{place:<2} {what}"),
            };
            for number in numbers {
                let _ = write!(line, " {number}");
            }
            if !bytes.is_empty() {
                let shown: String = bytes.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
                let _ = write!(line, " [{} B] {shown}", bytes.len());
            }
            lines.push(line);
        }
    }

    /// Whether words are wanted.
    pub(crate) fn in_words(&self) -> bool {
        self.lines.is_some()
    }

    /// Adds words to the last line.
    pub(crate) fn say(&mut self, words: &str) {
        if let Some(line) = self.lines.as_mut().and_then(|lines| lines.last_mut()) {
            line.push_str("  ");
            line.push_str(words);
        }
    }

    /// The hash over all events, in hexadecimal digits; how many there were; the lines.
    pub(crate) fn finish(self) -> (String, u64, Vec<String>) {
        let hash: [u8; 32] = self.hash.finalize().into();
        let digits = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        (digits, self.events, self.lines.unwrap_or_default())
    }
}
