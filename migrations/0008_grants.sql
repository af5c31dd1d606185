-- Who may do what. The roles exist before the migrations run.

grant usage on schema live to sangraha_reader, sangraha_app;
grant select on all tables in schema live to sangraha_reader, sangraha_app;
grant select on stream_event, stream_cursor, cluster_epoch, cluster_epoch_history, heartbeat to sangraha_reader;

grant select, insert on revision, audit_entry to sangraha_app;
grant select, insert, update on
    aggregate, cluster_epoch, cluster_epoch_history, heartbeat, stream_cursor, audit_head, account, api_key, setup_token
    to sangraha_app;
grant select, insert, update, delete on
    reference, external_id, redirect, name, label, browse_entry, live_composition, live_raga, outbox_event,
    stream_event, role_grant, idempotency_key
    to sangraha_app;
