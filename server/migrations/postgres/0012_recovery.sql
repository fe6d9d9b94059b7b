-- Phones whose PIN is forgotten and that ask to be let in. Both parts are sealed to keys that the server does not have.
create table recovery (
    county bigint not null,
    device bigint not null,
    request bytea not null,
    asked_at bigint not null,
    answer bytea,
    primary key (county, device)
);
