-- Who saw a sensitive value in full, when, on which device and why, as a chain of hashes (`readings.rs`). Ids and codes only.
create table access_log (
    county integer not null,
    seq integer not null,
    id blob not null,
    user integer not null,
    device integer not null,
    unit integer not null,
    person blob not null,
    what text not null,
    why text not null,
    read_at integer not null,
    received_at integer not null,
    hash blob not null,
    primary key (county, seq)
) strict, without rowid;
create unique index access_log_by_id on access_log (county, id);
create index access_log_by_person on access_log (county, person, seq);
create index access_log_by_unit on access_log (county, unit, seq);
create trigger access_log_no_update before update on access_log begin select raise(abort, 'append only'); end;
create trigger access_log_no_delete before delete on access_log begin select raise(abort, 'append only'); end;
