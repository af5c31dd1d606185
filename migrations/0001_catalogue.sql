-- The catalogue: aggregates, their immutable revisions, and what both lines of an aggregate refer to.

create table aggregate (
    id           uuid        primary key,
    kind         text        collate "C" not null,
    slug         text        collate "C" not null,
    state        text        collate "C" not null,
    -- Rises with every save: the value of If-Match.
    row_version  bigint      not null,
    -- Rises with every event: the order of changes that readers see.
    version      bigint      not null,
    live_number  integer,
    draft_number integer,
    revisions    integer     not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint aggregate_slug_key unique (kind, slug),
    constraint aggregate_id_kind_key unique (id, kind),
    constraint aggregate_state_check check (state in ('draft', 'in_review', 'published', 'archived')),
    constraint aggregate_kind_check check (kind in (
        'composition', 'raga', 'tala', 'composer', 'deity', 'temple', 'place', 'group', 'tag',
        'sampradaya', 'source', 'rights'))
);
create index aggregate_list_idx on aggregate (kind, updated_at desc, id);

create table revision (
    aggregate_id uuid        not null references aggregate on delete restrict,
    number       integer     not null,
    body         jsonb       not null,
    content_hash bytea       not null check (octet_length(content_hash) = 32),
    change_kind  text        collate "C" not null,
    reason       text,
    author_user  uuid,
    author_name  text        not null,
    recorded_at  timestamptz not null,
    primary key (aggregate_id, number)
);

alter table aggregate
    add constraint aggregate_live_fkey foreign key (id, live_number)
        references revision (aggregate_id, number) deferrable initially deferred,
    add constraint aggregate_draft_fkey foreign key (id, draft_number)
        references revision (aggregate_id, number) deferrable initially deferred;

-- Grants alone would not stop the owner; the trigger stops everyone who has not switched it off.
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% of % is refused: its rows are never changed', tg_op, tg_table_name
        using errcode = 'insufficient_privilege';
end $$;

create trigger revision_is_immutable before update or delete on revision
    for each row execute function refuse_change();
create trigger revision_is_not_truncated before truncate on revision
    for each statement execute function refuse_change();

create table reference (
    aggregate_id uuid    not null references aggregate on delete restrict,
    line         text    collate "C" not null check (line in ('live', 'draft')),
    ord          integer not null,
    role         text    collate "C" not null,
    kind         text    collate "C" not null,
    target_id    uuid    not null,
    target_kind  text    collate "C" not null,
    primary key (aggregate_id, line, ord),
    -- The kind is part of the key, so that a raga's place never holds a tala.
    constraint reference_target_fkey foreign key (target_id, target_kind)
        references aggregate (id, kind) on delete restrict
);
create index reference_target_idx on reference (target_id, line, kind, role, aggregate_id);

create table external_id (
    kind         text    collate "C" not null,
    scheme       text    collate "C" not null,
    value        text    collate "C" not null,
    aggregate_id uuid    not null references aggregate on delete restrict,
    live         boolean not null,
    constraint external_id_key primary key (kind, scheme, value)
);
create index external_id_aggregate_idx on external_id (aggregate_id);

-- Old slugs and the ids of merged aggregates.
create table redirect (
    kind         text        collate "C" not null,
    old          text        collate "C" not null,
    aggregate_id uuid        not null references aggregate on delete restrict,
    at           timestamptz not null,
    constraint redirect_key primary key (kind, old)
);
create index redirect_aggregate_idx on redirect (aggregate_id);
