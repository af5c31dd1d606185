-- What readers report: written by the admin role in the region of the primary, seen by editors alone.

create table report (
    id            uuid        primary key,
    at            timestamptz not null,
    kind          text        collate "C" not null,
    aggregate_id  uuid        not null,
    -- The revision that readers saw then.
    revision      integer     not null,
    version_id    uuid,
    section_id    uuid,
    line          integer     check (line >= 1),
    text          text        not null check (octet_length(text) <= 8000),
    contact       text        check (octet_length(contact) <= 1000),
    state         text        collate "C" not null check (state in ('open', 'corrected', 'declined')),
    answer        text,
    -- The revision that mends it.
    mended_by     integer,
    answered_user uuid,
    answered_name text,
    answered_at   timestamptz,
    constraint report_entity_fkey foreign key (aggregate_id, kind) references aggregate (id, kind) on delete restrict,
    constraint report_answer_check check ((state = 'open') = (answered_at is null))
);
create index report_list_idx on report (state, at desc, id desc);
create index report_entity_idx on report (aggregate_id, at desc);

grant select, insert, update on report to sangraha_app;
