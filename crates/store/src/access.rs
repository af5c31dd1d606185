//! Accounts, their roles and keys, and the token that makes the first of them.

use crate::error::Error;
use crate::pools::Writer;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::wire::value_of;
use chrono::{DateTime, Utc};
use domain::Role;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

/// Someone who may write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountRow {
    pub id: Uuid,
    pub name: String,
    pub active: bool,
    /// Rises when roles or activity change.
    pub version: i64,
    pub roles: Vec<Role>,
}

/// A key with the account that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKeyRow {
    pub id: Uuid,
    pub label: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub account: AccountRow,
}

impl ApiKeyRow {
    /// Whether the key lets its account in at `now`.
    pub fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.account.active && self.revoked_at.is_none() && now < self.expires_at
    }
}

/// A key to store; `hash` is the SHA-256 of the secret.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub id: Uuid,
    pub account: Uuid,
    pub label: String,
    pub hash: [u8; 32],
    pub expires_at: DateTime<Utc>,
}

impl Writer {
    /// The key with this hash, valid or not.
    pub async fn api_key_by_hash(&self, hash: &[u8; 32]) -> Result<Option<ApiKeyRow>, Error> {
        let row = self.row(Statement::new(KEY_BY_HASH).bind(hash.to_vec())).await?;
        row.as_ref().map(key_of).transpose()
    }

    /// All keys, newest first.
    pub async fn api_keys(&self) -> Result<Vec<ApiKeyRow>, Error> {
        self.rows(Statement::new(KEYS)).await?.iter().map(key_of).collect()
    }

    /// All accounts, by name.
    pub async fn accounts(&self) -> Result<Vec<AccountRow>, Error> {
        self.rows(Statement::new(ACCOUNTS)).await?.iter().map(account_of).collect()
    }
}

impl Tx {
    /// Stores the hash of a setup token.
    pub async fn setup_token_insert(
        &mut self,
        hash: &[u8; 32],
        expires_at: DateTime<Utc>,
    ) -> Result<(), Error> {
        let now = self.now();
        self.execute(Statement::new(TOKEN_INSERT).bind(hash.to_vec()).bind(now).bind(expires_at)).await?;
        Ok(())
    }

    /// Uses the token up; false where there is none, it has expired, or it was used before.
    pub async fn setup_token_consume(&mut self, hash: &[u8; 32]) -> Result<bool, Error> {
        let now = self.now();
        Ok(self.execute(Statement::new(TOKEN_CONSUME).bind(hash.to_vec()).bind(now)).await? == 1)
    }

    /// Makes an account with these roles. Its name must be new.
    pub async fn account_insert(&mut self, id: Uuid, name: &str, roles: &[Role]) -> Result<(), Error> {
        let now = self.now();
        self.execute(Statement::new(ACCOUNT_INSERT).bind(id).bind(name.to_owned()).bind(now)).await?;
        self.roles_insert(id, roles).await
    }

    /// Gives the account these roles and no others.
    pub async fn account_roles_set(&mut self, id: Uuid, roles: &[Role]) -> Result<(), Error> {
        self.execute(Statement::new(ROLES_CLEAR).bind(id)).await?;
        self.roles_insert(id, roles).await
    }

    /// Lets the account in, or not; its keys stop working at once.
    pub async fn account_active_set(&mut self, id: Uuid, active: bool) -> Result<bool, Error> {
        Ok(self.execute(Statement::new(ACTIVE_SET).bind(id).bind(active)).await? == 1)
    }

    /// Stores a key.
    pub async fn api_key_insert(&mut self, key: &NewApiKey) -> Result<(), Error> {
        let now = self.now();
        let statement = Statement::new(KEY_INSERT)
            .bind(key.id)
            .bind(key.account)
            .bind(key.label.clone())
            .bind(key.hash.to_vec())
            .bind(now)
            .bind(key.expires_at);
        self.execute(statement).await?;
        Ok(())
    }

    /// Revokes a key; false where there is none, or it was revoked before.
    pub async fn api_key_revoke(&mut self, id: Uuid) -> Result<bool, Error> {
        let now = self.now();
        Ok(self.execute(Statement::new(KEY_REVOKE).bind(id).bind(now)).await? == 1)
    }

    async fn roles_insert(&mut self, id: Uuid, roles: &[Role]) -> Result<(), Error> {
        let now = self.now();
        let names: Vec<&'static str> = roles.iter().map(|role| role.as_str()).collect();
        self.execute(Statement::new(ROLES_INSERT).bind(id).bind(names).bind(now)).await?;
        Ok(())
    }
}

fn account_of(row: &PgRow) -> Result<AccountRow, Error> {
    let roles: Vec<String> = row.try_get("roles")?;
    Ok(AccountRow {
        id: row.try_get("account_id")?,
        name: row.try_get("name")?,
        active: row.try_get("active")?,
        version: row.try_get("version")?,
        roles: roles.iter().map(|role| value_of(role)).collect::<Result<_, _>>()?,
    })
}

fn key_of(row: &PgRow) -> Result<ApiKeyRow, Error> {
    Ok(ApiKeyRow {
        id: row.try_get("id")?,
        label: row.try_get("label")?,
        created_at: row.try_get("created_at")?,
        expires_at: row.try_get("expires_at")?,
        revoked_at: row.try_get("revoked_at")?,
        account: account_of(row)?,
    })
}

const KEY_BY_HASH: &str = "
    select k.id, k.label, k.created_at, k.expires_at, k.revoked_at, a.id as account_id, a.name, a.active, a.version,
        array(select role from role_grant where account_id = a.id order by role) as roles
    from api_key k join account a on a.id = k.account_id where k.hash = $1";

const KEYS: &str = "
    select k.id, k.label, k.created_at, k.expires_at, k.revoked_at, a.id as account_id, a.name, a.active, a.version,
        array(select role from role_grant where account_id = a.id order by role) as roles
    from api_key k join account a on a.id = k.account_id order by k.created_at desc, k.id limit 1000";

const ACCOUNTS: &str = "
    select a.id as account_id, a.name, a.active, a.version,
        array(select role from role_grant where account_id = a.id order by role) as roles
    from account a order by a.name limit 1000";

const TOKEN_INSERT: &str = "insert into setup_token (hash, created_at, expires_at) values ($1, $2, $3)";

const TOKEN_CONSUME: &str = "
    update setup_token set consumed_at = $2 where hash = $1 and consumed_at is null and expires_at > $2";

const ACCOUNT_INSERT: &str = "insert into account (id, name, created_at) values ($1, $2, $3)";

const ROLES_INSERT: &str = "
    with grown as (update account set version = version + 1 where id = $1)
    insert into role_grant (account_id, role, granted_at)
    select $1, role, $3 from unnest($2::text[]) as role on conflict do nothing";

const ROLES_CLEAR: &str = "delete from role_grant where account_id = $1";

const ACTIVE_SET: &str = "update account set active = $2, version = version + 1 where id = $1";

const KEY_INSERT: &str = "
    insert into api_key (id, account_id, label, hash, created_at, expires_at) values ($1, $2, $3, $4, $5, $6)";

const KEY_REVOKE: &str = "update api_key set revoked_at = $2 where id = $1 and revoked_at is null";
