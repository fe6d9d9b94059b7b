//! The address of a database: `postgres://user:password@host:port,host:port/name?…`, never shown again.
//!
//! Several hosts are a primary and its standbys, in any order; which of them is the primary is asked when connecting.

use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

use crate::store::{Result, StoreError};

/// What may stand after the question mark. An unknown word is refused here, since sqlx would log it with its value.
const PARAMETERS: [&str; 14] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "statement-cache-capacity",
    TARGET,
];
/// libpq's word for asking which host takes writes. We always ask, so it says nothing new.
const TARGET: &str = "target_session_attrs";
/// What every connection asks for. Locks are waited for so long; a process that hangs in mid-transaction loses its locks;
/// a peer that fell silent is noticed. There is no statement timeout: one that strikes while a commit waits for the
/// standby makes PostgreSQL report the commit as done.
const SETTINGS: [(&str, &str); 6] = [
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("statement_timeout", "0"),
    ("tcp_keepalives_idle", "20"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "3"),
];

/// How to connect to each host of the address.
///
/// # Errors
/// [`StoreError::Address`] with what is wrong, but never with the address.
pub(super) fn parse(url: &str) -> Result<Vec<PgConnectOptions>> {
    let wrong = |what: &str| StoreError::Address(what.to_owned());
    let rest = url
        .strip_prefix("postgres://")
        .or_else(|| url.strip_prefix("postgresql://"))
        .ok_or_else(|| wrong("it must begin with postgres://"))?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(end);
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    let mut kept = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let name = pair.split('=').next().unwrap_or_default();
        if !PARAMETERS.contains(&name) && !name.starts_with("options[") {
            return Err(wrong("it has a parameter that is not known"));
        }
        if name != TARGET {
            kept.push(pair);
        }
    }
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    hosts
        .split(',')
        .map(|host| {
            let options = PgConnectOptions::from_str(&format!("postgres://{user}{host}{path}{query}"));
            // What the parser says may repeat a part of the address.
            let options =
                options.map_err(|_| wrong("its form is postgres://user:password@host:port/name"))?;
            Ok(options.application_name("zoufang-server").options(SETTINGS))
        })
        .collect()
}

/// Host, port and database, for messages.
pub(super) fn place(options: &PgConnectOptions) -> String {
    let host = options.get_socket().map_or(options.get_host().to_owned(), |path| path.display().to_string());
    let name = options.get_database().unwrap_or(options.get_username());
    format!("{host}:{}/{name}", options.get_port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_are_one_address() {
        let all =
            parse("postgres://u:p%40w@one:5433,two/zoufang?sslmode=disable&target_session_attrs=read-write");
        let places: Vec<String> = all.unwrap().iter().map(place).collect();
        assert_eq!(places, ["one:5433/zoufang", "two:5432/zoufang"]);
        let socket = parse("postgres:///zoufang?host=/run/pg&port=5444&user=u").unwrap();
        assert_eq!(place(&socket[0]), "/run/pg:5444/zoufang");
    }

    #[test]
    fn what_is_wrong_is_said_without_the_address() {
        for url in [
            "mysql://u:secret@h/d",
            "postgres://u:secret@h:port/d",
            "postgres://u:x@h/d?pass=secret",
            "secret",
        ] {
            let said = format!("{0} {0:?}", parse(url).unwrap_err());
            assert!(said.contains("the database URL cannot be used") && !said.contains("secret"), "{said}");
        }
    }
}
