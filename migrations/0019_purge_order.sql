-- Purges that somebody ordered. The event that carries one through outbox and stream has its id.

create table purge_order (
    id         uuid        primary key,
    -- Surrogate keys, and addresses as `url …`, `prefix …`, `host …`, or `all`.
    targets    text[]      not null check (cardinality(targets) between 1 and 256),
    soft       boolean     not null,
    reason     text        not null,
    ordered_by text        not null,
    at         timestamptz not null
);
create index purge_order_at_idx on purge_order (at);

grant select, insert, delete on purge_order to sangraha_app;
-- What the followers of both regions tell their edges; why and by whom is for editors alone.
grant select (id, targets, soft) on purge_order to sangraha_reader;
