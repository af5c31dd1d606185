-- The audit trail: append-only, each entry sealed with the hash of the one before.

create table audit_entry (
    number        bigint      primary key,
    at            timestamptz not null,
    actor_user    uuid,
    actor_name    text        not null,
    role          text,
    ip            text,
    request_id    text        not null,
    action        text        collate "C" not null,
    entity_kind   text        collate "C",
    entity_id     uuid,
    -- json, not jsonb: the text that was sealed is the text that is kept.
    changes       json        not null,
    reason        text,
    previous_hash bytea       not null check (octet_length(previous_hash) = 32),
    hash          bytea       not null check (octet_length(hash) = 32)
);
create index audit_entry_entity_idx on audit_entry (entity_id, number desc);
create index audit_entry_actor_idx on audit_entry (actor_user, number desc);
create index audit_entry_action_idx on audit_entry (action, number desc);
create index audit_entry_at_idx on audit_entry (at);

create trigger audit_entry_is_immutable before update or delete on audit_entry
    for each row execute function refuse_change();
create trigger audit_entry_is_not_truncated before truncate on audit_entry
    for each statement execute function refuse_change();

-- One row, locked by whoever appends: the end of the chain.
create table audit_head (
    single boolean primary key default true check (single),
    number bigint  not null,
    hash   bytea   not null check (octet_length(hash) = 32)
);
insert into audit_head (number, hash) values (0, decode(repeat('00', 32), 'hex'));
