-- +goose Up

-- What came of comparing VIMs with the records, by VIM connection, and the repairs that the policy has begun, by VNF.
create table reconcile (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index reconcile_due on reconcile (lane, due) where due is not null;
create index reconcile_key on reconcile (key);
create index reconcile_grp on reconcile (grp, state);
