-- Everything that the reader role sees of the catalogue: live lines only. Drafts are invisible because
-- the reader has no privilege on the tables below these views.

create schema live;

create view live.aggregate as
    select id, kind, slug, version, row_version, live_number, created_at, updated_at
    from public.aggregate where live_number is not null;

create view live.entity as
    select a.id, a.kind, a.slug, a.version, a.row_version, a.created_at, a.updated_at,
        r.number, r.body, r.content_hash, r.recorded_at
    from public.aggregate a
    join public.revision r on r.aggregate_id = a.id and r.number = a.live_number;

create view live.name as select * from public.name;
create view live.label as select * from public.label;
create view live.browse_entry as select * from public.browse_entry;
create view live.composition as select * from public.live_composition;
create view live.raga as select * from public.live_raga;

create view live.reference as
    select aggregate_id, ord, role, kind, target_id, target_kind from public.reference where line = 'live';

create view live.external_id as
    select kind, scheme, value, aggregate_id from public.external_id where live;

create view live.redirect as
    select r.kind, r.old, r.aggregate_id
    from public.redirect r join public.aggregate a on a.id = r.aggregate_id and a.live_number is not null;

-- The version of all that readers ever saw, withdrawn or not: what a follower needs to delete in order.
create view live.version as
    select id, kind, version, live_number is not null as is_live from public.aggregate where version > 0;
