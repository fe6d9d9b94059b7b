-- Who saw a sensitive value in full, when, on which device and why, as a chain of hashes (`readings.rs`). Ids and codes only.
create table access_log (
    county bigint not null,
    seq bigint not null,
    id bytea not null,
    user_id bigint not null,
    device bigint not null,
    unit bigint not null,
    person bytea not null,
    what text collate "C" not null,
    why text collate "C" not null,
    read_at bigint not null,
    received_at bigint not null,
    hash bytea not null,
    primary key (county, seq)
);
create unique index access_log_by_id on access_log (county, id);
create index access_log_by_person on access_log (county, person, seq);
create index access_log_by_unit on access_log (county, unit, seq);
create function access_log_append_only() returns trigger language plpgsql as $$
begin
    raise exception 'append only';
end
$$;
create trigger access_log_append_only before update or delete or truncate on access_log
    for each statement execute function access_log_append_only();
