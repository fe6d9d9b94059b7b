-- The first schema. Every key begins with the county, so that the same tables can be distributed by county on a larger
-- database. Times are milliseconds since 1970; ids of 64 bits are stored as the signed number with the same bits.

create table meta (
    county integer not null,
    key text not null,
    value integer not null,
    primary key (county, key)
) strict, without rowid;

create table unit (
    county integer not null,
    unit integer not null,
    parent integer,
    level text not null,
    kind text not null,
    name text not null,
    short_name text not null,
    pinyin text not null,
    initials text not null,
    primary key (county, unit)
) strict, without rowid;

-- A code or a name of a unit, and the years in which the statistical list had it; an open end is null.
create table unit_code (
    county integer not null,
    code text not null,
    from_year integer not null,
    until_year integer,
    unit integer not null,
    name text not null,
    primary key (county, code, from_year)
) strict, without rowid;

create table user (
    county integer not null,
    user integer not null,
    login text not null,
    name text not null,
    role text not null,
    unit integer not null,
    password text not null,
    disabled_at integer,
    primary key (county, user),
    unique (county, login)
) strict, without rowid;

create table device (
    county integer not null,
    device integer not null,
    user integer not null,
    label text not null,
    enrolled_at integer not null,
    revoked_at integer,
    primary key (county, device)
) strict, without rowid;

create table session (
    county integer not null,
    token_hash blob not null,
    device integer not null,
    user integer not null,
    expires_at integer not null,
    primary key (county, token_hash)
) strict, without rowid;
create index session_device on session (county, device);

-- Sign-in tries that failed or are under way; `key` is a hash of the account name or of the address.
create table login_try (
    county integer not null,
    key blob not null,
    at integer not null,
    nonce integer not null,
    primary key (county, key, at, nonce)
) strict, without rowid;

create table unit_log (
    county integer not null,
    unit integer not null,
    last_seq integer not null,
    digest blob not null,
    count integer not null,
    bytes integer not null,
    primary key (county, unit)
) strict, without rowid;

-- The truth: accepted changes, in the order of each unit. `digest` is the unit's digest up to and with this change.
create table log (
    county integer not null,
    unit integer not null,
    seq integer not null,
    doc blob not null,
    kind integer not null,
    hash blob not null,
    raw blob not null,
    device integer not null,
    user integer not null,
    actor blob not null,
    change_seq integer not null,
    start_op integer not null,
    max_op integer not null,
    received_at integer not null,
    digest blob not null,
    primary key (county, unit, seq),
    unique (county, hash),
    unique (county, doc, actor, change_seq)
) strict, without rowid;

-- What the gate must know of a document without opening it, and its newest row for lists.
create table doc (
    county integer not null,
    doc blob not null,
    kind integer not null,
    unit integer not null,
    created_by integer not null,
    max_op integer not null,
    bytes integer not null,
    changes integer not null,
    row blob not null,
    primary key (county, doc)
) strict, without rowid;

-- Answers that never change again: full ranges of a unit's log, encoded and compressed once.
create table segment (
    county integer not null,
    unit integer not null,
    from_seq integer not null,
    to_seq integer not null,
    bytes integer not null,
    frame blob not null,
    primary key (county, unit, from_seq)
) strict;

-- Projections for the office. They can be built again from the log.
create table person (
    county integer not null,
    unit integer not null,
    doc blob not null,
    name text not null,
    search text not null,
    kind text,
    birth_year integer,
    phone_masked text,
    id_masked text,
    primary key (county, unit, doc)
) strict, without rowid;

create table visit (
    county integer not null,
    unit integer not null,
    happened_on text not null,
    doc blob not null,
    channel text,
    result text,
    reasons text not null,
    needs text not null,
    created_by integer not null,
    received_at integer not null,
    primary key (county, doc)
) strict, without rowid;
create index visit_by_day on visit (county, unit, happened_on, doc);

create table visit_person (
    county integer not null,
    visit blob not null,
    person blob not null,
    primary key (county, visit, person)
) strict, without rowid;
create index visit_person_person on visit_person (county, person, visit);

create table contact (
    county integer not null,
    unit integer not null,
    happened_on text not null,
    doc blob not null,
    person blob,
    topic text,
    channel text,
    result text,
    created_by integer not null,
    received_at integer not null,
    primary key (county, doc)
) strict, without rowid;
create index contact_by_day on contact (county, unit, happened_on, doc);
