//! Layering: the built-in reference, then files, then the environment, then `--set`; the later wins.

use crate::{Error, environment};
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// `SANGRAHA__CACHE__BYTES_MAX=1000` sets `cache.bytes_max`.
const PREFIX: &str = "SANGRAHA__";
/// The key by which a section chooses who does its work.
const BACKEND: &str = "backend";
/// Keys whose values are secret, wherever they stand. Each may be given as `KEY_file` instead.
const SECRETS: [&str; 5] = ["url", "owner_url", "password", "token", "secret_key"];

/// Where the values of one process come from.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// Files, the later over the earlier.
    pub files: Vec<PathBuf>,
    /// `cache.bytes_max` and its value, as the environment gives them.
    pub environment: Vec<(String, String)>,
    /// The same, as `--set` gives them.
    pub set: Vec<(String, String)>,
}

impl Layers {
    /// Those of a command line: its files, the environment, its `--set key=value`.
    pub fn of(files: Vec<PathBuf>, set: &[String]) -> Result<Self, Error> {
        let environment = environment::with_prefix(PREFIX).into_iter();
        let environment =
            environment.map(|(name, value)| (name.to_lowercase().replace("__", "."), value)).collect();
        let pairs = set.iter().map(|text| match text.split_once('=') {
            Some((key, value)) => Ok((key.trim().to_owned(), value.trim().to_owned())),
            None => Err(Error::Config(format!("`--set {text}` needs the form `--set cache.bytes_max=1000`"))),
        });
        Ok(Self { files, environment, set: pairs.collect::<Result<_, _>>()? })
    }

    /// All layers in one table, secrets read from their files.
    pub fn effective(&self) -> Result<Table, Error> {
        let mut table = parse(super::REFERENCE, Path::new("the built-in default.toml"))?;
        for file in &self.files {
            let text =
                std::fs::read_to_string(file).map_err(Error::file("reading the configuration", file))?;
            merge(&mut table, parse(&text, file)?);
        }
        for layer in [&self.environment, &self.set] {
            // A backend first: choosing it forgets the keys of the one before.
            let (backends, others): (Vec<_>, Vec<_>) =
                layer.iter().partition(|(key, _)| key.rsplit('.').next() == Some(BACKEND));
            for (key, value) in backends.into_iter().chain(others) {
                assign(&mut table, key, value)?;
            }
        }
        read_secrets(&mut table)?;
        Ok(table)
    }
}

/// The table with every secret covered, for people.
pub fn masked(mut table: Table) -> Table {
    visit(&mut table, &mut |table| {
        for (key, value) in table.iter_mut() {
            match value {
                Value::String(text) if SECRETS.contains(&key.as_str()) => *text = covered(text),
                _ => {}
            }
        }
        Ok::<_, Error>(())
    })
    .unwrap_or_default();
    table
}

/// A URL keeps everything but its password; anything else is covered whole.
fn covered(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else { return "covered".to_owned() };
    if url.password().is_some() && url.set_password(Some("covered")).is_err() {
        return "covered".to_owned();
    }
    url.into()
}

pub(crate) fn parse(text: &str, path: &Path) -> Result<Table, Error> {
    text.parse().map_err(|error: toml::de::Error| {
        Error::Config(format!("{} is no TOML: {}", path.display(), error.to_string().trim()))
    })
}

/// Tables are merged key by key; anything else is replaced whole. So is a table that names another backend: the
/// keys of one mean nothing to another.
pub(crate) fn merge(target: &mut Table, source: Table) {
    let chosen = source.get(BACKEND);
    if chosen.is_some_and(|chosen| target.get(BACKEND).is_some_and(|known| known != chosen)) {
        target.clear();
    }
    for (key, value) in source {
        match (target.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(over)) => merge(below, over),
            (_, value) => {
                target.insert(key, value);
            }
        }
    }
}

