-- The changes that a document had before it began anew: one that is pushed once more was taken in already.
create table replaced (
    county integer not null,
    doc blob not null,
    hash blob not null,
    primary key (county, doc, hash)
) strict, without rowid;
