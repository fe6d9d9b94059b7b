//! Writing what the office reads of a document.

use zoufang_core::record::{DocId, UnitId};

use super::codec::failed;
use super::tx::SqliteTx;
use crate::crash::crash_point;
use crate::store::Result;
use crate::store::office::{ContactProjection, PersonProjection, Projection, VisitProjection};

impl SqliteTx {
    pub(super) async fn put_person(
        &mut self,
        doc: DocId,
        unit: UnitId,
        person: &PersonProjection,
    ) -> Result<()> {
        let sql = "insert into person (county, unit, doc, body) values (?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&doc.0[..])
            .bind(&person.body)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    pub(super) async fn put_visit(
        &mut self,
        doc: DocId,
        unit: UnitId,
        visit: &VisitProjection,
    ) -> Result<()> {
        let sql = "insert into visit (county, unit, happened_on, doc, created_by, received_at, body) values (?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&visit.happened_on)
            .bind(&doc.0[..])
            .bind(i64::from(visit.created_by.0))
            .bind(visit.received_at.0)
            .bind(&visit.body)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        crash_point!("projection.visit.after");
        for person in &visit.people {
            let sql = "insert or ignore into visit_person (county, visit, person) values (?, ?, ?)";
            sqlx::query(sql)
                .bind(self.county)
                .bind(&doc.0[..])
                .bind(&person.0[..])
                .execute(&mut *self.tx)
                .await
                .map_err(failed)?;
        }
        Ok(())
    }

    pub(super) async fn put_contact(
        &mut self,
        doc: DocId,
        unit: UnitId,
        contact: &ContactProjection,
    ) -> Result<()> {
        let sql =
            "insert into contact (county, unit, happened_on, doc, person, created_by, received_at, body)
            values (?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&contact.happened_on)
            .bind(&doc.0[..])
            .bind(contact.person.map(|person| person.0.to_vec()))
            .bind(i64::from(contact.created_by.0))
            .bind(contact.received_at.0)
            .bind(&contact.body)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Takes away what the office reads of a document, before it is put there anew.
    pub(super) async fn delete_projection(
        &mut self,
        doc: DocId,
        unit: UnitId,
        projection: &Projection,
    ) -> Result<()> {
        match projection {
            Projection::Person(_) => {
                let sql = "delete from person where county = ? and unit = ? and doc = ?";
                let query = sqlx::query(sql).bind(self.county).bind(i64::from(unit.0)).bind(&doc.0[..]);
                query.execute(&mut *self.tx).await.map_err(failed)?;
            }
            Projection::Visit(_) => {
                self.delete("delete from visit where county = ? and doc = ?", doc).await?;
                self.delete("delete from visit_person where county = ? and visit = ?", doc).await?;
                crash_point!("projection.delete.after");
            }
            Projection::Contact(_) => {
                self.delete("delete from contact where county = ? and doc = ?", doc).await?;
            }
            Projection::Nothing => {}
        }
        Ok(())
    }

    pub(super) async fn delete(&mut self, sql: &'static str, doc: DocId) -> Result<()> {
        sqlx::query(sql).bind(self.county).bind(&doc.0[..]).execute(&mut *self.tx).await.map_err(failed)?;
        Ok(())
    }
}
