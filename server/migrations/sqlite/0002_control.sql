-- What happens to documents and devices besides changes.

-- Control records share the numbers of their unit's log.
create table control (
    county integer not null,
    unit integer not null,
    seq integer not null,
    record blob not null,
    primary key (county, unit, seq)
) strict, without rowid;

-- How often changes were taken out of the log: a segment read before is not kept after.
alter table unit_log add column cuts integer not null default 0;
alter table doc add column re_rooted integer not null default 0;
-- The digest up to a change is no longer true once an earlier one is taken out.
alter table log drop column digest;
create index doc_by_unit on doc (county, unit, doc);

-- Erased documents by the hash of their id, in each unit whose log says so.
create table erased (
    county integer not null,
    key blob not null,
    unit integer not null,
    seq integer not null,
    erased_at integer not null,
    primary key (county, key, unit)
) strict, without rowid;

create table moved (
    county integer not null,
    doc blob not null,
    moved_at integer not null,
    from_unit integer not null,
    to_unit integer not null,
    primary key (county, doc, moved_at, from_unit)
) strict, without rowid;

-- Up to where a device holds a unit's log, as it last said.
create table device_cursor (
    county integer not null,
    device integer not null,
    unit integer not null,
    seq integer not null,
    noted_at integer not null,
    primary key (county, device, unit)
) strict, without rowid;

alter table device add column former blob;
alter table device add column ticket integer;
alter table device add column ticket_shown integer;
alter table device add column ticket_first blob;
