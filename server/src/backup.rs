//! A backup as one file that only the owner of an offline key reads: the database as of one moment, and the keys that open it.
//!
//! The file is a line that names its form, a key drawn for this file and sealed to the offline key (HPKE), then pieces sealed under
//! it: the first is the keys, the others the database. Each piece is sealed for its number and for being the last or not, so that
//! none can be left out, changed, put elsewhere or cut off without being found. Before each stands its length (4 bytes, big endian).

use std::io::{self, Read, Write};

use zeroize::Zeroizing;
use zoufang_core::seal::{DataKey, KeyId, Place, PublicKey, Purpose, RowKeys, SecretKey, open_with, seal_to};

const FORM: &[u8] = b"zoufang backup 1\n";
const PIECE_BYTES: usize = 1 << 20;
/// No piece and no sealed key is longer.
const SEALED_MAX: usize = PIECE_BYTES + RowKeys::EXTRA_BYTES;

/// Why a backup cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read or written.
    #[error("the file cannot be read or written")]
    Io(#[from] io::Error),
    /// Not a file of ours, or of a newer program.
    #[error("this is no backup that this version knows")]
    Form,
    /// Made for another offline key, or the public key is none.
    #[error("this backup is for another key")]
    Key,
    /// Changed or cut off.
    #[error("this backup is damaged: a piece of it is changed or missing")]
    Damaged,
    /// The system gives no randomness.
    #[error("the system gives no random numbers")]
    Random,
}

type Result<T> = std::result::Result<T, BackupError>;

fn draw<const N: usize>() -> Result<Zeroizing<[u8; N]>> {
    let mut drawn = Zeroizing::new([0; N]);
    getrandom::fill(&mut *drawn).map_err(|_| BackupError::Random)?;
    Ok(drawn)
}

fn rows(secret: &[u8; 32]) -> RowKeys {
    DataKey::from_parts(KeyId(0), secret).rows()
}

fn name_of(number: u64, last: bool) -> String {
    format!("{number} {}", if last { "last" } else { "more" })
}

fn put(out: &mut impl Write, sealed: &[u8]) -> Result<()> {
    let length = u32::try_from(sealed.len()).map_err(|_| BackupError::Form)?;
    out.write_all(&length.to_be_bytes())?;
    Ok(out.write_all(sealed)?)
}

/// Writes a backup of keys and database for the owner of a key.
///
/// # Errors
/// If the public key is none, or something cannot be read or written.
pub fn write(out: &mut impl Write, to: PublicKey, keys: &str, database: &mut impl Read) -> Result<()> {
    let secret = draw::<32>()?;
    out.write_all(FORM)?;
    let sealed = seal_to(to, Purpose::Backup, FORM, &*secret, *draw::<32>()?);
    put(out, &sealed.map_err(|_| BackupError::Key)?)?;
    let (rows, mut number) = (rows(&secret), 0);
    let mut piece = |out: &mut _, clear: &[u8], last| {
        let key = name_of(number, last);
        number += 1;
        put(out, &rows.seal(Place { table: "backup", key: &key }, &*draw::<24>()?, clear))
    };
    piece(out, keys.as_bytes(), false)?;
    let mut next = read_up_to(database)?;
    loop {
        let now = std::mem::take(&mut next);
        // A short piece is the end, but so is a full one with nothing behind it.
        next = if now.len() == PIECE_BYTES { read_up_to(database)? } else { Vec::new() };
        piece(out, &now, next.is_empty())?;
        if next.is_empty() {
            return Ok(out.flush()?);
        }
    }
}

