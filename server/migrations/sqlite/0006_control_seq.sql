-- The number of a log's last control record: a device that has read it has read them all.
alter table unit_log add column control_seq integer not null default 0;
update unit_log set control_seq = coalesce(
    (select max(c.seq) from control c where c.county = unit_log.county and c.unit = unit_log.unit), 0);
