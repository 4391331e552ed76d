use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use super::*;
use crate::places::Places;

struct World {
    _folder: tempfile::TempDir,
    base: PathBuf,
    places: Places,
}

fn world() -> World {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().canonicalize().unwrap().join("app");
    fs::create_dir(&base).unwrap();
    let places = Places::new([base.clone()]);
    World {
        _folder: folder,
        base,
        places,
    }
}

/// What an archive holds: content, or where a link leads.
type Content = BTreeMap<Vec<u8>, Vec<u8>>;

fn packed(world: &World) -> (Content, Summary) {
    let tree = Tree::of_folder(&world.places, &world.base).unwrap();
    let summary = Arc::default();
    let reader = pack(tree, Arc::clone(&summary)).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(reader));
    let mut content = Content::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if let Some(link) = entry.link_name_bytes() {
            bytes = [b"-> ", &*link].concat();
        }
        content.insert(entry.path_bytes().into_owned(), bytes);
    }
    // To the end, where the packer is asked how it went.
    io::copy(&mut archive.into_inner(), &mut io::sink()).unwrap();
    let summary = summary.lock().unwrap().clone();
    (content, summary)
}

#[test]
fn a_folder_is_packed_with_what_is_odd_left_out_and_named() {
    let world = world();
    let base = &world.base;
    fs::create_dir_all(base.join("empty")).unwrap();
    fs::write(base.join("file"), "inside").unwrap();
    fs::write(base.join(OsStr::from_bytes(b"odd\nname\xff")), "odd").unwrap();
    let long = "long".repeat(50);
    fs::create_dir_all(base.join(&long)).unwrap();
    fs::write(base.join(&long).join("deep"), "deep").unwrap();
    symlink("file", base.join("in")).unwrap();
    symlink("/etc/passwd", base.join("out")).unwrap();
    symlink("empty/../../secret", base.join("sly")).unwrap();
    fs::write(base.parent().unwrap().join("secret"), "secret").unwrap();
    let _socket = UnixListener::bind(base.join("socket")).unwrap();
    let (content, summary) = packed(&world);
    let text = |path: &str| content.get(path.as_bytes()).map(Vec::as_slice);
    assert_eq!(text("app/file"), Some(&b"inside"[..]));
    assert_eq!(text("app/empty/").or(text("app/empty")), Some(&b""[..]));
    assert_eq!(text("app/in"), Some(&b"-> file"[..]));
    assert_eq!(text(&format!("app/{long}/deep")), Some(&b"deep"[..]));
    assert_eq!(content.get(&b"app/odd\nname\xff"[..]).unwrap(), b"odd");
    assert_eq!(content.len(), 6, "{content:?}");
    assert_eq!((summary.entries, summary.bytes), (6, 13));
    let notes = summary.notes().join("\n");
    for word in ["`out`", "/etc/passwd", "`sly`", "`socket`", "a socket"] {
        assert!(notes.contains(word), "{word} in {notes}");
    }
}

#[test]
fn an_empty_folder_is_an_empty_archive() {
    let (content, summary) = packed(&world());
    assert_eq!((content.len(), summary), (0, Summary::default()));
}

#[test]
fn a_file_that_changes_while_it_is_read_keeps_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "0123456789").unwrap();
    let read = |left| {
        let mut exactly = Exactly {
            file: File::open(&path).unwrap(),
            left,
            missing: 0,
            failed: None,
        };
        let mut bytes = Vec::new();
        exactly.read_to_end(&mut bytes).unwrap();
        (bytes, exactly.missing)
    };
    assert_eq!(read(4), (b"0123".to_vec(), 0), "it grew");
    assert_eq!(read(12), (b"0123456789\0\0".to_vec(), 2), "it shrank");
}

#[test]
fn what_is_no_longer_read_is_no_longer_packed() {
    let world = world();
    fs::write(world.base.join("file"), vec![7; 4 << 20]).unwrap();
    let tree = Tree::of_folder(&world.places, &world.base).unwrap();
    let mut reader = pack(tree, Arc::default()).unwrap();
    let packer = reader.packer.take().unwrap();
    drop(reader);
    // It ends by itself, because nobody is at the other end of the pipe.
    assert!(packer.join().unwrap().is_err());
}

#[test]
fn a_hundred_thousand_entries_are_packed_and_one_more_is_refused() {
    let world = world();
    for number in 0..100_000 {
        File::create(world.base.join(format!("{number:06}"))).unwrap();
    }
    let tree = || Tree::of_folder(&world.places, &world.base).unwrap();
    let mut extent = super::super::tree::Extent::default();
    tree().measure(&mut extent).unwrap();
    assert_eq!(extent.entries, 100_000);
    let summary = Arc::default();
    let mut reader = pack(tree(), Arc::clone(&summary)).unwrap();
    io::copy(&mut reader, &mut io::sink()).unwrap();
    assert_eq!(summary.lock().unwrap().entries, 100_000);
    File::create(world.base.join("one more")).unwrap();
    let refused = tree().measure(&mut super::super::tree::Extent::default());
    assert!(matches!(refused, Err(WalkError::TooMany)));
    let mut reader = pack(tree(), Arc::default()).unwrap();
    assert!(io::copy(&mut reader, &mut io::sink()).is_err());
}
