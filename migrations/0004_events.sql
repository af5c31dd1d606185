-- That something changed: the outbox in commit order, and the log with gap-free positions.

create table outbox_event (
    seq               bigint      generated always as identity primary key,
    tx                xid8        not null default pg_current_xact_id(),
    event_id          uuid        not null,
    epoch             bigint      not null,
    event_kind        text        collate "C" not null,
    aggregate_kind    text        collate "C" not null,
    aggregate_id      uuid        not null,
    aggregate_version bigint      not null,
    at                timestamptz not null,
    constraint outbox_event_id_key unique (event_id)
);
create index outbox_event_order_idx on outbox_event (tx, seq);

create table stream_event (
    position       bigint      primary key,
    epoch          bigint      not null,
    event_id       uuid        not null,
    event_kind     text        collate "C" not null,
    entity_kind    text        collate "C" not null,
    entity_id      uuid        not null,
    version        bigint      not null,
    -- The WAL position, in bytes, at which the relay had seen the event committed.
    lsn            bigint      not null,
    -- Delivered before the standby had it.
    ungated        boolean     not null,
    at             timestamptz not null,
    constraint stream_event_id_key unique (event_id)
);

-- One row: the head of the log, its oldest kept position, and how far the outbox has been read.
create table stream_cursor (
    single   boolean primary key default true check (single),
    tx       xid8    not null,
    seq      bigint  not null,
    position bigint  not null,
    trimmed  bigint  not null
);
insert into stream_cursor (tx, seq, position, trimmed) values ('0', 0, 0, 0);
