//! Roles, databases and migrations: what an operator runs once.

use crate::error::Error;
use crate::node::bad_url;
use crate::statement::Statement;
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row};
use std::time::Duration;
use tokio::time::timeout;

/// A password for each role that connects; none leaves the role as it is (peer or trust authentication).
#[derive(Clone, Default)]
pub struct Passwords {
    pub owner: Option<String>,
    pub app: Option<String>,
    pub reader: Option<String>,
    pub replication: Option<String>,
    pub monitor: Option<String>,
}

impl std::fmt::Debug for Passwords {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Passwords(covered)")
    }
}

static MIGRATIONS: Migrator = sqlx::migrate!("../../migrations");

/// Longest wait for a connection of an operator's command.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Longest wait for a lock: whoever waits for a strong one stops the readers behind it.
const LOCK_MS_MAX: &str = "30000";

pub(crate) async fn create(superuser_url: &str, passwords: &Passwords) -> Result<(), Error> {
    let mut connection = connect(superuser_url, "the superuser").await?;
    connection.execute(sqlx::raw_sql(ROLES)).await?;
    let roles = [
        ("sangraha_owner", &passwords.owner),
        ("sangraha_app", &passwords.app),
        ("sangraha_reader", &passwords.reader),
        ("sangraha_replication", &passwords.replication),
        ("sangraha_monitor", &passwords.monitor),
    ];
    for (role, password) in roles {
        if let Some(password) = password {
            run_formatted(&mut connection, "alter role %I password %L", role, password).await?;
        }
    }
    connection.close().await?;
    Ok(())
}

pub(crate) async fn create_database(superuser_url: &str, name: &str) -> Result<(), Error> {
    let mut connection = connect(superuser_url, "the superuser").await?;
    let known = Statement::new("select 1 from pg_database where datname = $1").bind(name.to_owned());
    if known.fetch(&mut connection).await?.is_empty() {
        run_formatted(&mut connection, "create database %I owner %I", name, "sangraha_owner").await?;
        // Whoever is not named may not even connect.
        run_formatted(&mut connection, "revoke all on database %I from public%s", name, "").await?;
        let everyone = "sangraha_app, sangraha_reader, sangraha_monitor";
        run_formatted(&mut connection, "grant connect on database %I to %s", name, everyone).await?;
    }
    connection.close().await?;
    Ok(())
}

pub(crate) async fn migrate(owner_url: &str) -> Result<(), Error> {
    let mut connection = connect(owner_url, "the owner").await?;
    MIGRATIONS.run(&mut connection).await.map_err(Error::Migrate)?;
    connection.close().await?;
    Ok(())
}

async fn connect(url: &str, whose: &str) -> Result<PgConnection, Error> {
    let options: PgConnectOptions = url.parse().map_err(|_| bad_url(whose))?;
    let options = options.disable_statement_logging().application_name("sangraha-operator");
    let options = options.options([("lock_timeout", LOCK_MS_MAX)]);
    match timeout(CONNECT_MAX, options.connect()).await {
        Ok(connection) => Ok(connection?),
        Err(_elapsed) => Err(Error::Unavailable(None)),
    }
}

/// Commands such as `alter role` take no parameters; the server quotes the values into their text.
async fn run_formatted(
    connection: &mut PgConnection,
    template: &'static str,
    first: &str,
    second: &str,
) -> Result<(), Error> {
    let format = Statement::new("select format($1, $2, $3) as sql")
        .bind(template)
        .bind(first.to_owned())
        .bind(second.to_owned());
    let rows = format.fetch(connection).await?;
    if let Some(row) = rows.first() {
        let sql: String = row.try_get("sql")?;
        connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await?;
    }
    Ok(())
}

const ROLES: &str = "
    do $$
    declare
        role text;
    begin
        foreach role in array array[
            'sangraha_owner', 'sangraha_app', 'sangraha_reader', 'sangraha_replication', 'sangraha_monitor']
        loop
            begin
                execute format('create role %I login', role);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end loop;
    end $$;
    alter role sangraha_replication replication;
    grant pg_monitor to sangraha_app, sangraha_monitor;";
