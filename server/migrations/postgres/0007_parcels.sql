-- The public keys of parcels: the server's, to which phones seal them, and each device's, with which it signs them.
create table public_key (
    county bigint not null,
    name text collate "C" not null,
    value bytea not null,
    primary key (county, name)
);

alter table device add column sign_key bytea;
