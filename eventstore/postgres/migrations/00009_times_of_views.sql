-- +goose Up

-- Times have columns of their own: statistics are kept by column, whatever the kind, and a range of times was thought to hold
-- every descriptor id and provider beside them. What instances had there moves; they are fewer than operations.
alter table views
  add column attr7 text collate "C" not null default '',
  add column attr8 text collate "C" not null default '';
update views set attr7 = attr2, attr8 = attr3, attr2 = '', attr3 = '' where kind = 'vnf_instance';

-- A range of times is most often asked for with an operation or a state: what else is in the range is left unread.
drop index views_attr2;
drop index views_attr3;
create index views_attr2 on views (kind, attr2, attr1, state, id) where attr2 <> '';
create index views_attr3 on views (kind, attr3, attr1, state, id) where attr3 <> '';
create index views_attr7 on views (kind, attr7, id) where attr7 <> '';
create index views_attr8 on views (kind, attr8, id) where attr8 <> '';
analyze views;
