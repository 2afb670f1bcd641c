-- +goose Up

-- Credentials, sealed by package secret before they come here; nothing else of the database holds any.
create table secrets (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index secrets_due on secrets (lane, due) where due is not null;
create index secrets_key on secrets (key);
create index secrets_grp on secrets (grp, state);
-- What subscribers are to be told, until each has been.
create table notifications (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index notifications_due on notifications (lane, due) where due is not null;
create index notifications_key on notifications (key);
create index notifications_grp on notifications (grp, state);
