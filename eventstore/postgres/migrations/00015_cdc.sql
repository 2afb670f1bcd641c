-- +goose Up

-- What a record on Kafka needs is in the row, whoever makes the record of it. Data that is too large for a record is in large, and
-- the other column is null: the publication leaves large out, and ce_dataref says where the data is.
alter table outbox add column ce_outbox text, add column ce_dataref text, add column large bytea;
alter table events add column ce_outbox text, add column ce_dataref text, add column large bytea;

-- Who publishes the outbox and the events: the relay (polling) or Kafka Connect (cdc). Each change has another epoch.
create table publishing (
  one boolean primary key default true check (one),
  mode text not null default 'polling',
  wanted text not null default 'polling', -- what the node that started last is set to
  epoch bigint not null default 0,
  reason text not null default '',
  since timestamptz not null default now()
);
insert into publishing default values;
