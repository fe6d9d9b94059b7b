-- One-time codes with which a user enrols a phone, where the server asks for them; hashed with a key of the server's.
create table enrol_code (
    county integer not null,
    user integer not null,
    hash blob not null,
    expires_at integer not null,
    primary key (county, user)
) strict, without rowid;
