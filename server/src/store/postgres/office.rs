//! Reading the projections.

use sqlx::postgres::PgRow;
use zoufang_core::record::{DocId, UnitId};

use super::PostgresStore;
use super::codec::{docs, failed, text, units};
use crate::store::Result;
use crate::store::codec::{to_doc, to_text};
use crate::store::decode::{add_visited, contact_of, figures_of, person_of, visit_of};
use crate::store::office::{ContactLine, Filter, PersonLine, UnitFigures, VisitLine};

impl PostgresStore {
    pub(super) async fn read_overview(&self, of: &[UnitId], month: &str) -> Result<Vec<UnitFigures>> {
        let logs: Vec<UnitId> = UnitId(0).logs().collect();
        let sql = "select u.unit,
            (select count(*) from person p where p.county = $1 and p.unit = u.unit),
            (select count(*) from visit v where v.county = $1 and v.unit = u.unit and v.happened_on >= $3 and v.happened_on < $3 || '-99'),
            (select count(*) from visit v where v.county = $1 and v.unit = u.unit),
            (select count(*) from contact c where c.county = $1 and c.unit = u.unit),
            (select max((select l.received_at from log l where l.county = $1 and l.unit = u.unit + c.class order by l.seq desc limit 1))
                from unnest($4::bigint[]) c(class))
            from unnest($2::bigint[]) with ordinality u(unit, place) order by u.place";
        let query = sqlx::query(sql).bind(self.county).bind(units(of)).bind(text(month)).bind(units(&logs));
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(figures_of).collect()
    }

    pub(super) async fn read_visits(&self, filter: &Filter) -> Result<Vec<VisitLine>> {
        let sql = "select doc, unit, happened_on, created_by, received_at, body from visit
            where county = $1 and unit = any($2) and ($3::text is null or happened_on >= $3) and ($4::text is null or happened_on <= $4)
            and ($5::text is null or (happened_on, doc) < ($5, $6::bytea))
            order by happened_on desc, doc desc limit $7";
        let rows = self.listed(sql, filter).await?;
        let mut lines: Vec<VisitLine> = rows.iter().map(visit_of).collect::<Result<_>>()?;
        let listed: Vec<DocId> = lines.iter().map(|line| line.doc).collect();
        let sql = "select vp.visit, vp.person, p.body from visit_person vp
            join visit v on v.county = vp.county and v.doc = vp.visit
            left join person p on p.county = vp.county and p.unit = v.unit and p.doc = vp.person
            where vp.county = $1 and vp.visit = any($2) order by vp.visit, vp.person";
        let query = sqlx::query(sql).bind(self.county).bind(docs(&listed));
        let people = query.fetch_all(&self.read()).await.map_err(failed)?;
        add_visited(&mut lines, &people)?;
        Ok(lines)
    }

    pub(super) async fn read_contacts(&self, filter: &Filter) -> Result<Vec<ContactLine>> {
        let sql = "select c.doc, c.unit, c.happened_on, c.person, c.created_by, c.received_at, c.body, p.body
            from contact c left join person p on p.county = c.county and p.unit = c.unit and p.doc = c.person
            where c.county = $1 and c.unit = any($2) and ($3::text is null or c.happened_on >= $3) and ($4::text is null or c.happened_on <= $4)
            and ($5::text is null or (c.happened_on, c.doc) < ($5, $6::bytea))
            order by c.happened_on desc, c.doc desc limit $7";
        self.listed(sql, filter).await?.iter().map(contact_of).collect()
    }

    pub(super) async fn read_people(&self, of: &[UnitId]) -> Result<Vec<PersonLine>> {
        let sql =
            "select doc, unit, body from person where county = $1 and unit = any($2) order by unit, doc";
        let query = sqlx::query(sql).bind(self.county).bind(units(of));
        query.fetch_all(&self.read()).await.map_err(failed)?.iter().map(person_of).collect()
    }

    pub(super) async fn read_last_visits(&self, people: &[DocId]) -> Result<Vec<(DocId, String)>> {
        let sql = "select vp.person, max(v.happened_on) from visit_person vp join visit v on v.county = vp.county and v.doc = vp.visit
            where vp.county = $1 and vp.person = any($2) group by vp.person";
        let query = sqlx::query(sql).bind(self.county).bind(docs(people));
        let rows = query.fetch_all(&self.read()).await.map_err(failed)?;
        rows.iter().map(|row| Ok((to_doc(row, 0)?, to_text(row, 1)?))).collect()
    }

    async fn listed(&self, sql: &'static str, filter: &Filter) -> Result<Vec<PgRow>> {
        sqlx::query(sql)
            .bind(self.county)
            .bind(units(&filter.units))
            .bind(filter.from.as_deref().map(text))
            .bind(filter.to.as_deref().map(text))
            .bind(filter.after.as_ref().map(|(day, _)| text(day)))
            .bind(filter.after.as_ref().map(|(_, doc)| doc.0.to_vec()))
            .bind(i64::from(filter.limit))
            .fetch_all(&self.read())
            .await
            .map_err(failed)
    }
}
