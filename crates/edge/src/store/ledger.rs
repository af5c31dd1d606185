//! What the disk must know of purges, in a file that is only appended to: which tag was purged at which step.
//!
//! Objects on disk outlive the process, so what made them void must too. A purge is written here before it is
//! acknowledged. A file that is missing, damaged, or older than the last start of the machine (when writes may have
//! been lost) is worth nothing, and then nothing on disk is: it gets a new [`Seed`], under which no old object can be
//! found.

use crate::store::Identity;
use crate::store::seed::Seed;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The steps of the last purges of a tag; 0 says that there was none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) hard: u64,
    pub(crate) soft: u64,
    pub(crate) floor_lsn: u64,
}

/// Everything that decides whether a stored object still holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) marks: HashMap<u64, Mark, Identity>,
    /// The step that was reached.
    pub(crate) now: u64,
    /// Fills that started before this step are void.
    pub(crate) oldest: u64,
    /// Fills that started before this step must be confirmed.
    pub(crate) soft_oldest: u64,
    /// The highest floor among the marks that were given up.
    pub(crate) floor_lsn_min: u64,
    /// Epoch and position of the last purge that the feed told.
    pub(crate) heard: Option<(u64, u64)>,
}

/// One line of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    Mark {
        tag: u64,
        mark: Mark,
    },
    /// Completes the marks before it: what has no end did not happen.
    Step {
        now: u64,
        oldest: u64,
        soft_oldest: u64,
        floor_lsn_min: u64,
    },
    Heard {
        epoch: u64,
        position: u64,
    },
    /// All marks are forgotten.
    Forgotten,
    /// The start of the machine under which the file was opened.
    Opened {
        boot: u64,
    },
    /// Everything is on the disk, for good.
    Closed,
}

/// Why a file is worth nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Damage {
    #[error("it is missing")]
    Missing,
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    #[error("its head is not ours, or of another size of disk")]
    Head,
    #[error("record {0} is damaged")]
    Record(usize),
    #[error("the machine stopped before the edge did")]
    Crash,
}

/// The open file.
pub(crate) struct Ledger {
    file: Option<File>,
    path: PathBuf,
    seed: Seed,
    disk_bytes_max: u64,
    records: usize,
}

impl Ledger {
    /// Reads what is there and begins anew with it, or with nothing.
    pub(crate) fn open(path: PathBuf, disk_bytes_max: u64) -> io::Result<(Self, Result<State, Damage>)> {
        let boot = boot();
        let known = read(&path, disk_bytes_max, boot);
        let seed = known.as_ref().map_or_else(|_| Seed::random(), |(seed, _)| seed.clone());
        let state = known.map(|(_, state)| state);
        let mut ledger = Self { file: None, path, seed, disk_bytes_max, records: 0 };
        match &state {
            Ok(state) => ledger.rewrite(state)?,
            Err(_) => ledger.rewrite(&State { now: 1, ..State::default() })?,
        }
        Ok((ledger, state))
    }

    pub(crate) fn seed(&self) -> &Seed {
        &self.seed
    }

    /// Lines since the file was last written whole.
    pub(crate) const fn records(&self) -> usize {
        self.records
    }

    /// Adds lines. Where that fails the file is given up and taken away: what is on disk then ends with the process.
    pub(crate) fn append(&mut self, records: &[Record]) {
        let Some(file) = &mut self.file else { return };
        let mut bytes = Vec::with_capacity(records.len() * RECORD_BYTES);
        for (index, record) in records.iter().enumerate() {
            encode(record, self.records + index, &self.seed, &mut bytes);
        }
        self.records += records.len();
        if let Err(error) = file.write_all(&bytes) {
            self.give_up(&error);
        }
    }

