-- +goose Up

-- A guard that does not hold raises: the SQLSTATE says which (see errors.go).
-- +goose StatementBegin
create function vnfm_guard(ok boolean, code text) returns void language plpgsql as $$
begin
  if ok is not true then
    raise exception 'guard % does not hold', code using errcode = code;
  end if;
end
$$;
-- +goose StatementEnd

-- One row per lane is lock and counter of its offsets. Rows are updated by every commit: room for that in the page.
create table lanes (
  lane integer primary key,
  event_off bigint not null default 0,
  outbox_off bigint not null default 0
) with (fillfactor = 10, autovacuum_vacuum_threshold = 5000);
insert into lanes (lane) select generate_series(0, 63);
create table lane_leases (
  lane integer primary key,
  owner text not null default '',
  epoch bigint not null default 0,
  until bigint not null default 0 -- milliseconds since 1970
);
insert into lane_leases (lane) select generate_series(0, 63);
create table cursors (
  consumer text collate "C" not null,
  lane integer not null,
  off bigint not null,
  epoch bigint not null,
  primary key (consumer, lane)
) with (fillfactor = 50);

create table streams (
  stream text collate "C" primary key,
  version bigint not null,
  hash bytea not null,
  last timestamptz not null
) with (fillfactor = 80);
-- Meta and data are bytes: the hash covers them as they were written.
create table events (
  lane integer not null,
  off bigint not null,
  stream text collate "C" not null,
  version bigint not null,
  id text not null,
  type text not null,
  schema integer not null,
  at timestamptz not null,
  meta bytea,
  data bytea,
  prev bytea,
  hash bytea not null,
  constraint events_pkey primary key (lane, off),
  constraint events_stream unique (stream, version)
);
create table snapshots (
  stream text collate "C" primary key,
  version bigint not null,
  schema integer not null,
  data text
);

create table saga_instances (
  id text collate "C" primary key,
  type text not null,
  def_version integer not null,
  key text collate "C" not null,
  parent text collate "C" not null,
  state text not null,
  version bigint not null,
  lane integer not null,
  data text,
  created timestamptz not null,
  updated timestamptz not null
) with (fillfactor = 70);
create index saga_instances_key on saga_instances (key);
create index saga_instances_state on saga_instances (state);
create index saga_instances_parent on saga_instances (parent) where parent <> '';
create table saga_steps (
  command_id text collate "C" primary key,
  saga text collate "C" not null,
  seq integer not null,
  step text not null,
  item text not null,
  direction text not null,
  attempt integer not null,
  state text not null,
  sent timestamptz,
  replied timestamptz,
  result text,
  class text not null,
  reason text not null
) with (fillfactor = 80);
create index saga_steps_saga on saga_steps (saga, seq);
create table saga_timeouts (
  id text collate "C" primary key, -- "<saga>/<name>" for a saga's own
  owner text not null,
  key text not null,
  name text not null,
  token bigint not null,
  due timestamptz not null,
  lane integer not null,
  data text
);
create index saga_timeouts_due on saga_timeouts (lane, due);
create table processed_replies (
  message_id text collate "C" primary key,
  saga text collate "C" not null
);
create index processed_replies_saga on processed_replies (saga);

-- The columns that Debezium's outbox event router expects, and one for each header.
create table outbox (
  lane integer not null,
  off bigint not null,
  id text not null,
  aggregatetype text not null, -- the topic
  aggregateid text not null,   -- the key
  type text not null,
  payload bytea,
  topic text not null,
  ce_source text not null,
  ce_time timestamptz not null,
  correlation text not null,
  causation text not null,
  reply_to text not null,
  traceparent text not null,
  tracestate text not null,
  primary key (lane, off)
);
create table idempotency_keys (
  caller text collate "C" not null,
  key text collate "C" not null,
  fingerprint text not null,
  status integer not null,
  header text not null,
  body bytea,
  at timestamptz not null,
  primary key (caller, key)
);
create index idempotency_keys_at on idempotency_keys (at);
-- Every commit, with the offsets it began after: how an outcome is looked up when the acknowledgement was lost.
create table commits (
  id text collate "C" primary key,
  lane integer not null,
  event_off bigint not null,
  outbox_off bigint not null,
  at timestamptz not null
);
create index commits_at on commits using brin (at);

create table views (
  kind text collate "C" not null,
  id text collate "C" not null,
  revision bigint not null,
  parent text collate "C" not null,
  state text not null,
  name text collate "C" not null,
  updated timestamptz not null,
  doc text,
  primary key (kind, id)
) with (fillfactor = 70);
create unique index views_name on views (kind, name) where name <> '';
create index views_parent on views (kind, parent);
create table parked_messages (
  consumer text collate "C" not null,
  id text collate "C" not null,
  key text collate "C" not null,
  seq bigint not null,
  message text not null, -- without its data
  payload bytea,
  reason text not null,
  at timestamptz not null,
  primary key (consumer, id)
);
create index parked_messages_key on parked_messages (consumer, key);
create index parked_messages_id on parked_messages (id);

create table vim_commands (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index vim_commands_due on vim_commands (lane, due) where due is not null;
create index vim_commands_key on vim_commands (key);
create index vim_commands_grp on vim_commands (grp, state);
create table vim_resources (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index vim_resources_due on vim_resources (lane, due) where due is not null;
create index vim_resources_key on vim_resources (key);
create index vim_resources_grp on vim_resources (grp, state);
create table nfvo_commands (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index nfvo_commands_due on nfvo_commands (lane, due) where due is not null;
create index nfvo_commands_key on nfvo_commands (key);
create index nfvo_commands_grp on nfvo_commands (grp, state);

-- Files, in chunks, so that none has to be in memory whole. Written whole or not at all.
create table blobs (
  name text collate "C" primary key,
  id bigint not null unique generated always as identity
);
create table blob_chunks (
  blob bigint not null references blobs (id) on delete cascade,
  seq integer not null,
  data bytea not null,
  primary key (blob, seq)
);
alter table blob_chunks alter column data set storage external;