/// Reads a backup: gives the keys, and writes the database. What was written is good only if this ends well.
///
/// # Errors
/// If it is none, for another key, damaged, or cannot be read or written.
pub fn read(from: &mut impl Read, with: &SecretKey, database: &mut impl Write) -> Result<Zeroizing<String>> {
    let mut form = [0; FORM.len()];
    from.read_exact(&mut form).map_err(|_| BackupError::Form)?;
    if form != *FORM {
        return Err(BackupError::Form);
    }
    let sealed = take(from)?.ok_or(BackupError::Damaged)?;
    let secret =
        Zeroizing::new(open_with(with, Purpose::Backup, FORM, &sealed).map_err(|_| BackupError::Key)?);
    let rows = rows(secret.as_slice().try_into().map_err(|_| BackupError::Form)?);
    let open = |number, last, sealed: &[u8]| {
        let key = name_of(number, last);
        rows.open(Place { table: "backup", key: &key }, sealed).map_err(|_| BackupError::Damaged)
    };
    let keys = Zeroizing::new(open(0, false, &take(from)?.ok_or(BackupError::Damaged)?)?);
    let keys = String::from_utf8(keys.to_vec()).map(Zeroizing::new).map_err(|_| BackupError::Damaged)?;
    let mut next = take(from)?;
    for number in 1.. {
        let Some(now) = next else { break };
        next = take(from)?;
        database.write_all(&open(number, next.is_none(), &now)?)?;
        if next.is_none() {
            database.flush()?;
            return Ok(keys);
        }
    }
    Err(BackupError::Damaged)
}

fn read_up_to(from: &mut impl Read) -> Result<Vec<u8>> {
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    from.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece)?;
    Ok(piece)
}

/// The next sealed thing; none at the end.
fn take(from: &mut impl Read) -> Result<Option<Vec<u8>>> {
    let mut length = Vec::new();
    from.by_ref().take(4).read_to_end(&mut length)?;
    if length.is_empty() {
        return Ok(None);
    }
    let length: [u8; 4] = length.try_into().map_err(|_| BackupError::Damaged)?;
    let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| BackupError::Damaged)?;
    if length > SEALED_MAX {
        return Err(BackupError::Damaged);
    }
    let mut sealed = vec![0; length];
    from.read_exact(&mut sealed).map_err(|_| BackupError::Damaged)?;
    Ok(Some(sealed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: &str = "000102";

    fn made(database: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, owner().public(), KEYS, &mut &*database).unwrap();
        out
    }

    fn owner() -> SecretKey {
        SecretKey::of_seed(&[7; 32])
    }

    fn opened(backup: &[u8]) -> Result<Vec<u8>> {
        let mut database = Vec::new();
        let keys = read(&mut &*backup, &owner(), &mut database)?;
        assert_eq!(*keys, KEYS);
        Ok(database)
    }

    #[test]
    fn a_backup_comes_back_at_every_length() {
        for length in [0, 1, PIECE_BYTES - 1, PIECE_BYTES, PIECE_BYTES + 1, 2 * PIECE_BYTES] {
            let database: Vec<u8> = (0..length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            let backup = made(&database);
            assert!(opened(&backup).unwrap() == database, "{length}");
            assert!(!backup.windows(16).any(|part| database.len() > 16 && part == &database[..16]));
        }
    }

    #[test]
    fn what_is_cut_off_or_changed_is_found() {
        let database = vec![3; PIECE_BYTES + 9];
        let backup = made(&database);
        let last = RowKeys::EXTRA_BYTES + 9 + 4;
        for cut in [0, 5, FORM.len(), backup.len() - last, backup.len() - last + 2, backup.len() - 1] {
            assert!(opened(&backup[..cut]).is_err(), "cut at {cut}");
        }
        for at in [3, FORM.len() + 2, FORM.len() + 9, FORM.len() + 140, backup.len() / 2, backup.len() - 1] {
            let mut changed = backup.clone();
            changed[at] ^= 1;
            assert!(opened(&changed).is_err(), "changed at {at}");
        }
        let with_more = [&backup[..], &backup[backup.len() - last..]].concat();
        assert!(opened(&with_more).is_err(), "a piece twice");
    }

    #[test]
    fn nobody_else_reads_it() {
        let other = SecretKey::of_seed(&[8; 32]);
        assert!(matches!(read(&mut &*made(b"x"), &other, &mut Vec::new()), Err(BackupError::Key)));
        assert!(matches!(
            read(&mut &b"SQLite format 3\0 and more"[..], &owner(), &mut Vec::new()),
            Err(BackupError::Form)
        ));
    }
}
