-- The role of Kafka Connect in the database: it reads the replication slot, and nothing else. Run by an administrator, once, with a
-- password of your own; wal_level=logical needs a start of PostgreSQL, the rest does not.
create role vnfm_capture login replication password 'CHANGE-ME';
grant connect on database vnfm to vnfm_capture;
-- The role of vnfmd makes the publication and the slot.
alter role vnfm replication;
grant create on database vnfm to vnfm;
-- alter system set wal_level = 'logical';
-- alter system set max_slot_wal_keep_size = '20GB'; -- a slot that nobody reads is given up rather than the disk
