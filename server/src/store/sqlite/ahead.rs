//! Reading ahead what the gate will ask: five statements for any number of changes, where each change would take five.

use std::collections::BTreeSet;

use zoufang_core::record::{ChangeHash, DocId};

use super::codec::{docs_json, failed, hex_json};
use super::tx::SqliteTx;
use crate::store::Result;
use crate::store::codec::{to_bytes, to_doc, to_hash, to_u64};
use crate::store::control::erased_key;
use crate::store::decode::{entry_of, known_of, state_of};
use crate::store::known::Number;

impl SqliteTx {
    pub(super) async fn read_docs(&mut self, of: &BTreeSet<DocId>) -> Result<()> {
        let wanted = self.known.docs_to_read(of);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select doc, kind, unit, created_by, max_op, bytes, changes, re_rooted from doc
            where county = ? and doc in (select unhex(value) from json_each(?))";
        let query = sqlx::query(sql).bind(self.county).bind(docs_json(&wanted));
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        self.known.docs.extend(wanted.iter().map(|doc| (*doc, None)));
        for row in &rows {
            let state = state_of(row)?;
            self.known.docs.insert(state.doc, Some(state));
        }
        let known = &self.known.docs;
        self.new.extend(wanted.iter().filter(|doc| known.get(doc) == Some(&None)));
        self.read_erased(of).await
    }

    async fn read_erased(&mut self, of: &BTreeSet<DocId>) -> Result<()> {
        let wanted = self.known.erased_to_read(of);
        if wanted.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = wanted.iter().map(|doc| erased_key(*doc)).collect();
        let sql =
            "select key from erased where county = ? and key in (select unhex(value) from json_each(?))";
        let query = sqlx::query(sql).bind(self.county).bind(hex_json(keys.iter().map(|key| &key[..])));
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        let found = rows.iter().map(|row| to_bytes(row, 0)).collect::<Result<BTreeSet<_>>>()?;
        self.known.erased.extend(wanted.iter().zip(&keys).map(|(doc, key)| (*doc, found.contains(&key[..]))));
        Ok(())
    }

    pub(super) async fn read_changes(&mut self, hashes: &BTreeSet<ChangeHash>) -> Result<()> {
        let wanted = self.known.changes_to_read(hashes);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select doc, seq, max_op, hash from log indexed by sqlite_autoindex_log_2
            where county = ? and hash in (select unhex(value) from json_each(?))";
        let list = hex_json(wanted.iter().map(|hash| &hash.0[..]));
        let query = sqlx::query(sql).bind(self.county).bind(list);
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        self.known.changes.extend(wanted.into_iter().map(|hash| (hash, None)));
        for row in &rows {
            self.known.changes.insert(to_hash(row, 3)?, Some(known_of(row)?));
        }
        Ok(())
    }

    pub(super) async fn read_numbers(&mut self, numbers: &BTreeSet<Number>) -> Result<()> {
        let wanted = self.known.numbers_to_read(numbers);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql = "select l.doc, l.actor, l.change_seq from json_each(?) n cross join log l indexed by sqlite_autoindex_log_3
            where l.county = ? and l.doc = unhex(n.value ->> 0) and l.actor = unhex(n.value ->> 1)
            and l.change_seq = n.value ->> 2";
        let all = wanted.iter().map(|(doc, actor, number)| {
            format!("[\"{}\",\"{}\",{}]", hex::encode(doc.0), hex::encode(actor), number.cast_signed())
        });
        let list = format!("[{}]", all.collect::<Vec<_>>().join(","));
        let query = sqlx::query(sql).bind(list).bind(self.county);
        let rows = query.fetch_all(&mut *self.tx).await.map_err(failed)?;
        self.known.numbers.extend(wanted.into_iter().map(|number| (number, false)));
        for row in &rows {
            self.known.numbers.insert((to_doc(row, 0)?, to_bytes(row, 1)?, to_u64(row, 2)?), true);
        }
        Ok(())
    }

    pub(super) async fn read_histories(&mut self, of: &BTreeSet<DocId>) -> Result<()> {
        let wanted = self.known.histories_to_read(of);
        if wanted.is_empty() {
            return Ok(());
        }
        let sql =
            "select seq, doc, kind, hash, raw, user, received_at from log indexed by sqlite_autoindex_log_3
            where county = ? and doc in (select unhex(value) from json_each(?)) order by seq";
        let query = sqlx::query(sql).bind(self.county).bind(docs_json(&wanted));
        for row in &query.fetch_all(&mut *self.tx).await.map_err(failed)? {
            self.known.add_to_history(entry_of(row)?);
        }
        Ok(())
    }
}
