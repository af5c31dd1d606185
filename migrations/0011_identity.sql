-- What people have ruled about names and entities that look alike, and what was joined.

-- The members are names; those that belong to an entity of this database carry its id. They are no foreign
-- keys: a ruling outlives what it speaks of.
create table verdict (
    id          uuid        primary key,
    kind        text        collate "C" not null,
    ruling      text        collate "C" not null check (ruling in ('merge', 'distinct', 'defer')),
    members     jsonb       not null,
    reason      text        not null,
    source      text        not null,
    author_user uuid,
    author_name text        not null,
    at          timestamptz not null
);
create index verdict_list_idx on verdict (at desc, id desc);

-- `changed` lists the aggregates that referred to the loser, with the revisions before: what an undo needs.
create table entity_merge (
    id          uuid        primary key,
    kind        text        collate "C" not null,
    keeper_id   uuid        not null references aggregate on delete restrict,
    loser_id    uuid        not null references aggregate on delete restrict,
    reason      text,
    changed     jsonb       not null,
    author_user uuid,
    author_name text        not null,
    at          timestamptz not null
);
create index entity_merge_keeper_idx on entity_merge (keeper_id);
create index entity_merge_loser_idx on entity_merge (loser_id);

grant select, insert, update on verdict to sangraha_app;
grant select, insert on entity_merge to sangraha_app;
