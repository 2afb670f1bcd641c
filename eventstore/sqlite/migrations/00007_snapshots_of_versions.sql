-- +goose Up

-- Snapshots of many versions of a stream, for its past.
create table snapshots_of_versions (
  stream text not null,
  version integer not null,
  schema integer not null,
  data text,
  primary key (stream, version)
) strict, without rowid;
insert into snapshots_of_versions (stream, version, schema, data) select stream, version, schema, data from snapshots;
drop table snapshots;
alter table snapshots_of_versions rename to snapshots;
