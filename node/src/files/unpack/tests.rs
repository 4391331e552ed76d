use std::fs;
use std::io::{Seek, Write};
use std::os::unix::fs::symlink;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, Header};

use super::*;

/// An entry of an archive: kind, path, content or link target.
type Made<'a> = (EntryType, &'a [u8], &'a [u8]);

fn archive(entries: &[Made<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, path, content) in entries {
        let mut header = Header::new_gnu();
        header.set_entry_type(*kind);
        header.set_mode(0o4755);
        let is_link = matches!(kind, EntryType::Symlink | EntryType::Link);
        let size = if is_link { 0 } else { content.len() as u64 };
        header.set_size(size);
        // Past the library, which writes no path that leads out.
        let raw = header.as_mut_bytes();
        raw[..path.len()].copy_from_slice(path);
        if is_link {
            raw[157..157 + content.len()].copy_from_slice(content);
        }
        header.set_cksum();
        let content = if is_link { &b""[..] } else { content };
        builder.append(&header, content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

struct World {
    folder: tempfile::TempDir,
    into: PathBuf,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let into = folder.path().join("into");
        fs::create_dir(&into).unwrap();
        Self { folder, into }
    }

    fn takes(&self, bytes: &[u8], limits: &Limits) -> Result<Summary, Refusal> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let folder = File::open(&self.into).unwrap();
        let unpacked = unpack(
            file,
            &folder,
            OsStr::new(".scratch"),
            limits,
            &AtomicBool::new(false),
        );
        assert!(!self.into.join(".scratch").exists(), "nothing is left over");
        unpacked
    }

    fn refuses(&self, bytes: &[u8], word: &str) {
        let before = self.names();
        let refusal = self.takes(bytes, &small()).unwrap_err();
        assert_eq!(
            refusal.reason,
            RefusedReason::Malformed,
            "{}",
            refusal.detail
        );
        assert!(
            refusal.detail.contains(word),
            "{word} in {}",
            refusal.detail
        );
        assert_eq!(self.names(), before, "nothing is half done: {word}");
    }

    fn names(&self) -> Vec<PathBuf> {
        let walk = walkdir::WalkDir::new(self.folder.path()).sort_by_file_name();
        walk.into_iter()
            .map(|entry| entry.unwrap().into_path())
            .collect()
    }
}

fn small() -> Limits {
    Limits {
        entries: 50,
        bytes: 4 << 20,
        ratio: 100,
        ratio_from: 1 << 20,
        depth: 10,
        name: 1000,
    }
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn an_archive_is_merged_into_what_is_there() {
    let world = World::new();
    fs::create_dir(world.into.join("app")).unwrap();
    fs::write(world.into.join("app/old"), "old").unwrap();
    fs::write(world.into.join("app/file"), "before").unwrap();
    let bytes = archive(&[
        (EntryType::Directory, b"app/", b""),
        (FILE, b"app/file", b"after"),
        (FILE, b"./app/new/deep", b"deep"),
        (EntryType::Symlink, b"app/link", b"new/deep"),
        (EntryType::Link, b"app/hard", b"app/file"),
        (FILE, b"twice", b"first"),
        (FILE, b"twice", b"second"),
    ]);
    let summary = world.takes(&bytes, &small()).unwrap();
    assert_eq!((summary.entries, summary.bytes), (7, 20));
    let text = |path: &str| fs::read_to_string(world.into.join(path)).unwrap();
    assert_eq!(
        [
            text("app/old"),
            text("app/file"),
            text("app/link"),
            text("app/hard"),
            text("twice")
        ],
        ["old", "after", "deep", "after", "second"]
    );
    let mode = fs::metadata(world.into.join("app/file"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o7777, 0o755, "no set-user-id from a chat");
}

#[test]
fn a_plain_tar_is_taken_too() {
    let world = World::new();
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(2);
    let long = format!("{}/file", "long".repeat(40));
    builder.append_data(&mut header, &long, &b"hi"[..]).unwrap();
    world
        .takes(&builder.into_inner().unwrap(), &small())
        .unwrap();
    assert_eq!(fs::read(world.into.join(long)).unwrap(), b"hi");
}

#[test]
fn ways_out_are_refused_whole() {
    let world = World::new();
    fs::write(world.folder.path().join("secret"), "secret").unwrap();
    let rows: [(&[Made<'_>], &str); 9] = [
        (
            &[(FILE, b"fine", b"x"), (FILE, b"../out", b"x")],
            "leads out",
        ),
        (&[(FILE, b"/etc/out", b"x")], "leads out"),
        (&[(FILE, b"a/../../out", b"x")], "leads out"),
        (&[(EntryType::Symlink, b"link", b"..")], "a link out"),
        (
            &[(EntryType::Symlink, b"link", b"/etc/passwd")],
            "a link out",
        ),
        (&[(EntryType::Link, b"hard", b"../secret")], "leads out"),
        (&[(EntryType::Symlink, b"a/l", b"b/../../..")], "a link out"),
        (
            &[(EntryType::Fifo, b"pipe", b"")],
            "no file, folder or link",
        ),
        (
            &[
                (EntryType::Symlink, b"link", b"dir"),
                (EntryType::Directory, b"dir", b""),
                (FILE, b"link/x", b"x"),
            ],
            "passes through",
        ),
    ];
    for (entries, word) in rows {
        world.refuses(&archive(entries), word);
    }
    assert_eq!(
        fs::read_to_string(world.folder.path().join("secret")).unwrap(),
        "secret"
    );
}

#[test]
fn what_is_in_the_way_is_not_replaced() {
    let world = World::new();
    fs::create_dir(world.into.join("dir")).unwrap();
    fs::write(world.into.join("file"), "x").unwrap();
    symlink("/etc", world.into.join("link")).unwrap();
    world.refuses(
        &archive(&[(FILE, b"a", b""), (FILE, b"dir", b"x")]),
        "a file in it",
    );
    world.refuses(
        &archive(&[(FILE, b"a", b""), (FILE, b"file/x", b"x")]),
        "a folder in it",
    );
    // A link on the node is not followed.
    world.refuses(
        &archive(&[(FILE, b"a", b""), (FILE, b"link/x", b"x")]),
        "a folder in it",
    );
}

#[test]
fn bombs_are_refused() {
    let world = World::new();
    let zeros = vec![0; 3 << 20];
    world.refuses(&archive(&[(FILE, b"zeros", &zeros)]), "times its size");
    let noise: Vec<u8> = (0..5_u64 << 17)
        .flat_map(|number| blake3::hash(&number.to_le_bytes()).as_bytes()[..8].to_vec())
        .collect();
    world.refuses(
        &archive(&[(FILE, b"noise", &noise)]),
        "grows to more than 4194304 bytes",
    );
    let names: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<Made<'_>> = names
        .iter()
        .map(|name| (FILE, name.as_bytes(), &b""[..]))
        .collect();
    world.refuses(&archive(&many), "more than 50 entries");
    world.refuses(
        &archive(&[(FILE, "d/".repeat(11).as_bytes(), b"")]),
        "folders deep",
    );
    world.refuses(
        &archive(&[(EntryType::GNULongName, b"l", &[b'n'; 2000])]),
        "too long",
    );
    world.refuses(
        &archive(&[(FILE, b"huge", b""), (EntryType::GNUSparse, b"s", b"")]),
        "no file",
    );
}

#[test]
fn what_is_no_archive_is_refused() {
    let world = World::new();
    for bytes in [
        &b""[..],
        b"x",
        b"not an archive at all",
        &[0x1f, 0x8b, 8, 0, 1, 2, 3],
    ] {
        world.refuses(bytes, "");
    }
    let mut cut = archive(&[(FILE, b"first", b"x"), (FILE, b"file", &[7; 100_000])]);
    cut.truncate(cut.len() / 2);
    world.refuses(&cut, "");
}

#[test]
fn who_gives_up_before_the_move_has_changed_nothing() {
    let world = World::new();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(&archive(&[(FILE, b"file", b"x")])).unwrap();
    file.rewind().unwrap();
    let folder = File::open(&world.into).unwrap();
    let before = world.names();
    let done = unpack(
        file,
        &folder,
        OsStr::new(".scratch"),
        &small(),
        &AtomicBool::new(true),
    );
    assert!(done.is_err());
    assert_eq!(world.names(), before);
}
