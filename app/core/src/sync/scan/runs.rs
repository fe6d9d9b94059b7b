//! Run-length columns, in the one form that Automerge writes.
//!
//! Another form of the same values would be read all the same, but a reader that builds the change again (for a history, or
//! to fork a document) would get other bytes and so another hash. What is built on it would then hang in the air.
use super::{Input, ScanError};

/// Expands a column, refusing to make more than so many values. None of our columns has an empty value.
pub(super) fn expand<'a, T: Clone + PartialEq>(
    mut column: Input<'a>,
    values_max: usize,
    mut read: impl FnMut(&mut Input<'a>) -> Result<T, ScanError>,
) -> Result<Vec<T>, ScanError> {
    let mut values: Vec<T> = Vec::new();
    let mut after_literal = false;
    while !column.0.is_empty() {
        let run = column.signed()?;
        let count = run.unsigned_abs();
        if count.saturating_add(values.len() as u64) > values_max as u64 {
            return Err(ScanError::TooManyOps);
        }
        let count = usize::try_from(count).map_err(|_| ScanError::TooManyOps)?;
        match run {
            // Nothing, or a single value that should be a literal one.
            0 | 1 => return Err(ScanError::Malformed),
            2.. => {
                let value = read(&mut column)?;
                if values.last() == Some(&value) {
                    return Err(ScanError::Malformed);
                }
                values.extend(std::iter::repeat_n(value, count));
                after_literal = false;
            }
            _ if after_literal => return Err(ScanError::Malformed),
            _ => {
                for _ in 0..count {
                    let value = read(&mut column)?;
                    if values.last() == Some(&value) {
                        return Err(ScanError::Malformed);
                    }
                    values.push(value);
                }
                after_literal = true;
            }
        }
    }
    Ok(values)
}
