-- +goose Up

-- A node is one run of the program; its leases hold as long as it lives.
create table nodes (
  id text collate "C" primary key,
  name text not null,
  version text not null,
  url text not null,
  roles text not null, -- a JSON array
  knows integer not null,
  started bigint not null, -- milliseconds since 1970, as until
  until bigint not null,
  stopped boolean not null
) with (fillfactor = 50);
create table role_leases (
  role text collate "C" not null,
  lane integer not null,
  owner text collate "C" not null,
  epoch bigint not null,
  primary key (role, lane)
) with (fillfactor = 50);

-- A cursor belongs to a role. A program of before holds nothing any more.
alter table cursors add column role text collate "C" not null default '';
update cursors set epoch = 0, role = case consumer
    when 'replies' then 'orchestrator' when 'vim-replies' then 'orchestrator' when 'configuration' then 'vim-manager'
    when 'vim-manager' then 'vim-manager' when 'nfvo-manager' then 'nfvo-manager'
    when 'projection:lifecycle' then 'projector' when 'projection:notifications' then 'notifier' else '' end;
update lane_leases set owner = 'a newer program', epoch = epoch + 1, until = 9223372036854775807;
