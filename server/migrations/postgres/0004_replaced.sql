-- The changes that a document had before it began anew: one that is pushed once more was taken in already.
create table replaced (
    county bigint not null,
    doc bytea not null,
    hash bytea not null,
    primary key (county, doc, hash)
);