/// A value is TOML where it can be read as such (`5`, `true`, `["a"]`), and else a text.
fn assign(table: &mut Table, key: &str, text: &str) -> Result<(), Error> {
    let value = format!("value = {text}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    let value = value.unwrap_or_else(|| Value::String(text.to_owned()));
    let mut parts: Vec<&str> = key.split('.').collect();
    let last = parts.pop().unwrap_or_default();
    let mut at = table;
    for part in parts {
        let below = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
        at = below
            .as_table_mut()
            .ok_or_else(|| Error::Config(format!("`{key}` cannot be set: `{part}` is no table")))?;
    }
    if last == BACKEND && at.get(BACKEND).is_some_and(|known| *known != value) {
        at.clear();
    }
    at.insert(last.to_owned(), value);
    Ok(())
}

/// `url_file = "/run/secrets/primary"` becomes `url`, read from there.
fn read_secrets(table: &mut Table) -> Result<(), Error> {
    visit(table, &mut |table| {
        for key in SECRETS {
            let Some(Value::String(path)) = table.remove(&format!("{key}_file")) else { continue };
            let path = PathBuf::from(path);
            let text = std::fs::read_to_string(&path).map_err(Error::file("reading a secret", &path))?;
            table.insert(key.to_owned(), Value::String(text.trim().to_owned()));
        }
        Ok(())
    })
}

/// Calls `change` for the table and every table below it, those in lists included.
fn visit<E>(table: &mut Table, change: &mut impl FnMut(&mut Table) -> Result<(), E>) -> Result<(), E> {
    change(table)?;
    for (_, value) in table.iter_mut() {
        match value {
            Value::Table(below) => visit(below, change)?,
            Value::Array(items) => {
                for below in items.iter_mut().filter_map(Value::as_table_mut) {
                    visit(below, change)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_layer_wins() {
        let layers = Layers {
            files: Vec::new(),
            environment: vec![("log.filter".into(), "debug".into()), ("node.name".into(), "n1".into())],
            set: vec![("log.filter".into(), "warn".into()), ("store.lag_ms_max".into(), "7".into())],
        };
        let table = layers.effective().unwrap();
        assert_eq!(table["log"]["filter"].as_str(), Some("warn"));
        assert_eq!(table["node"]["name"].as_str(), Some("n1"));
        assert_eq!(table["store"]["lag_ms_max"].as_integer(), Some(7));
    }

    #[test]
    fn secrets_come_from_files_and_are_never_shown() {
        let file = std::env::temp_dir().join(format!("sangraha-secret-{}", std::process::id()));
        std::fs::write(&file, "postgres://app:hunter2@db/sangraha\n").unwrap();
        let set = vec![("store.primary.url_file".to_owned(), file.display().to_string())];
        let table = Layers { set, ..Layers::default() }.effective().unwrap();
        assert_eq!(table["store"]["primary"]["url"].as_str(), Some("postgres://app:hunter2@db/sangraha"));
        assert!(!masked(table).to_string().contains("hunter2"));
        std::fs::remove_file(&file).unwrap();
    }

    #[test]
    fn a_value_in_the_place_of_a_table_is_refused() {
        let set = vec![("log.filter.more".to_owned(), "1".to_owned())];
        assert!(Layers { set, ..Layers::default() }.effective().is_err());
    }

    #[test]
    fn choosing_a_backend_forgets_the_keys_of_the_one_before() {
        let set = vec![
            ("search.url".to_owned(), "http://127.0.0.1:9200".to_owned()),
            ("search.backend".to_owned(), "opensearch".to_owned()),
        ];
        let table = Layers { set, ..Layers::default() }.effective().unwrap();
        let keys: Vec<&String> = table["search"].as_table().unwrap().keys().collect();
        assert_eq!(keys, ["backend", "url"]);
        let same = vec![("search.backend".to_owned(), "tantivy".to_owned())];
        let table = Layers { set: same, ..Layers::default() }.effective().unwrap();
        assert!(table["search"].as_table().unwrap().contains_key("path"));
    }

    #[test]
    fn a_set_without_a_value_is_refused() {
        assert!(Layers::of(Vec::new(), &["cache".to_owned()]).is_err());
    }
}
