-- What the office reads of a document is one body, which is sealed before it comes here (`store/at_rest.rs`). Segments and
-- projections are made anew from the log when the program finds that the data are not sealed yet.
delete from segment;
delete from visit_person;
drop table person;
drop table visit;
drop table contact;

create table person (
    county integer not null,
    unit integer not null,
    doc blob not null,
    body blob not null,
    primary key (county, unit, doc)
) strict, without rowid;

create table visit (
    county integer not null,
    unit integer not null,
    happened_on text not null,
    doc blob not null,
    created_by integer not null,
    received_at integer not null,
    body blob not null,
    primary key (county, doc)
) strict, without rowid;
create index visit_by_day on visit (county, unit, happened_on, doc);

create table contact (
    county integer not null,
    unit integer not null,
    happened_on text not null,
    doc blob not null,
    person blob,
    created_by integer not null,
    received_at integer not null,
    body blob not null,
    primary key (county, doc)
) strict, without rowid;
create index contact_by_day on contact (county, unit, happened_on, doc);
