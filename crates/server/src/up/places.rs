//! The configuration files of the processes, generated at every start.

use super::layout::{Layout, Place};
use super::opensearch::SearchEngine;
use crate::Error;
use crate::postgres::{Account, Cluster, Installation};
use toml::{Table, Value, toml};

/// The database of a platform.
pub const DATABASE: &str = "sangraha";

/// Writes one file for every node and every edge; only their owner can read them, for they hold passwords.
pub fn write(layout: &Layout, installation: &Installation, search: SearchEngine) -> Result<(), Error> {
    let folder = layout.data.join("config");
    std::fs::create_dir_all(&folder).map_err(Error::file("creating a folder", &folder))?;
    let ours = Account { other: None, name: String::new() };
    for place in layout.nodes() {
        ours.file(&layout.config(place.name), &node(layout, &place, installation, search).to_string())?;
    }
    for place in layout.edges() {
        ours.file(&layout.config(place.name), &edge(layout, &place).to_string())?;
    }
    Ok(())
}

fn node(layout: &Layout, place: &Place, installation: &Installation, search: SearchEngine) -> Table {
    let mut table = base(place);
    let [primary, near, far] = layout.clusters(&installation.home);
    let secrets = &installation.secrets;
    let reader = |cluster: &Cluster| {
        let region = if cluster.is_far { "b" } else { "a" };
        server(cluster, region, &installation.url(cluster, "sangraha_reader", &secrets.reader, DATABASE))
    };
    let replicas = if place.region == "a" { [&near, &far] } else { [&far, &near] };
    let mut store = Table::new();
    store.insert("primary_reader".into(), Value::Table(reader(&primary)));
    store.insert(
        "replicas".into(),
        Value::Array(replicas.map(|replica| Value::Table(reader(replica))).to_vec()),
    );
    if place.admin.is_some() {
        let app = installation.url(&primary, "sangraha_app", &secrets.app, DATABASE);
        let owner = installation.url(&primary, "sangraha_owner", &secrets.owner, DATABASE);
        store.insert("primary".into(), Value::Table(server(&primary, "a", &app)));
        store.insert("owner_url".into(), owner.into());
    }
    table.insert("store".into(), Value::Table(store));
    table.insert("search".into(), Value::Table(index_of(layout, place, search)));
    // One address for both regions: a page has one canonical link.
    let site = format!("http://{}", layout.edges()[0].public);
    table.insert("public".into(), Value::Table(toml! { site_url = site }));
    let purge = layout.data.join("purge").join(place.name).display().to_string();
    table.insert("purge".into(), Value::Table(toml! { directory = purge }));
    if place.admin.is_some() {
        // Editors ask here how far the edges of the other regions are.
        let others = layout.nodes().into_iter().filter(|node| node.region != place.region);
        let feeds = others.map(|node| Value::from(node.private.to_string())).collect();
        table.insert(
            "admin".into(),
            Value::Table(Table::from_iter([("feeds".to_owned(), Value::Array(feeds))])),
        );
    }
    let gate = far.slot();
    table.insert("relay".into(), Value::Table(toml! { gate_standby = gate }));
    table
}

fn index_of(layout: &Layout, place: &Place, search: SearchEngine) -> Table {
    match search {
        SearchEngine::Tantivy => {
            let path = layout.index(place.name).display().to_string();
            toml! { backend = "tantivy" path = path }
        }
        SearchEngine::Opensearch => {
            let (url, index) =
                (format!("http://{}", layout.opensearch()), format!("sangraha-{}", place.region));
            toml! { backend = "opensearch" url = url index = index }
        }
    }
}

fn edge(layout: &Layout, place: &Place) -> Table {
    let mut table = base(place);
    let nodes = layout.nodes();
    let (own, other) = if place.region == "a" { (&nodes[0], &nodes[1]) } else { (&nodes[1], &nodes[0]) };
    let admin = nodes[0].admin.unwrap_or(nodes[0].public);
    let origin = |address: std::net::SocketAddr| Value::String(format!("http://{address}"));
    let mut edge = Table::new();
    edge.insert("listen".into(), place.public.to_string().into());
    edge.insert("region".into(), place.region.into());
    edge.insert("name".into(), place.name.into());
    edge.insert("public".into(), Value::Array(vec![origin(own.public), origin(other.public)]));
    edge.insert("admin".into(), origin(admin));
    edge.insert("purge_feed".into(), origin(own.private));
    table.insert("edge".into(), Value::Table(edge));
    table
}

fn base(place: &Place) -> Table {
    let roles: Vec<Value> = place.roles.iter().map(|role| Value::from(*role)).collect();
    let (name, region) = (place.name, place.region);
    let mut node = toml! { name = name region = region };
    node.insert("roles".into(), Value::Array(roles));
    let mut listen = Table::new();
    listen.insert("public".into(), place.public.to_string().into());
    listen.insert("private".into(), place.private.to_string().into());
    if let Some(admin) = place.admin {
        listen.insert("admin".into(), admin.to_string().into());
    }
    let mut table = Table::new();
    table.insert("node".into(), Value::Table(node));
    table.insert("listen".into(), Value::Table(listen));
    table
}

fn server(cluster: &Cluster, region: &str, url: &str) -> Table {
    let (name, url, region) = (cluster.name, url, region);
    toml! { name = name region = region url = url }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn an_edge_prefers_its_own_region_and_sends_writes_to_a() {
        let layout = Layout { data: PathBuf::from("/data"), base_port: 7400 };
        let table = edge(&layout, &layout.edges()[1]);
        let edge = table["edge"].as_table().unwrap();
        assert_eq!(edge["public"][0].as_str(), Some("http://127.0.0.1:7420"));
        assert_eq!(edge["admin"].as_str(), Some("http://127.0.0.1:7411"));
        assert_eq!(edge["purge_feed"].as_str(), Some("http://127.0.0.1:7422"));
    }
}
