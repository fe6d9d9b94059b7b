-- When a device was heard of last, and when it said that it has wiped itself; and what a revoked device brought.
alter table device add column seen_at bigint;
alter table device add column wiped_at bigint;

create table late (
    county bigint not null,
    device bigint not null,
    hash bytea not null,
    doc bytea not null,
    kind bigint not null,
    unit bigint not null,
    raw bytea not null,
    received_at bigint not null,
    place bigint not null,
    primary key (county, device, hash)
);
