-- +goose Up

-- Credentials, sealed by package secret before they come here; nothing else of the database holds any.
create table secrets (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index secrets_due on secrets (lane, due) where due is not null;
create index secrets_key on secrets (key);
create index secrets_grp on secrets (grp, state);
-- What subscribers are to be told, until each has been.
create table notifications (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index notifications_due on notifications (lane, due) where due is not null;
create index notifications_key on notifications (key);
create index notifications_grp on notifications (grp, state);
