//! The user that PostgreSQL runs as. It refuses root, so root lends it another account.

use crate::Error;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

/// Accounts that root may lend, the better first.
const LENT: [&str; 2] = ["postgres", "nobody"];

/// Who runs the programs and owns the files of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Set where this process is root and must become somebody else.
    pub other: Option<(u32, u32)>,
    /// For a sentence.
    pub name: String,
}

impl Account {
    /// The account for this process.
    pub fn choose() -> Result<Self, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(Self { other: None, name: "this user".to_owned() });
        }
        let path = Path::new("/etc/passwd");
        let passwd = std::fs::read_to_string(path).map_err(Error::file("reading the accounts", path))?;
        LENT.into_iter().find_map(|name| lent(&passwd, name)).ok_or_else(|| {
            Error::Config("PostgreSQL refuses to run as root, and this machine has neither a user `postgres` nor `nobody`; run as another user".to_owned())
        })
    }

    /// Gives a file or folder to the account.
    pub fn own(&self, path: &Path) -> Result<(), Error> {
        let Some((uid, gid)) = self.other else { return Ok(()) };
        chown(path, Some(uid), Some(gid)).map_err(Error::file("giving a file to PostgreSQL's user", path))
    }

    /// Makes a folder of mode 0700 that belongs to the account.
    pub fn folder(&self, path: &Path) -> Result<(), Error> {
        std::fs::create_dir_all(path).map_err(Error::file("creating a folder", path))?;
        let private = std::fs::Permissions::from_mode(0o700);
        std::fs::set_permissions(path, private).map_err(Error::file("protecting a folder", path))?;
        self.own(path)
    }

    /// Writes a file of mode 0600 that belongs to the account.
    pub fn file(&self, path: &Path, text: &str) -> Result<(), Error> {
        write_private(path, text)?;
        self.own(path)
    }

    /// Whether the account can walk to `folder`, which need not exist yet.
    pub fn can_reach(&self, folder: &Path) -> bool {
        let Some((uid, gid)) = self.other else { return true };
        let parents = folder.ancestors().skip(1).filter(|parent| !parent.as_os_str().is_empty());
        parents.filter_map(|parent| std::fs::metadata(parent).ok()).all(|parent| {
            let bits = match () {
                () if parent.uid() == uid => 0o100,
                () if parent.gid() == gid => 0o010,
                () => 0o001,
            };
            parent.mode() & bits != 0
        })
    }
}

/// Writes a file that only its owner can read, replacing an old one at once.
pub fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let new = PathBuf::from(format!("{}.new", path.display()));
    let _ = std::fs::remove_file(&new);
    let mut options = std::fs::OpenOptions::new();
    let opened = options.write(true).create_new(true).mode(0o600).open(&new);
    let mut file = opened.map_err(Error::file("creating a file", &new))?;
    file.write_all(text.as_bytes()).map_err(Error::file("writing a file", &new))?;
    std::fs::rename(&new, path).map_err(Error::file("replacing a file", path))
}

fn lent(passwd: &str, wanted: &str) -> Option<Account> {
    let fields =
        passwd.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == wanted)?;
    let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
    Some(Account { other: Some((uid, gid)), name: wanted.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_lends_the_account_of_postgres_and_else_nobody() {
        let passwd =
            "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\npostgres:x:101:102::/:/bin/sh";
        assert_eq!(lent(passwd, "postgres").unwrap().other, Some((101, 102)));
        assert_eq!(lent(passwd, "nobody").unwrap().other, Some((65534, 65534)));
        assert_eq!(lent(passwd, "absent"), None);
    }

    #[test]
    fn a_folder_below_a_closed_one_is_out_of_reach() {
        let base = std::env::temp_dir().join(format!("sangraha-account-{}", std::process::id()));
        std::fs::create_dir_all(base.join("inside")).unwrap();
        std::fs::set_permissions(&base, std::fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = Account { other: Some((65_533, 65_533)), name: "stranger".into() };
        assert!(!stranger.can_reach(&base.join("inside/data")));
        assert!(stranger.can_reach(Path::new("/usr/lib/anything")));
        std::fs::remove_dir_all(&base).unwrap();
    }
}
