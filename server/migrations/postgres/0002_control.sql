-- What happens to documents and devices besides changes; see the SQLite migration of the same name.

create table control (
    county bigint not null,
    unit bigint not null,
    seq bigint not null,
    record bytea not null,
    primary key (county, unit, seq)
);

alter table unit_log add column cuts bigint not null default 0;
alter table doc add column re_rooted bigint not null default 0;
alter table log drop column digest;
create index doc_by_unit on doc (county, unit, doc);

create table erased (
    county bigint not null,
    key bytea not null,
    unit bigint not null,
    seq bigint not null,
    erased_at bigint not null,
    primary key (county, key, unit)
);

create table moved (
    county bigint not null,
    doc bytea not null,
    moved_at bigint not null,
    from_unit bigint not null,
    to_unit bigint not null,
    primary key (county, doc, moved_at, from_unit)
);

create table device_cursor (
    county bigint not null,
    device bigint not null,
    unit bigint not null,
    seq bigint not null,
    noted_at bigint not null,
    primary key (county, device, unit)
);

alter table device add column former bytea;
alter table device add column ticket bigint;
alter table device add column ticket_shown bigint;
alter table device add column ticket_first bytea;
