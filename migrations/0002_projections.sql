-- What lists, filters and labels read, written in the transaction of the change it shows. All of it can be
-- computed again from the live revisions.

create table name (
    aggregate_id uuid    not null references aggregate on delete restrict,
    ord          integer not null,
    kind         text    collate "C" not null,
    text         text    not null,
    language     text    collate "C",
    script       text    collate "C" not null,
    role         text    collate "C" not null,
    alias_scheme text    collate "C",
    machine_made boolean not null,
    k1           text    collate "C" not null,
    k2           text    collate "C" not null,
    key          text    collate "C" not null,
    primary key (aggregate_id, ord)
);
create index name_key_idx on name (kind, key);

-- How an aggregate is shown wherever another one mentions it. `card` is ready JSON; `stamp` is its hash.
create table label (
    aggregate_id uuid   primary key references aggregate on delete restrict,
    card         text   not null,
    stamp        bytea  not null check (octet_length(stamp) = 16)
);

-- One row for each script that readers may browse in.
create table browse_entry (
    aggregate_id uuid    not null references aggregate on delete restrict,
    script       text    collate "C" not null,
    kind         text    collate "C" not null,
    label        text    not null,
    machine_made boolean not null,
    initial      text    collate "C" not null,
    sort_key     bytea   not null,
    primary key (aggregate_id, script)
);
create index browse_entry_order_idx on browse_entry (kind, script, sort_key, aggregate_id);
create index browse_entry_letter_idx on browse_entry (kind, script, initial, sort_key, aggregate_id);

create table live_composition (
    id              uuid        primary key references aggregate on delete restrict,
    title           text        not null,
    incipit         text,
    sort_key        bytea       not null,
    form            text        collate "C" not null,
    languages       text[]      not null,
    composer_id     uuid,
    primary_raga_id uuid,
    raga_ids        uuid[]      not null,
    tala_ids        uuid[]      not null,
    deity_ids       uuid[]      not null,
    temple_ids      uuid[]      not null,
    tag_ids         uuid[]      not null,
    sampradaya_ids  uuid[]      not null,
    is_ragamalika   boolean     not null,
    scripts         text[]      not null,
    external_ids    jsonb       not null,
    published_at    timestamptz not null,
    updated_at      timestamptz not null
);
create index live_composition_title_idx on live_composition (sort_key, id);
create index live_composition_newest_idx on live_composition (published_at desc, id desc);
create index live_composition_form_idx on live_composition (form, sort_key, id);
create index live_composition_language_idx on live_composition using gin (languages);

create table live_raga (
    id          uuid     primary key references aggregate on delete restrict,
    raga_kind   text     collate "C" not null,
    mela_number smallint,
    parent_id   uuid
);
create index live_raga_parent_idx on live_raga (parent_id);
create index live_raga_mela_idx on live_raga (mela_number);
