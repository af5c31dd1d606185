//! The starter catalogue: loaded when the database is new or the folder has changed.

use super::layout::Layout;
use crate::config::{Config, Layers};
use crate::terminal::Steps;
use crate::{Error, load};
use std::path::{Path, PathBuf};

/// Loads `wanted`, or the catalogue that lies with the program.
pub async fn load(
    layout: &Layout,
    wanted: Option<&Path>,
    is_new: bool,
    steps: &mut Steps,
) -> Result<(), Error> {
    let Some(folder) = wanted.map(Path::to_path_buf).or_else(beside_the_program) else {
        steps.note("no starter catalogue was found; `--catalogue DIR` names one, `sangraha load DIR` loads one later");
        return Ok(());
    };
    let hash = fingerprint(&folder)?;
    let known = layout.data.join("catalogue.hash");
    if !is_new && std::fs::read_to_string(&known).is_ok_and(|kept| kept == hash) {
        return Ok(());
    }
    let config = Config::load(&Layers::of(vec![layout.config("node-a")], &[])?)?;
    let report = load::folder(&config, &folder, false, &|_| ()).await?;
    std::fs::write(&known, hash).map_err(Error::file("noting the catalogue", &known))?;
    steps.done(format_args!("starter catalogue loaded ({})", report.summary()));
    Ok(())
}

/// `catalogue` in the present folder, or in one above the program (`target/release/sangraha`).
fn beside_the_program() -> Option<PathBuf> {
    let program = std::env::current_exe().unwrap_or_default();
    let folders =
        std::env::current_dir().into_iter().chain(program.ancestors().skip(1).map(Path::to_path_buf));
    folders.map(|folder| folder.join("catalogue")).find(|folder| folder.is_dir())
}

/// FNV-1a of every file's path and content, in order.
fn fingerprint(folder: &Path) -> Result<String, Error> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(Error::file("reading the catalogue", &folder))? {
            let path = entry.map_err(Error::file("reading the catalogue", &folder))?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let mut add = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for file in files {
        add(file.as_os_str().as_encoded_bytes());
        add(&std::fs::read(&file).map_err(Error::file("reading the catalogue", &file))?);
    }
    Ok(format!("{hash:016x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_changes_the_fingerprint() {
        let folder = std::env::temp_dir().join(format!("sangraha-catalogue-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("below")).unwrap();
        std::fs::write(folder.join("below/ragas.toml"), "a").unwrap();
        let first = fingerprint(&folder).unwrap();
        assert_eq!(fingerprint(&folder).unwrap(), first);
        std::fs::write(folder.join("below/ragas.toml"), "b").unwrap();
        assert_ne!(fingerprint(&folder).unwrap(), first);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
