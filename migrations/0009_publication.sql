-- What readers saw, and when: one row for every event of an aggregate. A row without a number is a withdrawal.

create table publication (
    aggregate_id uuid        not null references aggregate on delete restrict,
    version      bigint      not null,
    number       integer,
    at           timestamptz not null,
    primary key (aggregate_id, version),
    constraint publication_revision_fkey foreign key (aggregate_id, number) references revision (aggregate_id, number)
);
create index publication_number_idx on publication (aggregate_id, number);

create trigger publication_is_immutable before update or delete on publication
    for each row execute function refuse_change();
create trigger publication_is_not_truncated before truncate on publication
    for each statement execute function refuse_change();

-- Of what was live before this table was there, only the present is known.
insert into publication (aggregate_id, version, number, at)
select a.id, a.version, a.live_number, r.recorded_at
from aggregate a join revision r on r.aggregate_id = a.id and r.number = a.live_number
where a.version > 0;

-- Revisions that readers may read again. What was withdrawn stays withdrawn: a publication before the last
-- withdrawal is not shown, and neither is anything of an aggregate that is not live now.
create view live.revision as
    select r.aggregate_id, a.kind, r.number, r.body, r.content_hash, r.change_kind, r.recorded_at,
        p.version, p.at as published_at, p.number = a.live_number as is_live
    from public.publication p
    join public.aggregate a on a.id = p.aggregate_id and a.live_number is not null
    join public.revision r on r.aggregate_id = p.aggregate_id and r.number = p.number
    where p.version > coalesce((
        select max(w.version) from public.publication w
        where w.aggregate_id = p.aggregate_id and w.number is null), 0);

create index live_composition_changed_idx on live_composition (updated_at desc, id desc);

grant select, insert on publication to sangraha_app;
grant select on live.revision to sangraha_reader, sangraha_app;
