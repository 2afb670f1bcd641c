-- +goose Up

-- What the participant that configures VNFs was asked for, by the token of the configuration.
create table vnf_commands (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index vnf_commands_due on vnf_commands (lane, due) where due is not null;
create index vnf_commands_key on vnf_commands (key);
create index vnf_commands_grp on vnf_commands (grp, state);
