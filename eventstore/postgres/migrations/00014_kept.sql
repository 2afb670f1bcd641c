-- +goose Up

-- When a saga ended, so that those that ended long ago are found; null while it has not. It changes once, so that the turns before
-- touch no index.
alter table saga_instances add column ended timestamptz;
update saga_instances set ended = updated where state in ('COMPLETED', 'COMPENSATED', 'ABANDONED');
create index saga_instances_ended on saga_instances (ended, id) where ended is not null;

-- Parked messages are read by page, all of a consumer's or those of a key.
drop index parked_messages_key;
create index parked_messages_key on parked_messages (consumer, key, seq, id);
create index parked_messages_order on parked_messages (consumer, seq, id);

-- The consumers of the outbox: what any of them has not had stays.
create table outbox_consumers (
  id text collate "C" primary key,
  key text collate "C" not null,
  grp text collate "C" not null,
  state text not null,
  due timestamptz,
  version bigint not null,
  lane integer not null,
  doc text
) with (fillfactor = 70);
create index outbox_consumers_due on outbox_consumers (lane, due) where due is not null;
create index outbox_consumers_key on outbox_consumers (key);
create index outbox_consumers_grp on outbox_consumers (grp, state);

-- What a VNF's highest operation was goes when nothing of the VNF is in the ledger any more, and what was asked of the NFVO some time
-- after it was answered.
update vim_resources set due = now() + interval '7 days' where state = 'FENCE' and due is null;
update vnf_commands set due = now() + interval '7 days' where state = 'FENCE' and due is null;
update nfvo_commands set due = now() + interval '30 days' where state = 'DONE' and grp <> 'packages' and due is null;
