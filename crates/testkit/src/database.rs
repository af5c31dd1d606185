//! Databases with the schema, one for each test, copied from a template.

use crate::postgres::{self, Cluster};
use domain::metrics::Metrics;
use domain::{Clock, Region};
use std::sync::atomic::{AtomicU32, Ordering};
use store::{Config, Node, Passwords, Store};
use tokio::sync::OnceCell;
use tokio_util::sync::{CancellationToken, DropGuard};

/// A database of its own, on a server that others may share.
#[derive(Debug)]
pub struct Database {
    /// The server.
    pub cluster: &'static Cluster,
    /// Name of the database.
    pub name: String,
}

/// A store whose probers end with it.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: Store,
    _stop: DropGuard,
}

/// A new database with the schema and nothing in it, on the shared server. None where there is no server.
pub async fn fresh() -> Option<Database> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    static TEMPLATE: OnceCell<()> = OnceCell::const_new();
    let cluster = postgres::shared().await?;
    TEMPLATE.get_or_init(|| prepare(cluster, TEMPLATE_NAME)).await;
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let create = format!("create database {name} template {TEMPLATE_NAME} owner sangraha_owner");
    cluster.sql("postgres", &create);
    Some(Database { cluster, name })
}

const TEMPLATE_NAME: &str = "sangraha_template";

/// Creates roles, database and schema on `cluster`.
pub async fn prepare(cluster: &Cluster, database: &str) {
    let superuser = cluster.url("postgres", "postgres");
    Store::create_roles(&superuser, &Passwords::default()).await.expect("the roles are created");
    Store::create_database(&superuser, database).await.expect("the database is created");
    Store::migrate(&cluster.url("sangraha_owner", database)).await.expect("the migrations run");
}

/// The region of tests that need only one.
pub fn region(name: &str) -> Region {
    Region::try_from(name.to_owned()).expect("a region's name")
}

/// A node of `cluster` for `role`.
pub fn node(cluster: &Cluster, role: &str, database: &str, region: &Region) -> Node {
    let url = cluster.url(role, database).into();
    Node { name: cluster.name().to_owned(), region: region.clone(), url }
}

impl Database {
    /// The URL for `sangraha_owner`.
    pub fn owner_url(&self) -> String {
        self.cluster.url("sangraha_owner", &self.name)
    }

    /// The URL for `sangraha_app`.
    pub fn app_url(&self) -> String {
        self.cluster.url("sangraha_app", &self.name)
    }

    /// The URL for `sangraha_reader`.
    pub fn reader_url(&self) -> String {
        self.cluster.url("sangraha_reader", &self.name)
    }

    /// Runs SQL as the superuser.
    pub fn sql(&self, sql: &str) -> String {
        self.cluster.sql(&self.name, sql)
    }

    /// A configuration in which the one server is both the primary and the nearest node for reads.
    pub fn config(&self) -> Config {
        let region = region("a");
        Config {
            primary: Some(node(self.cluster, "sangraha_app", &self.name, &region)),
            replicas: vec![node(self.cluster, "sangraha_reader", &self.name, &region)],
            ..patient()
        }
    }

    /// The store of [`Database::config`], with the machine's clock.
    pub async fn open(&self) -> Opened {
        open(&self.config(), Clock::system(), Metrics::default()).await
    }
}

/// Limits for machines that run many tests at once.
pub fn patient() -> Config {
    Config {
        connect_ms_max: 10_000,
        acquire_ms_max: 10_000,
        read_ms_max: 20_000,
        lag_ms_max: 3_600_000,
        ..Config::default()
    }
}

/// Opens a store in region `a` that stops when it is dropped.
pub async fn open(config: &Config, clock: Clock, metrics: Metrics) -> Opened {
    let stop = CancellationToken::new();
    let store = Store::open(config, region("a"), clock, metrics, stop.clone()).await;
    Opened { store: store.expect("the configuration is sound"), _stop: stop.drop_guard() }
}
