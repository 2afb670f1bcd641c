-- +goose Up

-- Where a bus of several processes reads on, beside the offset that says what was handled.
alter table cursors add column mark text not null default '';

-- What a record on Kafka needs is in the row. aggregatetype is the topic; what a message has not is null, since CloudEvents know
-- no empty attributes.
create table outbox_13 (
  lane integer not null,
  off integer not null,
  id text not null,
  aggregatetype text not null,
  aggregateid text not null,
  type text not null,
  payload blob,
  ce_source text not null,
  ce_time integer not null,
  correlation text,
  causation text,
  reply_to text,
  traceparent text,
  tracestate text,
  ce_specversion text not null default '1.0',
  primary key (lane, off)
) strict;
insert into outbox_13 (lane, off, id, aggregatetype, aggregateid, type, payload, ce_source, ce_time, correlation, causation, reply_to, traceparent, tracestate)
  select lane, off, id, aggregatetype, aggregateid, type, payload, ce_source, ce_time, nullif(correlation, ''), nullif(causation, ''),
    nullif(reply_to, ''), nullif(traceparent, ''), nullif(tracestate, '') from outbox;
drop table outbox;
alter table outbox_13 rename to outbox;

-- The id of this database's outbox, by which a consumer elsewhere tells it from another's. The last counts; those before it are
-- of the same database before it was restored to an older point.
create table outbox_identity (no integer primary key, id text not null) strict;
insert into outbox_identity (no, id) values (1, lower(hex(randomblob(16))));

-- An event's key is that of its commit, by which it is in its lane. Of the rows that are there it follows from the stream: an
-- operation's first event names its VNF. Rows that no record is made of keep ''.
alter table events add column key text not null default '';
alter table events add column correlation text;
alter table events add column causation text;
alter table events add column traceparent text;
alter table events add column ce_source text not null default '/vnfm/events';
alter table events add column ce_specversion text not null default '1.0';
update events set
  key = case
    when stream like 'vnf-%' then substr(stream, 5)
    when stream like 'pkg-%' then substr(stream, 5)
    when stream like 'opocc-%' then coalesce(
      (select json_extract(cast(f.data as text), '$.vnfInstanceId') from events f where f.stream = events.stream and f.version = 1), '')
    else '' end,
  correlation = nullif(json_extract(cast(meta as text), '$.correlationId'), ''),
  causation = nullif(json_extract(cast(meta as text), '$.causationId'), ''),
  traceparent = nullif(json_extract(cast(meta as text), '$.traceparent'), '');