    /// Writes the whole state in the place of its history.
    pub(crate) fn rewrite(&mut self, state: &State) -> io::Result<()> {
        let records = records_of(state);
        let mut bytes = head(&self.seed, self.disk_bytes_max);
        for (index, record) in records.iter().enumerate() {
            encode(record, index, &self.seed, &mut bytes);
        }
        let draft = self.path.with_extension("new");
        let mut file = File::create(&draft)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        fs::rename(&draft, &self.path)?;
        File::open(self.path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        self.file = Some(OpenOptions::new().append(true).open(&self.path)?);
        self.records = records.len();
        Ok(())
    }

    /// Says that nothing follows, after which even the machine may stop.
    pub(crate) fn close(&mut self) {
        self.append(&[Record::Closed]);
        if let Some(file) = self.file.take()
            && let Err(error) = file.sync_data()
        {
            self.give_up(&error);
        }
    }

    pub(crate) fn give_up(&mut self, error: &io::Error) {
        self.file = None;
        let removed = fs::remove_file(&self.path);
        tracing::error!(
            %error,
            path = %self.path.display(),
            removed = removed.is_ok(),
            "Purges cannot be written down: what is on disk will not be used after a restart"
        );
    }
}

const MAGIC: &[u8; 8] = b"sgledg1\n";
const HEAD_BYTES: usize = 8 + Seed::BYTES + 8 + 8;
/// Kind, four numbers, check.
const RECORD_BYTES: usize = 1 + 4 * 8 + 4;

fn head(seed: &Seed, disk_bytes_max: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(seed.bytes());
    bytes.extend_from_slice(&disk_bytes_max.to_le_bytes());
    let check = check(seed, usize::MAX, &bytes);
    bytes.extend_from_slice(&check.to_le_bytes());
    bytes
}

fn records_of(state: &State) -> Vec<Record> {
    let State { marks, now, oldest, soft_oldest, floor_lsn_min, heard } = state;
    let step =
        Record::Step { now: *now, oldest: *oldest, soft_oldest: *soft_oldest, floor_lsn_min: *floor_lsn_min };
    let heard = heard.map(|(epoch, position)| Record::Heard { epoch, position });
    let marks = marks.iter().map(|(tag, mark)| Record::Mark { tag: *tag, mark: *mark });
    std::iter::once(Record::Opened { boot: boot() }).chain(marks).chain([step]).chain(heard).collect()
}

fn encode(record: &Record, index: usize, seed: &Seed, bytes: &mut Vec<u8>) {
    let (kind, numbers) = match *record {
        Record::Mark { tag, mark } => (1, [tag, mark.hard, mark.soft, mark.floor_lsn]),
        Record::Step { now, oldest, soft_oldest, floor_lsn_min } => {
            (2, [now, oldest, soft_oldest, floor_lsn_min])
        }
        Record::Heard { epoch, position } => (3, [epoch, position, 0, 0]),
        Record::Forgotten => (4, [0; 4]),
        Record::Opened { boot } => (5, [boot, 0, 0, 0]),
        Record::Closed => (6, [0; 4]),
    };
    let start = bytes.len();
    bytes.push(kind);
    numbers.iter().for_each(|number| bytes.extend_from_slice(&number.to_le_bytes()));
    let check = check(seed, index, &bytes[start..]);
    bytes.extend_from_slice(&check.to_le_bytes()[..4]);
}

/// The place counts too: a line that moved is damaged.
fn check(seed: &Seed, index: usize, bytes: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write_u64(index as u64);
    hasher.write(bytes);
    hasher.finish()
}

fn decode(bytes: &[u8; RECORD_BYTES], index: usize, seed: &Seed) -> Option<Record> {
    let (body, stated) = bytes.split_at(RECORD_BYTES - 4);
    if check(seed, index, body).to_le_bytes()[..4] != *stated {
        return None;
    }
    let number = |place: usize| number(&body[1 + 8 * place..]);
    let (a, b, c, d) = (number(0), number(1), number(2), number(3));
    Some(match body[0] {
        1 => Record::Mark { tag: a, mark: Mark { hard: b, soft: c, floor_lsn: d } },
        2 => Record::Step { now: a, oldest: b, soft_oldest: c, floor_lsn_min: d },
        3 => Record::Heard { epoch: a, position: b },
        4 => Record::Forgotten,
        5 => Record::Opened { boot: a },
        6 => Record::Closed,
        _ => return None,
    })
}

/// The first eight bytes.
fn number(bytes: &[u8]) -> u64 {
    bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn read(path: &Path, disk_bytes_max: u64, boot: u64) -> Result<(Seed, State), Damage> {
    let bytes = fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Damage::Missing,
        _ => Damage::Unreadable(error),
    })?;
    let key = bytes.get(MAGIC.len()..).and_then(<[u8]>::first_chunk).ok_or(Damage::Head)?;
    let seed = Seed::from_bytes(*key);
    let records = bytes.strip_prefix(head(&seed, disk_bytes_max).as_slice()).ok_or(Damage::Head)?;
    let (records, rest) = records.as_chunks::<RECORD_BYTES>();
    let mut replay = Replay::default();
    for (index, bytes) in records.iter().enumerate() {
        replay.take(decode(bytes, index, &seed).ok_or(Damage::Record(index))?);
    }
    if !rest.is_empty() || !replay.pending.is_empty() {
        return Err(Damage::Record(records.len()));
    }
    let lived = replay.closed || boot != 0 && replay.boot == boot;
    if lived { Ok((seed, replay.state)) } else { Err(Damage::Crash) }
}

#[derive(Default)]
struct Replay {
    state: State,
    pending: Vec<(u64, Mark)>,
    boot: u64,
    closed: bool,
}

