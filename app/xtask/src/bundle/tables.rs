//! Mends what an old wasm-opt breaks: version 108, which Debian ships, exports every table as the first one, so that the
//! table of JavaScript values and the table of functions change places. A newer one needs no mending and gets none.

use anyhow::{Context, Result, bail};

const SECTION_TABLES: u8 = 4;
const SECTION_EXPORTS: u8 = 7;
const KIND_TABLE: u8 = 1;
const HEADER_LENGTH: usize = 8;

/// Gives each exported table of `after` the index it has in `before`, if both have the same tables.
///
/// # Errors
/// When one of the two is no wasm module, or has more tables than one byte can count.
pub(crate) fn mend(before: &[u8], after: &mut [u8]) -> Result<()> {
    let (old, new) = (tables(before)?, tables(after)?);
    if old.count != new.count {
        return Ok(());
    }
    for (name, place) in &new.exports {
        let wanted = old.exports.iter().find(|(other, _)| other == name);
        let (_, from) = wanted.with_context(|| format!("wasm-opt made up a table `{name}`"))?;
        after[*place] = before[*from];
    }
    Ok(())
}

/// How many tables a module has, and at which byte of it the index of each exported one stands.
struct Tables {
    count: usize,
    exports: Vec<(String, usize)>,
}

fn tables(module: &[u8]) -> Result<Tables> {
    let mut found = Tables { count: 0, exports: Vec::new() };
    if !module.starts_with(b"\0asm") {
        bail!("this is no wasm module");
    }
    let mut reader = Reader { module, at: HEADER_LENGTH };
    while reader.at < module.len() {
        let section = reader.byte()?;
        let end = reader.number()? + reader.at;
        if end > module.len() {
            bail!("the module ends early");
        }
        if section == SECTION_TABLES {
            found.count = reader.number()?;
        } else if section == SECTION_EXPORTS {
            found.exports = exported_tables(&mut reader)?;
        }
        reader.at = end;
    }
    Ok(found)
}

fn exported_tables(reader: &mut Reader<'_>) -> Result<Vec<(String, usize)>> {
    let mut exports = Vec::new();
    for _ in 0..reader.number()? {
        let length = reader.number()?;
        let name = reader.module.get(reader.at..reader.at + length).context("the module ends early")?;
        let name = String::from_utf8_lossy(name).into_owned();
        reader.at += length;
        let kind = reader.byte()?;
        let place = reader.at;
        let index = reader.number()?;
        if kind == KIND_TABLE {
            if index > 0x7f {
                bail!("table `{name}` has the index {index}, which does not fit its byte");
            }
            exports.push((name, place));
        }
    }
    Ok(exports)
}

struct Reader<'a> {
    module: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8> {
        let byte = *self.module.get(self.at).context("the module ends early")?;
        self.at += 1;
        Ok(byte)
    }

    /// A number as wasm writes it: seven bits a byte, lowest first.
    fn number(&mut self) -> Result<usize> {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = self.byte()?;
            if shift > 28 {
                bail!("a number in the module is too long");
            }
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with `count` tables that exports one, `values`, by its index.
    fn module(count: u8, index: u8) -> Vec<u8> {
        let mut module = b"\0asm\x01\0\0\0".to_vec();
        module.extend([SECTION_TABLES, 1 + 3 * count, count]);
        (0..count).for_each(|_| module.extend([0x70, 0, 1]));
        module.extend([SECTION_EXPORTS, 10, 1, 6]);
        module.extend(b"values");
        module.extend([KIND_TABLE, index]);
        module
    }

    #[test]
    fn the_export_points_to_its_table_again() {
        let mut after = module(2, 0);
        mend(&module(2, 1), &mut after).expect("two modules");
        assert_eq!(after, module(2, 1));
    }

    #[test]
    fn other_tables_are_left_alone() {
        let mut after = module(1, 0);
        mend(&module(2, 1), &mut after).expect("two modules");
        assert_eq!(after, module(1, 0));
    }

    #[test]
    fn a_cut_module_is_an_error() {
        let whole = module(2, 1);
        for length in [0, 3, 9, 12, whole.len() - 1] {
            assert!(tables(&whole[..length]).is_err() || length == HEADER_LENGTH, "{length}");
        }
    }
}
