-- +goose Up

-- Snapshots of many versions of a stream, for its past.
alter table snapshots drop constraint snapshots_pkey;
alter table snapshots add primary key (stream, version);
