-- Events that the relay could not read, set aside so that the ones behind them go on.

create table outbox_dead (
    event_id          uuid        primary key,
    epoch             bigint      not null,
    event_kind        text        collate "C" not null,
    aggregate_kind    text        collate "C" not null,
    aggregate_id      uuid        not null,
    aggregate_version bigint      not null,
    at                timestamptz not null,
    reason            text        not null,
    parked_at         timestamptz not null default clock_timestamp()
);

grant select, insert, delete on outbox_dead to sangraha_app;
