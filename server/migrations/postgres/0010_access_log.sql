-- Who read whose sensitive value in full: ids and codes, chained by hashes (`readings.rs`). Lines are added, and that is all: the
-- database refuses the rest, so that a slip does no harm. It holds nobody off who may change triggers; the chain shows what they did.
create table access_log (
    county bigint not null,
    seq bigint not null,
    id bytea not null,
    user_id bigint not null,
    device bigint not null,
    unit bigint not null,
    person bytea not null,
    what text not null,
    why text not null,
    read_at bigint not null,
    received_at bigint not null,
    prev bytea not null,
    hash bytea not null,
    primary key (county, seq)
);
create unique index access_log_by_id on access_log (county, id);
create index access_log_by_person on access_log (county, person, seq);
create index access_log_by_unit on access_log (county, unit, seq);

create function access_log_stays() returns trigger language plpgsql as $$
begin
    raise exception 'lines of the access log stay as they are';
end
$$;
create trigger access_log_stays before update or delete on access_log for each row execute function access_log_stays();
create trigger access_log_keeps before truncate on access_log for each statement execute function access_log_stays();
