-- Phones whose PIN is forgotten and that ask to be let in. Both parts are sealed to keys that the server does not have.
create table recovery (
    county integer not null,
    device integer not null,
    request blob not null,
    asked_at integer not null,
    answer blob,
    primary key (county, device)
) strict, without rowid;
