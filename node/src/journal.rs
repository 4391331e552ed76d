//! The append-only file in which a node keeps what it was ordered and what became of it.
//!
//! A record is written before its order is acknowledged, without `fsync`: that survives a kill of the
//! process. [`Journal::sync`] is called about every second, off the path: a power cut costs that much.
//! A torn or damaged end is cut off when the file is opened, and what was cut is kept beside it.

mod frame;

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use prost::Message;

use self::frame::Frame;

/// First bytes of the file: what it is, and the version of the format.
const MAGIC: &[u8; 8] = b"jarvisj1";

/// One thing that happened to an order. Encoded as protobuf, so that fields can be added.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Record {
    /// The order's id.
    #[prost(string, tag = "1")]
    pub(crate) order: String,
    /// Unix milliseconds.
    #[prost(int64, tag = "2")]
    pub(crate) time_ms: i64,
    #[prost(oneof = "Entry", tags = "10, 11, 12, 13, 14")]
    pub(crate) entry: Option<Entry>,
}

/// What happened.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Entry {
    /// The order was checked and will be carried out.
    #[prost(message, tag = "10")]
    Accepted(Accepted),
    /// A job's process runs.
    #[prost(message, tag = "11")]
    Started(Started),
    /// An encoded `Ended`: the order is done with.
    #[prost(bytes = "vec", tag = "12")]
    Ended(Vec<u8>),
    /// The root has stored the ending.
    #[prost(message, tag = "13")]
    Acknowledged(()),
    /// Orders of which nothing is kept but that they were carried out once. `order` is empty.
    #[prost(message, tag = "14")]
    Spent(Spent),
}

/// The signed order itself: it is the audit record.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Accepted {
    /// The root's address.
    #[prost(string, tag = "1")]
    pub(crate) root: String,
    /// An encoded `SignedOrder`.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) signed: Vec<u8>,
    /// Until then the id must be remembered, Unix milliseconds of the root's clock.
    #[prost(int64, tag = "3")]
    pub(crate) expires_ms: i64,
    /// It came from a legacy root, whose signature does not cover what it asks for.
    #[prost(bool, tag = "4")]
    pub(crate) legacy: bool,
}

/// Orders that must not be taken a second time.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Spent {
    /// 16 bytes of each one's id, hashed, one after the other.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) ids: Vec<u8>,
    /// When each one expires, Unix milliseconds of the root's clock.
    #[prost(int64, repeated, tag = "2")]
    pub(crate) expires_ms: Vec<i64>,
}

/// Names a process for ever: see `ProcessStat`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Started {
    #[prost(int32, tag = "1")]
    pub(crate) pid: i32,
    #[prost(uint64, tag = "2")]
    pub(crate) start_ticks: u64,
    #[prost(string, tag = "3")]
    pub(crate) boot_id: String,
}

/// Where a record stands in the file; valid until the next [`Journal::rewrite`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    offset: u64,
    length: u32,
}

impl Place {
    /// Bytes of the file that it takes.
    pub(crate) fn bytes(self) -> u64 {
        frame::framed_bytes(self.length as usize)
    }
}

/// The open file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
}

impl Journal {
    /// Opens or makes the file, cuts off a damaged end, and hands each record with its place to `visit`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, written or locked, or is not a journal.
    pub(crate) fn open(path: &Path, mut visit: impl FnMut(Place, Record)) -> io::Result<Self> {
        let mut file = open_file(path)?;
        file.try_lock().map_err(|error| {
            io::Error::other(format!(
                "{} is in use by another node: {error}",
                path.display()
            ))
        })?;
        if file.metadata()?.len() < MAGIC.len() as u64 {
            file.set_len(0)?;
            file.write_all(MAGIC)?;
        }
        let length = read_all(&file, path, &mut visit)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            length,
        };
        journal.cut_damage()?;
        Ok(journal)
    }

    /// Bytes of the file.
    pub(crate) fn bytes(&self) -> u64 {
        self.length
    }

    /// Appends one record. When it fails nothing of it stays in the file.
    ///
    /// # Errors
    ///
    /// When the disk is full, or broken.
    pub(crate) fn append(&mut self, record: &Record) -> io::Result<Place> {
        let bytes = record.encode_to_vec();
        if let Err(error) = frame::write(&mut self.file, &bytes) {
            self.file.set_len(self.length)?;
            return Err(error);
        }
        let place = Place {
            offset: self.length,
            length: length_of(&bytes),
        };
        self.length += frame::framed_bytes(bytes.len());
        Ok(place)
    }

    /// Reads a record again.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or was changed by somebody else.
    pub(crate) fn read(&self, place: Place) -> io::Result<Record> {
        let mut bytes =
            vec![0; usize::try_from(frame::framed_bytes(place.length as usize)).unwrap_or(0)];
        self.file.read_exact_at(&mut bytes, place.offset)?;
        match frame::read(&mut &bytes[..])? {
            Frame::Record(record) => Ok(Record::decode(&record[..])?),
            Frame::End | Frame::Damaged => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// A second handle, to call [`File::sync_data`] on a blocking thread.
    ///
    /// # Errors
    ///
    /// When descriptors run out.
    pub(crate) fn sync_handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Replaces the file by one that holds only `first` and the records at `kept`, in that order, and
    /// returns the new places of the latter. A crash leaves the old file or the new one.
    ///
    /// # Errors
    ///
    /// When the new file cannot be written; the old one then stays in use.
    pub(crate) fn rewrite(&mut self, first: &[Record], kept: &[Place]) -> io::Result<Vec<Place>> {
        let new_path = self.path.with_extension("new");
        let _ = fs::remove_file(&new_path);
        let file = open_file(&new_path)?;
        file.lock()?;
        let mut writer = BufWriter::new(&file);
        writer.write_all(MAGIC)?;
        let mut length = MAGIC.len() as u64;
        for record in first {
            let bytes = record.encode_to_vec();
            frame::write(&mut writer, &bytes)?;
            length += frame::framed_bytes(bytes.len());
        }
        let mut places = Vec::with_capacity(kept.len());
        for place in kept {
            frame::write(&mut writer, &self.read(*place)?.encode_to_vec())?;
            places.push(Place {
                offset: length,
                length: place.length,
            });
            length += frame::framed_bytes(place.length as usize);
        }
        writer.flush()?;
        drop(writer);
        file.sync_all()?;
        fs::rename(&new_path, &self.path)?;
        self.file = file;
        self.length = length;
        Ok(places)
    }

    fn cut_damage(&mut self) -> io::Result<()> {
        let end = self.file.metadata()?.len();
        if end > self.length {
            let cut = self
                .path
                .with_extension(format!("cut-{}", crate::clock::now_ms()));
            let mut damaged = &self.file;
            damaged.seek(SeekFrom::Start(self.length))?;
            io::copy(&mut damaged, &mut open_file(&cut)?)?;
            self.file.set_len(self.length)?;
            tracing::warn!(
                bytes = end - self.length,
                kept = %cut.display(),
                "the journal's end was damaged and has been cut off",
            );
        }
        Ok(())
    }
}

/// Visits every record up to the end or the first damage, and returns how far that is.
fn read_all(file: &File, path: &Path, visit: &mut impl FnMut(Place, Record)) -> io::Result<u64> {
    let mut reader = BufReader::new(file);
    reader.seek(SeekFrom::Start(0))?;
    let mut magic = [0; MAGIC.len()];
    reader.read_exact(&mut magic)?;
    if magic != *MAGIC {
        return Err(io::Error::other(format!(
            "{} is not a journal of this program",
            path.display()
        )));
    }
    let mut offset = MAGIC.len() as u64;
    while let Frame::Record(bytes) = frame::read(&mut reader)? {
        let Ok(record) = Record::decode(&bytes[..]) else {
            break;
        };
        visit(
            Place {
                offset,
                length: length_of(&bytes),
            },
            record,
        );
        offset += frame::framed_bytes(bytes.len());
    }
    Ok(offset)
}

fn length_of(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).expect("a frame is never longer than MOST_BYTES")
}

