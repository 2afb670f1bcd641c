-- +goose Up

-- A document as jsonb, null when it is none that jsonb can hold (\u0000, a lone surrogate, a number beyond all bounds).
-- +goose StatementBegin
create function vnfm_doc(doc text) returns jsonb language plpgsql immutable strict as $$
begin
  return doc::jsonb;
exception when others then
  return null;
end
$$;
-- +goose StatementEnd

-- Attributes that readers select by, at the places readmodel gives them. An update that changes none of them touches no index.
alter table views
  add column attr1 text collate "C" not null default '',
  add column attr2 text collate "C" not null default '',
  add column attr3 text collate "C" not null default '',
  add column attr4 text collate "C" not null default '',
  add column attr5 text collate "C" not null default '',
  add column attr6 text collate "C" not null default '',
  alter column state type text collate "C";

-- Times as filter.Key has them: nine digits of a second.
update views set
  attr1 = left(coalesce(vnfm_doc(doc) ->> 'name', ''), 200),
  attr2 = left(coalesce(vnfm_doc(doc) ->> 'vnfdId', ''), 200),
  attr3 = left(coalesce(vnfm_doc(doc) ->> 'provider', ''), 200),
  attr4 = left(coalesce(vnfm_doc(doc) ->> 'productName', ''), 200),
  attr5 = left(coalesce(vnfm_doc(doc) ->> 'softwareVersion', ''), 200),
  attr6 = left(coalesce(vnfm_doc(doc) ->> 'vnfdVersion', ''), 200)
where kind = 'vnf_instance';
update views set
  attr1 = coalesce(vnfm_doc(doc) ->> 'operation', ''),
  attr2 = coalesce(substr(vnfm_doc(doc) ->> 'startTime', 1, 19) || '.'
    || substr(rtrim(substr(vnfm_doc(doc) ->> 'startTime', 21), 'Z') || '000000000', 1, 9) || 'Z', ''),
  attr3 = coalesce(substr(vnfm_doc(doc) ->> 'stateEnteredTime', 1, 19) || '.'
    || substr(rtrim(substr(vnfm_doc(doc) ->> 'stateEnteredTime', 21), 'Z') || '000000000', 1, 9) || 'Z', '')
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
