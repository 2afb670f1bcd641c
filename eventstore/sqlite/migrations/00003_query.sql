-- +goose Up

-- Attributes that readers select by, at the places readmodel gives them.
alter table views add column attr1 text not null default '';
alter table views add column attr2 text not null default '';
alter table views add column attr3 text not null default '';
alter table views add column attr4 text not null default '';
alter table views add column attr5 text not null default '';
alter table views add column attr6 text not null default '';

-- Times as filter.Key has them: nine digits of a second.
update views set
  attr1 = substr(coalesce(doc ->> 'name', ''), 1, 200),
  attr2 = substr(coalesce(doc ->> 'vnfdId', ''), 1, 200),
  attr3 = substr(coalesce(doc ->> 'provider', ''), 1, 200),
  attr4 = substr(coalesce(doc ->> 'productName', ''), 1, 200),
  attr5 = substr(coalesce(doc ->> 'softwareVersion', ''), 1, 200),
  attr6 = substr(coalesce(doc ->> 'vnfdVersion', ''), 1, 200)
where kind = 'vnf_instance';
update views set
  attr1 = coalesce(doc ->> 'operation', ''),
  attr2 = coalesce(substr(doc ->> 'startTime', 1, 19) || '.'
    || substr(rtrim(substr(doc ->> 'startTime', 21), 'Z') || '000000000', 1, 9) || 'Z', ''),
  attr3 = coalesce(substr(doc ->> 'stateEnteredTime', 1, 19) || '.'
    || substr(rtrim(substr(doc ->> 'stateEnteredTime', 21), 'Z') || '000000000', 1, 9) || 'Z', '')
where kind = 'vnf_lcm_op_occ';

drop index views_parent;
create index views_parent on views (kind, parent, id);
create index views_state on views (kind, state, id) where state <> '';
create index views_attr1 on views (kind, attr1, id) where attr1 <> '';
create index views_attr2 on views (kind, attr2, id) where attr2 <> '';
create index views_attr3 on views (kind, attr3, id) where attr3 <> '';
create index views_attr4 on views (kind, attr4, id) where attr4 <> '';
create index views_attr5 on views (kind, attr5, id) where attr5 <> '';
create index views_attr6 on views (kind, attr6, id) where attr6 <> '';
