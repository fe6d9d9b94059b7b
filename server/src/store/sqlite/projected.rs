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
        let sql =
            "insert into person (county, unit, doc, name, search, kind, birth_year, phone_masked, id_masked)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&doc.0[..])
            .bind(&person.name)
            .bind(&person.search)
            .bind(&person.kind)
            .bind(person.birth_year)
            .bind(&person.phone_masked)
            .bind(&person.id_masked)
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
        let sql = "insert into visit (county, unit, happened_on, doc, channel, result, reasons, needs, created_by, received_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&visit.happened_on)
            .bind(&doc.0[..])
            .bind(&visit.channel)
            .bind(&visit.result)
            .bind(visit.reasons.join(" "))
            .bind(visit.needs.join(" "))
            .bind(i64::from(visit.created_by.0))
            .bind(visit.received_at.0)
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
        let sql = "insert into contact (county, unit, happened_on, doc, person, topic, channel, result, created_by, received_at)
            values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        sqlx::query(sql)
            .bind(self.county)
            .bind(i64::from(unit.0))
            .bind(&contact.happened_on)
            .bind(&doc.0[..])
            .bind(contact.person.map(|person| person.0.to_vec()))
            .bind(&contact.topic)
            .bind(&contact.channel)
            .bind(&contact.result)
            .bind(i64::from(contact.created_by.0))
            .bind(contact.received_at.0)
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
