-- +goose Up

-- What the participant that configures VNFs was asked for, by the token of the configuration.
create table vnf_commands (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index vnf_commands_due on vnf_commands (lane, due) where due is not null;
create index vnf_commands_key on vnf_commands (key);
create index vnf_commands_grp on vnf_commands (grp, state);
