//! Files to and from a `jarvis-node` process, over TLS, hashed, from file to file.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use jarvis_nodeclient::{FileSink, FileSource};
use jarvis_proto::node::{GetFile, PutFile, TransferEnded, ended, get_file, order};

use crate::in_runtime;
use crate::network::Network;
use crate::table::{Goal, Table, Times};

/// The file's size in MiB, in place of [`DEFAULT_MIB`].
const SIZE_VARIABLE: &str = "JARVIS_BENCH_FILE_MIB";
const DEFAULT_MIB: usize = 256;
const ROUNDS: usize = 5;
const BUFFER: usize = 256 << 10;

/// Put, get, and put again what is there already.
pub(crate) fn put_and_get(table: &mut Table) -> Result<()> {
    let mib = match std::env::var(SIZE_VARIABLE) {
        Ok(text) => text
            .parse()
            .with_context(|| format!("{SIZE_VARIABLE}={text}"))?,
        Err(_) => DEFAULT_MIB,
    };
    let measured = in_runtime(async move {
        let mut bench = Files::new(mib).await?;
        let mut measured = Measured::default();
        for _ in 0..ROUNDS {
            bench.round(&mut measured).await?;
        }
        bench.network.stop().await?;
        Ok(measured)
    })?;
    let Measured {
        raw,
        put,
        get,
        pass,
        again,
    } = measured;
    let speed = |times: &Times| {
        let speed = (mib << 20) as f64 / 1e6 / times.median().as_secs_f64();
        (format!("{speed:.0} MB/s"), speed)
    };
    let what = format!("put of a {mib} MiB file; floor raw TCP to a file");
    table.row(what, speed(&raw), speed(&put), Goal::AtLeast(0.5));
    let what = format!("get of a {mib} MiB file; floor raw TCP to a file");
    table.row(what, speed(&raw), speed(&get), Goal::AtLeast(0.5));
    let what = format!("put of {mib} MiB that are there already; floor one BLAKE3 pass");
    table.times(what, &pass, &again, Goal::AtMost(1.2));
    Ok(())
}

#[derive(Default)]
struct Measured {
    raw: Times,
    put: Times,
    get: Times,
    pass: Times,
    again: Times,
}

/// A node, and a file on the root's side.
pub(crate) struct Files {
    pub(crate) network: Network,
    source: PathBuf,
    size: u64,
    blake3: [u8; 32],
}

impl Files {
    pub(crate) async fn new(mib: usize) -> Result<Self> {
        let network = Network::process().await?;
        let source = network.folder().join("source");
        let mut file = File::create(&source)?;
        let mut block = vec![0; 1 << 20];
        for number in 0..mib {
            rand::RngCore::fill_bytes(&mut rand::rng(), &mut block);
            block[..8].copy_from_slice(&number.to_be_bytes());
            file.write_all(&block)?;
        }
        let blake3 = hash(&source)?;
        Ok(Self {
            network,
            source,
            size: (mib << 20) as u64,
            blake3,
        })
    }

    async fn round(&mut self, measured: &mut Measured) -> Result<()> {
        let folder = self.network.folder().to_owned();
        measured
            .raw
            .push(raw_copy(&self.source, &folder.join("raw"))?);

        let begun = Instant::now();
        ensure!(!self.put().await?.already_there);
        measured.put.push(begun.elapsed());

        let begun = Instant::now();
        self.get().await?;
        measured.get.push(begun.elapsed());

        let begun = Instant::now();
        ensure!(hash(&self.source)? == self.blake3);
        measured.pass.push(begun.elapsed());

        let begun = Instant::now();
        ensure!(self.put().await?.already_there);
        measured.again.push(begun.elapsed());

        let place = self.place()?;
        for file in [folder.join("raw"), folder.join("partial"), place] {
            fs::remove_file(file)?;
        }
        Ok(())
    }

    /// Where the file lies on the node.
    pub(crate) fn place(&mut self) -> Result<PathBuf> {
        Ok(self.network.node_process()?.files().join("file"))
    }

    /// Sends the file to the node.
    pub(crate) async fn put(&mut self) -> Result<TransferEnded> {
        let body = order::Body::Put(PutFile {
            path: self.place()?.to_string_lossy().into_owned(),
            size: self.size,
            blake3: self.blake3.to_vec().into(),
            ..PutFile::default()
        });
        let (id, signed) = self.network.sign(0, body);
        let offered = FileSource {
            path: self.source.clone(),
            size: self.size,
            blake3: self.blake3,
        };
        let (name, address) = self.network.nodes[0].clone();
        let _offer = self.network.root.offer(&address, &id, offered);
        self.network.root.send(&name, &signed).await?;
        self.moved(id).await
    }

    /// Fetches it back, into the file `partial`.
    pub(crate) async fn get(&mut self) -> Result<TransferEnded> {
        let path = self.place()?.to_string_lossy().into_owned();
        let (id, signed) = self.network.sign(
            0,
            order::Body::Get(GetFile {
                source: Some(get_file::Source::Path(path)),
                ..GetFile::default()
            }),
        );
        let sink = FileSink::new(self.network.folder().join("partial"), self.size);
        let (name, address) = self.network.nodes[0].clone();
        let mut expected = self.network.root.expect(&address, &id, sink);
        self.network.root.send(&name, &signed).await?;
        let moved = self.moved(id).await?;
        ensure!(expected.finished().await?.blake3 == self.blake3);
        Ok(moved)
    }

    async fn moved(&mut self, id: String) -> Result<TransferEnded> {
        let mut ended = self.network.ended(HashSet::from([id])).await?;
        self.network.acknowledge(0, &ended[0]).await?;
        match ended.remove(0).outcome {
            Some(ended::Outcome::Transfer(moved)) => Ok(moved),
            other => bail!("the file was not moved: {other:?}"),
        }
    }
}

fn hash(path: &Path) -> Result<[u8; 32]> {
    let mut file = File::open(path)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize().into()),
            length => hasher.update(&buffer[..length]),
        };
    }
}

/// A file through a TCP connection into another file: nothing is encrypted, nothing is hashed.
fn raw_copy(source: &Path, target: &Path) -> Result<Duration> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || -> Result<()> {
            pump(File::open(source)?, TcpStream::connect(address)?)
        });
        pump(listener.accept()?.0, File::create(target)?)?;
        sending.join().ok().context("the sending thread panicked")?
    })?;
    Ok(begun.elapsed())
}

fn pump(mut from: impl Read, mut to: impl Write) -> Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => to.write_all(&buffer[..length])?,
        }
    }
}
