-- When a device was heard of last, and when it said that it has wiped itself; and what a revoked device brought.
alter table device add column seen_at integer;
alter table device add column wiped_at integer;

create table late (
    county integer not null,
    device integer not null,
    hash blob not null,
    doc blob not null,
    kind integer not null,
    unit integer not null,
    raw blob not null,
    received_at integer not null,
    place integer not null,
    primary key (county, device, hash)
) strict, without rowid;
