-- +goose Up

-- A node is one run of the program; its leases hold as long as it lives.
create table nodes (
  id text primary key,
  name text not null,
  version text not null,
  url text not null,
  roles text not null, -- a JSON array
  knows integer not null,
  started integer not null, -- milliseconds since 1970, as until
  until integer not null,
  stopped integer not null
) strict, without rowid;
create table role_leases (
  role text not null,
  lane integer not null,
  owner text not null,
  epoch integer not null,
  primary key (role, lane)
) strict, without rowid;

-- A cursor belongs to a role. A program of before holds nothing any more.
alter table cursors add column role text not null default '';
update cursors set epoch = 0, role = case consumer
    when 'replies' then 'orchestrator' when 'vim-replies' then 'orchestrator' when 'configuration' then 'vim-manager'
    when 'vim-manager' then 'vim-manager' when 'nfvo-manager' then 'nfvo-manager'
    when 'projection:lifecycle' then 'projector' when 'projection:notifications' then 'notifier' else '' end;
update lane_leases set owner = 'a newer program', epoch = epoch + 1, until = 9223372036854775807;
