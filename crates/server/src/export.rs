//! `sangraha export`: a dataset becomes a file, with its checksum beside it.

use crate::config::Config;
use crate::{Error, setup, terminal};
use public::export::{Dataset, Export, Format};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use store::Reader;

/// How often an export is begun again because the catalogue changed.
const ATTEMPTS_MAX: u32 = 5;

/// A file that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Where it is.
    pub file: PathBuf,
    /// Records in it.
    pub records: u64,
    /// The version of the dataset.
    pub version: String,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
}

/// Writes `dataset` into `folder`, and `SHA256SUMS` beside it.
pub async fn run(config: &Config, folder: &Path, dataset: &str, format: Format) -> Result<(), Error> {
    let known = Dataset::all().find(|known| known.name() == dataset);
    let dataset = known.ok_or_else(|| Error::Found(format!("there is no dataset `{dataset}`")))?;
    if !dataset.formats().contains(&format) {
        return Err(Error::Found(format!("`{}` cannot be had in this format", dataset.name())));
    }
    let reader = setup::reader(config).await?;
    let written = folder_of(&reader, folder, dataset, format, &config.public.site_url).await?;
    let Written { file, records, version, sha256 } = written;
    terminal::say(format_args!("{}: {records} records, version {version}, SHA-256 {sha256}", file.display()));
    Ok(())
}

/// Writes the file under another name until it is whole.
pub async fn folder_of(
    reader: &Reader,
    folder: &Path,
    dataset: Dataset,
    format: Format,
    site: &str,
) -> Result<Written, Error> {
    fs::create_dir_all(folder).map_err(Error::file("making the folder", folder))?;
    let name = format!("{}.{}", dataset.name(), format.extension());
    let (file, part) = (folder.join(&name), folder.join(format!("{name}.part")));
    let mut attempts_left = ATTEMPTS_MAX;
    let (records, version, sha256) = loop {
        attempts_left -= 1;
        match write(reader, &part, dataset, format, site).await? {
            Some(done) => break done,
            None if attempts_left > 0 => {}
            None => {
                return Err(Error::Found("the catalogue changes faster than it can be written".to_owned()));
            }
        }
    };
    fs::rename(&part, &file).map_err(Error::file("naming the file", &file))?;
    let sums = folder.join("SHA256SUMS");
    let others = fs::read_to_string(&sums).unwrap_or_default();
    let others = others.lines().filter(|line| !line.ends_with(&format!("  {name}")));
    let lines: String = others.map(|line| format!("{line}\n")).collect();
    fs::write(&sums, format!("{lines}{sha256}  {name}\n"))
        .map_err(Error::file("writing the checksum", &sums))?;
    Ok(Written { file, records, version, sha256 })
}

/// Records, version and checksum; none where the catalogue changed meanwhile.
async fn write(
    reader: &Reader,
    part: &Path,
    dataset: Dataset,
    format: Format,
    site: &str,
) -> Result<Option<(u64, String, String)>, Error> {
    let failed = |error: public::export::ExportError| Error::part("Reading the catalogue")(error);
    let mut export = Export::begin(reader, dataset, format, site).await.map_err(failed)?;
    let mut out = BufWriter::new(File::create(part).map_err(Error::file("writing the file", part))?);
    let mut hash = Sha256::new();
    loop {
        match export.next().await {
            Ok(Some(bytes)) => {
                hash.update(&bytes);
                out.write_all(&bytes).map_err(Error::file("writing the file", part))?;
            }
            Ok(None) => break,
            Err(public::export::ExportError::Changed) => return Ok(None),
            Err(error) => return Err(failed(error)),
        }
    }
    out.flush().map_err(Error::file("writing the file", part))?;
    let sha256: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Some((export.state().records, export.state().version.clone(), sha256)))
}