impl Replay {
    fn take(&mut self, record: Record) {
        self.closed = record == Record::Closed;
        match record {
            Record::Mark { tag, mark } => self.pending.push((tag, mark)),
            Record::Step { now, oldest, soft_oldest, floor_lsn_min } => {
                self.state.marks.extend(self.pending.drain(..));
                let State { marks, heard, .. } = std::mem::take(&mut self.state);
                self.state = State { marks, now, oldest, soft_oldest, floor_lsn_min, heard };
            }
            Record::Heard { epoch, position } => self.state.heard = Some((epoch, position)),
            Record::Forgotten => self.state.marks.clear(),
            Record::Opened { boot } => self.boot = boot,
            Record::Closed => {}
        }
    }
}

/// A number for this start of the machine; 0 where the system does not tell.
fn boot() -> u64 {
    let named = fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    if named.is_empty() { 0 } else { Seed::from_bytes([0; Seed::BYTES]).hash_one(named) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("sangraha-ledger-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder.join("purges")
    }

    fn mark(step: u64) -> Mark {
        Mark { hard: step, soft: step - 1, floor_lsn: 7 * step }
    }

    /// A ledger with two purges and a position, not closed.
    fn filled(path: &Path) -> Seed {
        let _ = fs::remove_file(path);
        let (mut ledger, state) = Ledger::open(path.to_owned(), 1 << 20).unwrap();
        assert!(matches!(state, Err(Damage::Missing)));
        ledger.append(&[
            Record::Mark { tag: 5, mark: mark(2) },
            Record::Step { now: 2, oldest: 0, soft_oldest: 0, floor_lsn_min: 0 },
        ]);
        ledger.append(&[
            Record::Mark { tag: 6, mark: mark(3) },
            Record::Mark { tag: 5, mark: mark(3) },
            Record::Step { now: 3, oldest: 1, soft_oldest: 2, floor_lsn_min: 4 },
            Record::Heard { epoch: 8, position: 9 },
        ]);
        ledger.seed().clone()
    }

    #[test]
    fn what_was_written_is_read_again_with_the_same_seed() {
        let path = folder("again");
        let seed = filled(&path);
        for _ in 0..2 {
            // The second time it is the rewritten form.
            let (mut ledger, state) = Ledger::open(path.clone(), 1 << 20).unwrap();
            let marks = [(5, mark(3)), (6, mark(3))].into_iter().collect();
            let expected =
                State { marks, now: 3, oldest: 1, soft_oldest: 2, floor_lsn_min: 4, heard: Some((8, 9)) };
            assert_eq!(state.unwrap(), expected);
            assert_eq!(*ledger.seed(), seed);
            ledger.close();
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_makes_it_worthless() {
        let path = folder("damage");
        let seed = filled(&path);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            let mut broken = bytes.clone();
            broken[at] ^= 1;
            fs::write(&path, &broken).unwrap();
            assert!(read(&path, 1 << 20, boot()).is_err(), "byte {at}");
            fs::write(&path, &bytes[..at]).unwrap();
            // A cut between two steps is a history that could have been; a process that ends leaves none.
            let cut = read(&path, 1 << 20, boot());
            let whole = at >= HEAD_BYTES && (at - HEAD_BYTES).is_multiple_of(RECORD_BYTES);
            assert!(cut.is_err() || whole, "cut at {at}");
        }
        fs::write(&path, &bytes[..bytes.len() - 3 * RECORD_BYTES]).unwrap();
        let (ledger, state) = Ledger::open(path, 1 << 20).unwrap();
        assert!(matches!(state, Err(Damage::Record(_))), "half a step");
        assert_ne!(*ledger.seed(), seed, "nothing that was kept under the old one can be found");
    }

    #[test]
    fn after_a_crash_of_the_machine_only_a_closed_one_holds() {
        let path = folder("crash");
        filled(&path);
        assert!(matches!(read(&path, 1 << 20, boot() ^ 1), Err(Damage::Crash)));
        let (mut ledger, state) = Ledger::open(path.clone(), 1 << 20).unwrap();
        assert!(state.is_ok());
        ledger.close();
        assert!(read(&path, 1 << 20, boot() ^ 1).is_ok());
        assert!(matches!(read(&path, 2 << 20, boot()), Err(Damage::Head)), "another size");
    }

    #[test]
    fn a_full_disk_takes_the_file_away() {
        let path = folder("full");
        filled(&path);
        let (mut ledger, _) = Ledger::open(path.clone(), 1 << 20).unwrap();
        ledger.file = Some(OpenOptions::new().append(true).open("/dev/full").unwrap());
        ledger.append(&[Record::Step { now: 4, oldest: 0, soft_oldest: 0, floor_lsn_min: 0 }]);
        assert!(!path.exists());
        let (_, state) = Ledger::open(path, 1 << 20).unwrap();
        assert!(matches!(state, Err(Damage::Missing)));
    }
}
