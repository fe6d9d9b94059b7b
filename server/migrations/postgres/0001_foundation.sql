-- The first schema: the tables of SQLite's, in PostgreSQL's words. Every key begins with the county, so that the tables can be
-- distributed by county. Times are milliseconds since 1970; ids of 64 bits are stored as the signed number with the same
-- bits. Numbers are bigint throughout and texts sort by their bytes, as in SQLite, whatever the database's locale.

create table meta (
    county bigint not null,
    key text collate "C" not null,
    value bigint not null,
    primary key (county, key)
);

create table unit (
    county bigint not null,
    unit bigint not null,
    parent bigint,
    level text collate "C" not null,
    kind text collate "C" not null,
    name text collate "C" not null,
    short_name text collate "C" not null,
    pinyin text collate "C" not null,
    initials text collate "C" not null,
    primary key (county, unit)
);

-- A code or a name of a unit, and the years in which the statistical list had it; an open end is null.
create table unit_code (
    county bigint not null,
    code text collate "C" not null,
    from_year bigint not null,
    until_year bigint,
    unit bigint not null,
    name text collate "C" not null,
    primary key (county, code, from_year)
);

-- `user` and `row` are words of PostgreSQL's own.
create table account (
    county bigint not null,
    user_id bigint not null,
    login text collate "C" not null,
    name text collate "C" not null,
    role text collate "C" not null,
    unit bigint not null,
    password text collate "C" not null,
    disabled_at bigint,
    primary key (county, user_id),
    unique (county, login)
);

create table device (
    county bigint not null,
    device bigint not null,
    user_id bigint not null,
    label text collate "C" not null,
    enrolled_at bigint not null,
    revoked_at bigint,
    primary key (county, device)
);

create table session (
    county bigint not null,
    token_hash bytea not null,
    device bigint not null,
    user_id bigint not null,
    expires_at bigint not null,
    primary key (county, token_hash)
);
create index session_device on session (county, device);

-- Sign-in tries that failed or are under way; `key` is a hash of the account name or of the address.
create table login_try (
    county bigint not null,
    key bytea not null,
    at bigint not null,
    nonce bigint not null,
    primary key (county, key, at, nonce)
);
create index login_try_at on login_try (county, at);

-- One row a unit, written with every change: room is left on its pages, so that an update need not touch an index.
create table unit_log (
    county bigint not null,
    unit bigint not null,
    last_seq bigint not null,
    digest bytea not null,
    count bigint not null,
    bytes bigint not null,
    primary key (county, unit)
) with (fillfactor = 50);

-- The truth: accepted changes, in the order of each unit. `digest` is the unit's digest up to and with this change. The
-- primary key is what makes commit order the order of the numbers: who would take a number that another open
-- transaction has taken waits for it, and then fails.
create table log (
    county bigint not null,
    unit bigint not null,
    seq bigint not null,
    doc bytea not null,
    kind bigint not null,
    hash bytea not null,
    raw bytea not null,
    device bigint not null,
    user_id bigint not null,
    actor bytea not null,
    change_seq bigint not null,
    start_op bigint not null,
    max_op bigint not null,
    received_at bigint not null,
    digest bytea not null,
    primary key (county, unit, seq),
    unique (county, hash),
    unique (county, doc, actor, change_seq)
);

-- What the gate must know of a document without opening it, and its newest row for lists.
create table doc (
    county bigint not null,
    doc bytea not null,
    kind bigint not null,
    unit bigint not null,
    created_by bigint not null,
    max_op bigint not null,
    bytes bigint not null,
    changes bigint not null,
    list_row bytea not null,
    primary key (county, doc)
) with (fillfactor = 80);

-- Answers that never change again: full ranges of a unit's log, encoded and compressed once.
create table segment (
    county bigint not null,
    unit bigint not null,
    from_seq bigint not null,
    to_seq bigint not null,
    bytes bigint not null,
    frame bytea not null,
    primary key (county, unit, from_seq)
);
-- Compressed already.
alter table segment alter column frame set storage external;

-- Projections for the office. They can be built again from the log.
create table person (
    county bigint not null,
    unit bigint not null,
    doc bytea not null,
    name text collate "C" not null,
    search text collate "C" not null,
    kind text collate "C",
    birth_year bigint,
    phone_masked text collate "C",
    id_masked text collate "C",
    primary key (county, unit, doc)
);

create table visit (
    county bigint not null,
    unit bigint not null,
    happened_on text collate "C" not null,
    doc bytea not null,
    channel text collate "C",
    result text collate "C",
    reasons text collate "C" not null,
    needs text collate "C" not null,
    created_by bigint not null,
    received_at bigint not null,
    primary key (county, doc)
);
create index visit_by_day on visit (county, unit, happened_on, doc);

create table visit_person (
    county bigint not null,
    visit bytea not null,
    person bytea not null,
    primary key (county, visit, person)
);
create index visit_person_person on visit_person (county, person, visit);

create table contact (
    county bigint not null,
    unit bigint not null,
    happened_on text collate "C" not null,
    doc bytea not null,
    person bytea,
    topic text collate "C",
    channel text collate "C",
    result text collate "C",
    created_by bigint not null,
    received_at bigint not null,
    primary key (county, doc)
);
create index contact_by_day on contact (county, unit, happened_on, doc);
