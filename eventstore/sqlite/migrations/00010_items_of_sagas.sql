-- +goose Up

-- A saga is a row that is small, a plan that is written once, and a row for each item. Sagas stored before keep all of it in
-- data until they end.
alter table saga_instances add column plan text;
create table saga_items (
  saga text not null,
  no integer not null, -- in the order of planning, from 1
  version integer not null, -- of the saga that wrote it
  data text,
  primary key (saga, no)
) without rowid;
