-- +goose Up

-- What callers were denied, counted by caller, route and minute.
create table denials (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index denials_due on denials (lane, due) where due is not null;
create index denials_key on denials (key);
create index denials_grp on denials (grp, state);
