-- +goose Up

-- What callers were denied, counted by caller, route and minute.
create table denials (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index denials_due on denials (lane, due) where due is not null;
create index denials_key on denials (key);
create index denials_grp on denials (grp, state);
