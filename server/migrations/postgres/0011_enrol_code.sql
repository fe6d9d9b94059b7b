-- One-time codes with which a user enrols a phone, where the server asks for them; hashed with a key of the server's.
create table enrol_code (
    county bigint not null,
    user_id bigint not null,
    hash bytea not null,
    expires_at bigint not null,
    primary key (county, user_id)
);
