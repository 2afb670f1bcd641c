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
) strict, without rowid;

-- A mark is looked for with its saga, by which it goes as well: one index does for both.
create table marks (
  saga text not null,
  message_id text not null,
  primary key (saga, message_id)
) strict, without rowid;
insert into marks (saga, message_id) select saga, message_id from processed_replies;
drop table processed_replies;
alter table marks rename to processed_replies;
