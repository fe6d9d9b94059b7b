//! The list of a database's migrations, as sqlx takes it.

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};

/// Number, name and text of each migration, in order; one that was released is never edited.
pub(super) type Migrations = &'static [(i64, &'static str, &'static str)];

/// What applies those that a database has not seen.
pub(super) fn migrator(migrations: Migrations) -> Migrator {
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into_sql_str(), false)
    };
    Migrator::with_migrations(migrations.iter().map(migration).collect())
}
