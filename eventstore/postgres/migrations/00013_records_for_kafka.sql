-- +goose Up

-- Where a bus of several processes reads on, beside the offset that says what was handled.
alter table cursors add column mark text not null default '';

-- What a record on Kafka needs is in the row. aggregatetype is the topic; what a message has not is null, since CloudEvents know
-- no empty attributes.
alter table outbox add column ce_specversion text not null default '1.0';
alter table outbox drop column topic;
alter table outbox alter column correlation drop not null, alter column causation drop not null, alter column reply_to drop not null,
  alter column traceparent drop not null, alter column tracestate drop not null;

-- The id of this database's outbox, by which a consumer elsewhere tells it from another's. The last counts; those before it are
-- of the same database before it was restored to an older point.
create table outbox_identity (no bigint primary key, id text not null);
insert into outbox_identity (no, id) values (1, gen_random_uuid());

-- An event's key is that of its commit, by which it is in its lane. Of the rows that are there it follows from the stream: an
-- operation's first event names its VNF. Rows that no record is made of keep ''.
alter table events
  add column key text not null default '', add column correlation text, add column causation text, add column traceparent text,
  add column ce_source text not null default '/vnfm/events', add column ce_specversion text not null default '1.0';
update events e set
  key = case
    when stream like 'vnf-%' then substr(stream, 5)
    when stream like 'pkg-%' then substr(stream, 5)
    when stream like 'opocc-%' then coalesce(
      (select convert_from(f.data, 'utf8')::jsonb ->> 'vnfInstanceId' from events f where f.stream = e.stream and f.version = 1), '')
    else '' end,
  correlation = nullif(convert_from(meta, 'utf8')::jsonb ->> 'correlationId', ''),
  causation = nullif(convert_from(meta, 'utf8')::jsonb ->> 'causationId', ''),
  traceparent = nullif(convert_from(meta, 'utf8')::jsonb ->> 'traceparent', '');
