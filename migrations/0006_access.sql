-- Who may write, and which of their requests were answered already.

create table account (
    id         uuid        primary key,
    name       text        not null,
    active     boolean     not null default true,
    -- Rises when roles or activity change: what was granted under an older one is void.
    version    bigint      not null default 1,
    created_at timestamptz not null,
    constraint account_name_key unique (name)
);

create table role_grant (
    account_id uuid        not null references account on delete restrict,
    role       text        collate "C" not null check (role in (
        'viewer', 'editor', 'reviewer', 'ingest_operator', 'admin')),
    granted_at timestamptz not null,
    primary key (account_id, role)
);

create table api_key (
    id         uuid        primary key,
    account_id uuid        not null references account on delete restrict,
    label      text        not null,
    -- SHA-256 of the secret; the secret itself is shown once and kept nowhere.
    hash       bytea       not null check (octet_length(hash) = 32),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    constraint api_key_hash_key unique (hash)
);
create index api_key_account_idx on api_key (account_id);

create table setup_token (
    hash        bytea       primary key check (octet_length(hash) = 32),
    created_at  timestamptz not null,
    expires_at  timestamptz not null,
    consumed_at timestamptz
);

create table idempotency_key (
    actor      text        not null,
    key        text        not null,
    route      text        not null,
    body_hash  bytea       not null check (octet_length(body_hash) = 32),
    status     smallint,
    body       bytea,
    created_at timestamptz not null,
    primary key (actor, key)
);
create index idempotency_key_created_idx on idempotency_key (created_at);
