//! The log of one process: its words as they come, in files of bounded size.

use crate::Error;
use std::path::{Path, PathBuf};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};

/// A log of this size becomes `NAME.log.1`, and the one before that is dropped.
const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// Read at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// An open log.
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl LogFile {
    /// Opens for appending.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        let file = tokio::fs::OpenOptions::new().create(true).append(true).open(path).await;
        let file = file.map_err(Error::file("opening a log", path))?;
        let bytes = file.metadata().await.map_err(Error::file("measuring a log", path))?.len();
        Ok(Self { path: path.to_path_buf(), file, bytes })
    }

    /// Copies everything that `source` says. A disk that is full costs words, never the process: its pipe is
    /// read on in any case.
    pub async fn follow(mut self, mut source: impl AsyncRead + Unpin) {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(read @ 1..) = source.read(&mut chunk).await {
            if self.file.write_all(&chunk[..read]).await.is_ok() {
                let _ = self.file.flush().await;
                self.bytes += read as u64;
            }
            if self.bytes >= LOG_BYTES_MAX {
                self.rotate().await;
            }
        }
    }

    async fn rotate(&mut self) {
        let old = PathBuf::from(format!("{}.1", self.path.display()));
        if tokio::fs::rename(&self.path, &old).await.is_ok()
            && let Ok(new) = Self::open(&self.path).await
        {
            *self = new;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_log_never_grows_without_limit() {
        let path = std::env::temp_dir().join(format!("sangraha-log-{}.log", std::process::id()));
        let old = PathBuf::from(format!("{}.1", path.display()));
        let words = tokio::io::repeat(b'x').take(LOG_BYTES_MAX * 2 + 100);
        LogFile::open(&path).await.unwrap().follow(words).await;
        let size = |path: &Path| std::fs::metadata(path).unwrap().len();
        assert!(size(&old) >= LOG_BYTES_MAX && size(&old) < LOG_BYTES_MAX + CHUNK_BYTES as u64);
        assert!(size(&path) < LOG_BYTES_MAX);
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(&old).unwrap();
    }
}
