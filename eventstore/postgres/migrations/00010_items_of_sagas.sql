-- +goose Up

-- A saga is a row that is small, a plan that is written once, and a row for each item. Sagas stored before keep all of it in
-- data until they end.
alter table saga_instances add column plan text;
create table saga_items (
  saga text collate "C" not null,
  no integer not null, -- in the order of planning, from 1
  version bigint not null, -- of the saga that wrote it
  data text,
  primary key (saga, no)
) with (fillfactor = 70);

-- A transaction is one row, with the last offsets of the lanes before it, in order of the lanes it wrote to.
alter table commits alter column lane drop not null, alter column event_off drop not null, alter column outbox_off drop not null;
alter table commits add column events bigint[], add column messages bigint[];

-- A mark is looked for with its saga, by which it goes as well: one index does for both.
alter table processed_replies drop constraint processed_replies_pkey;
alter table processed_replies add primary key (saga, message_id);
drop index processed_replies_saga;