/// Appending, so that every write goes to the end whatever was read before.
fn open_file(path: &Path) -> io::Result<File> {
    File::options()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn record(order: &str, ended: Vec<u8>) -> Record {
        Record {
            order: order.to_owned(),
            time_ms: 7,
            entry: Some(Entry::Ended(ended)),
        }
    }

    fn open(path: &Path) -> (Journal, Vec<Record>) {
        let mut records = Vec::new();
        let journal = Journal::open(path, |_, record| records.push(record)).unwrap();
        (journal, records)
    }

    #[test]
    fn records_survive_and_are_read_again_by_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (mut journal, _) = open(&path);
        journal.append(&record("a", vec![1])).unwrap();
        let place = journal.append(&record("b", vec![2; 100])).unwrap();
        assert_eq!(journal.read(place).unwrap(), record("b", vec![2; 100]));
        drop(journal);
        let (mut journal, records) = open(&path);
        assert_eq!(records, [record("a", vec![1]), record("b", vec![2; 100])]);
        let places = journal.rewrite(&[], &[place]).unwrap();
        assert_eq!(journal.read(places[0]).unwrap(), record("b", vec![2; 100]));
        journal.append(&record("c", vec![3])).unwrap();
        drop(journal);
        let (_, records) = open(&path);
        assert_eq!(records, [record("b", vec![2; 100]), record("c", vec![3])]);
    }

    #[test]
    fn two_nodes_never_share_a_journal() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let (_journal, _) = open(&path);
        let error = Journal::open(&path, |_, _| {}).unwrap_err();
        assert!(error.to_string().contains("in use"), "{error}");
    }

    #[test]
    fn another_file_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        fs::write(&path, "dear diary, today").unwrap();
        assert!(Journal::open(&path, |_, _| {}).is_err());
        assert_eq!(fs::read(&path).unwrap(), b"dear diary, today");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever happens to the last record, those before it stay, and the journal goes on.
        #[test]
        fn a_damaged_end_costs_only_itself(flip in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>(), is_flipped: bool) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            let (mut journal, _) = open(&path);
            for order in ["a", "b", "c"] {
                journal.append(&record(order, vec![9; 20])).unwrap();
            }
            let whole = usize::try_from(journal.bytes()).unwrap();
            journal.append(&record("d", vec![9; 30])).unwrap();
            drop(journal);

            let mut bytes = fs::read(&path).unwrap();
            if is_flipped {
                let at = whole + flip.index(bytes.len() - whole);
                bytes[at] ^= 1 << bit;
            } else {
                bytes.truncate(whole + cut.index(bytes.len() - whole));
            }
            fs::write(&path, &bytes).unwrap();

            let (mut journal, records) = open(&path);
            prop_assert_eq!(records.len(), 3);
            journal.append(&record("e", vec![])).unwrap();
            drop(journal);
            let (_, records) = open(&path);
            let orders: Vec<&str> = records.iter().map(|record| record.order.as_str()).collect();
            prop_assert_eq!(orders, ["a", "b", "c", "e"]);
        }

        #[test]
        fn any_bytes_open_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("journal");
            fs::write(&path, [&MAGIC[..], &bytes].concat()).unwrap();
            open(&path);
        }
    }
}
