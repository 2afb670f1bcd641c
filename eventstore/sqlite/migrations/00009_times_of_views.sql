-- +goose Up

-- Times have columns of their own, at the same places as on PostgreSQL. What instances had there moves.
alter table views add column attr7 text not null default '';
alter table views add column attr8 text not null default '';
update views set attr7 = attr2, attr8 = attr3, attr2 = '', attr3 = '' where kind = 'vnf_instance';

-- A range of times is most often asked for with an operation or a state: what else is in the range is left unread.
drop index views_attr2;
drop index views_attr3;
create index views_attr2 on views (kind, attr2, attr1, state, id) where attr2 <> '';
create index views_attr3 on views (kind, attr3, attr1, state, id) where attr3 <> '';
create index views_attr7 on views (kind, attr7, id) where attr7 <> '';
create index views_attr8 on views (kind, attr8, id) where attr8 <> '';

-- Walked in order of id when no term is rare: a row has a page of its own, and is read only when it belongs to the answer.
create index views_walk on views (kind, id, state, attr1, attr2, attr3, attr4, attr5, attr6, attr7, attr8);
