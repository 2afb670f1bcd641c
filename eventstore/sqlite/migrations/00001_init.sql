-- +goose Up
-- Times are integers: microseconds since 1970, UTC. NULL is "no time".
create table lanes (
  lane integer primary key,
  event_off integer not null default 0,
  outbox_off integer not null default 0
) strict;
create table lane_leases (
  lane integer primary key,
  owner text not null default '',
  epoch integer not null default 0,
  until integer not null default 0 -- milliseconds
) strict;
-- +goose StatementBegin
with recursive n(lane) as (select 0 union all select lane + 1 from n where lane < 63)
insert into lanes (lane) select lane from n;
-- +goose StatementEnd
insert into lane_leases (lane) select lane from lanes;

create table cursors (
  consumer text not null,
  lane integer not null,
  off integer not null,
  epoch integer not null,
  primary key (consumer, lane)
) strict, without rowid;

create table streams (
  stream text primary key,
  version integer not null,
  hash blob not null,
  last integer not null
) strict, without rowid;
create table events (
  lane integer not null,
  off integer not null,
  stream text not null,
  version integer not null,
  id text not null,
  type text not null,
  schema integer not null,
  at integer not null,
  meta blob,
  data blob,
  prev blob,
  hash blob not null,
  primary key (lane, off)
) strict;
create unique index events_stream on events (stream, version);
create table snapshots (
  stream text primary key,
  version integer not null,
  schema integer not null,
  data text
) strict, without rowid;

create table saga_instances (
  id text primary key,
  type text not null,
  def_version integer not null,
  key text not null,
  parent text not null,
  state text not null,
  version integer not null,
  lane integer not null,
  data text,
  created integer not null,
  updated integer not null
) strict;
create index saga_instances_key on saga_instances (key);
create index saga_instances_state on saga_instances (state);
create index saga_instances_parent on saga_instances (parent) where parent <> '';
create table saga_steps (
  command_id text primary key,
  saga text not null,
  seq integer not null,
  step text not null,
  item text not null,
  direction text not null,
  attempt integer not null,
  state text not null,
  sent integer,
  replied integer,
  result text,
  class text not null,
  reason text not null
) strict;
create index saga_steps_saga on saga_steps (saga, seq);
create table saga_timeouts (
  id text primary key, -- "<saga>/<name>" for a saga's own
  owner text not null,
  key text not null,
  name text not null,
  token integer not null,
  due integer not null,
  lane integer not null,
  data text
) strict;
create index saga_timeouts_due on saga_timeouts (lane, due);
create table processed_replies (
  message_id text primary key,
  saga text not null
) strict, without rowid;
create index processed_replies_saga on processed_replies (saga);

-- The columns that Debezium's outbox event router expects, and one for each header.
create table outbox (
  lane integer not null,
  off integer not null,
  id text not null,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  payload blob,
  topic text not null,
  ce_source text not null,
  ce_time integer not null,
  correlation text not null,
  causation text not null,
  reply_to text not null,
  traceparent text not null,
  tracestate text not null,
  primary key (lane, off)
) strict;
create table idempotency_keys (
  caller text not null,
  key text not null,
  fingerprint text not null,
  status integer not null,
  header text not null,
  body blob,
  at integer not null,
  primary key (caller, key)
) strict;
create index idempotency_keys_at on idempotency_keys (at);
create table commits (
  id text primary key,
  lane integer not null,
  at integer not null
) strict, without rowid;

create table views (
  kind text not null,
  id text not null,
  revision integer not null,
  parent text not null,
  state text not null,
  name text not null,
  updated integer not null,
  doc text,
  primary key (kind, id)
) strict;
create unique index views_name on views (kind, name) where name <> '';
create index views_parent on views (kind, parent);
create table parked_messages (
  consumer text not null,
  id text not null,
  key text not null,
  seq integer not null,
  message text not null, -- without its data
  payload blob,
  reason text not null,
  at integer not null,
  primary key (consumer, id)
) strict;
create index parked_messages_key on parked_messages (consumer, key);

create table vim_commands (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index vim_commands_due on vim_commands (lane, due) where due is not null;
create index vim_commands_key on vim_commands (key);
create index vim_commands_grp on vim_commands (grp, state);
create table vim_resources (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index vim_resources_due on vim_resources (lane, due) where due is not null;
create index vim_resources_key on vim_resources (key);
create index vim_resources_grp on vim_resources (grp, state);
create table nfvo_commands (
  id text primary key,
  key text not null,
  grp text not null,
  state text not null,
  due integer,
  version integer not null,
  lane integer not null,
  doc text
) strict;
create index nfvo_commands_due on nfvo_commands (lane, due) where due is not null;
create index nfvo_commands_key on nfvo_commands (key);
create index nfvo_commands_grp on nfvo_commands (grp, state);
