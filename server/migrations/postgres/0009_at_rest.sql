-- What the office reads of a document is one body, which is sealed before it comes here (`store/at_rest.rs`). Segments and
-- projections are made anew from the log when the program finds that the data are not sealed yet.
delete from segment;
delete from visit_person;
drop table person;
drop table visit;
drop table contact;

create table person (
    county bigint not null,
    unit bigint not null,
    doc bytea not null,
    body bytea not null,
    primary key (county, unit, doc)
);

create table visit (
    county bigint not null,
    unit bigint not null,
    happened_on text collate "C" not null,
    doc bytea not null,
    created_by bigint not null,
    received_at bigint not null,
    body bytea not null,
    primary key (county, doc)
);
create index visit_by_day on visit (county, unit, happened_on, doc);

create table contact (
    county bigint not null,
    unit bigint not null,
    happened_on text collate "C" not null,
    doc bytea not null,
    person bytea,
    created_by bigint not null,
    received_at bigint not null,
    body bytea not null,
    primary key (county, doc)
);
create index contact_by_day on contact (county, unit, happened_on, doc);
