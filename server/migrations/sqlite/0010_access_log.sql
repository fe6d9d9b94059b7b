-- Who read whose sensitive value in full: ids and codes, chained by hashes (`readings.rs`). Lines are added, and that is all: the
-- database refuses the rest, so that a slip does no harm. It holds nobody off who may change triggers; the chain shows what they did.
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
    prev blob not null,
    hash blob not null,
    primary key (county, seq)
) strict, without rowid;
create unique index access_log_by_id on access_log (county, id);
create index access_log_by_person on access_log (county, person, seq);
create index access_log_by_unit on access_log (county, unit, seq);

create trigger access_log_stays before update on access_log begin
    select raise(abort, 'lines of the access log stay as they are');
end;
create trigger access_log_keeps before delete on access_log begin
    select raise(abort, 'lines of the access log stay where they are');
end;
