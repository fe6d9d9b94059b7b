-- The public keys of parcels: the server's, to which phones seal them, and each device's, with which it signs them.
create table public_key (
    county integer not null,
    name text not null,
    value blob not null,
    primary key (county, name)
) strict, without rowid;

alter table device add column sign_key blob;
