-- Which life of the database this is, and that it lives.

-- One row. The epoch rises with the first transaction after a promotion; every write names the epoch that
-- it believes in, and the timeline refuses what comes between promotion and that transaction.
create table cluster_epoch (
    single         boolean     primary key default true check (single),
    epoch          bigint      not null check (epoch between 1 and 32767),
    timeline       integer     not null,
    promoted_at    timestamptz not null,
    promote_lsn    bigint      not null,
    stream_head    bigint      not null,
    outbox_horizon xid8        not null
);

create table cluster_epoch_history (
    epoch          bigint      primary key,
    timeline       integer     not null,
    promoted_at    timestamptz not null,
    promote_lsn    bigint      not null,
    stream_head    bigint      not null,
    outbox_horizon xid8        not null
);

-- The timeline on which this server writes now. The control file shows the old one for minutes after a
-- promotion; the name of the WAL file does not.
create function current_timeline() returns integer language sql volatile as $$
    select ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::integer
$$;

insert into cluster_epoch (epoch, timeline, promoted_at, promote_lsn, stream_head, outbox_horizon)
values (1, current_timeline(), now(), 0, 0, '0');

-- One row, written each second on the primary; its age on a replica is the lag that readers see.
create table heartbeat (
    single boolean     primary key default true check (single),
    at     timestamptz not null
);
insert into heartbeat (at) values (now());
