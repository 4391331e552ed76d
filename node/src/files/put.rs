//! A file from a root, into its place at once and whole.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};

use jarvis_nodeclient::transfer::{Meter, ReceiveError, ReceiveOptions, receive_file};
use jarvis_nodeclient::{Address, LineError};
use jarvis_proto::node::{FetchRequest, PutFile, RefusedReason, TransferEnded, ended};

use super::pack::Summary;
use super::unpack::{Limits, unpack};
use super::{LINE_BACK, MOST_CUTS, blocking, hash, modified_ms, tell_progress};
use crate::core::{Core, Ticket};
use crate::executor::Stop;
use crate::facts::free_bytes;
use crate::orders::directory;
use crate::places::Target;
use crate::refusal::Refusal;

/// Mode of a new file for which the order names none.
const DEFAULT_MODE: u32 = 0o644;
/// Set-user-id and the like are nothing that a file gets from a chat.
const MODE_BITS: u32 = 0o777;

/// A file to receive; its place is allowed and its folder held open.
pub(crate) struct Put {
    target: Arc<Target>,
    size: u64,
    blake3: [u8; 32],
    mode: u32,
    /// It is an archive that is unpacked into the target's folder.
    extract: bool,
}

impl Put {
    /// Checks an order.
    ///
    /// # Errors
    ///
    /// When the hash is impossible, or the place is not allowed or has no folder.
    pub(crate) async fn prepare(core: &Arc<Core>, order: PutFile) -> Result<Self, Refusal> {
        let blake3 = <[u8; 32]>::try_from(&order.blake3[..])
            .map_err(|_| Refusal::new(RefusedReason::Malformed, "a BLAKE3 hash has 32 bytes"))?;
        let core = Arc::clone(core);
        let extract = order.extract;
        let target = blocking(move || {
            let mut path = directory(&core, &order.path);
            if extract {
                // What is named is a folder, whether it says so or not.
                path.push("");
            }
            Ok(core.places.target(&path, &order.file_name)?)
        })
        .await?;
        Ok(Self {
            target: Arc::new(target),
            size: order.size,
            blake3,
            mode: order.mode,
            extract,
        })
    }

    /// Moves the bytes and puts the file in its place.
    pub(crate) async fn run(
        self,
        core: &Arc<Core>,
        root: &Address,
        order: &str,
        ticket: Ticket,
    ) -> ended::Outcome {
        let stop = core.begin(root, order);
        match self.receive(core, root, order, ticket, stop).await {
            Ok(ended) => ended::Outcome::Transfer(ended),
            Err(refusal) => ended::Outcome::Failed(refusal.of(order)),
        }
    }

    async fn receive(
        &self,
        core: &Arc<Core>,
        root: &Address,
        order: &str,
        ticket: Ticket,
        stop: Stop,
    ) -> Result<TransferEnded, Refusal> {
        let meter = Meter::default();
        let transfer = async {
            let _place = ticket.place().await;
            if !self.extract && self.is_there_already().await? {
                return self.finished(true).await;
            }
            let _claim = self.claim(core)?;
            self.check_space().await?;
            self.fetch(core, root, order, &meter).await?;
            if self.extract {
                return self.unpack().await;
            }
            self.move_in().await?;
            self.finished(false).await
        };
        tell_progress(core, root, order, &meter, self.size, stop, transfer).await
    }

    /// Beside the target, so that renaming it is atomic; named by content, so that a later order for
    /// the same bytes goes on where this one was cut, and one for others never does.
    fn partial(&self) -> PathBuf {
        self.target.held(Some(&format!(
            ".{}.jarvis-part",
            hex::encode(&self.blake3[..8])
        )))
    }

    async fn is_there_already(&self) -> Result<bool, Refusal> {
        let (path, size, wanted) = (self.target.held(None), self.size, self.blake3);
        blocking(move || match File::open(path) {
            Ok(file) if file.metadata()?.len() == size => Ok(hash(&file)? == wanted),
            _ => Ok(false),
        })
        .await
    }

    /// Two orders never write the same partial file.
    fn claim<'a>(&self, core: &'a Core) -> Result<Claim<'a>, Refusal> {
        let path = self.target.path();
        let mut partials = core.partials.lock().unwrap_or_else(PoisonError::into_inner);
        if partials.insert(path.clone()) {
            Ok(Claim { core, path })
        } else {
            Err(Refusal::new(
                RefusedReason::Busy,
                format!("`{}` is being written by another order", path.display()),
            ))
        }
    }

    /// Fails at once where the disk would be full in the end.
    async fn check_space(&self) -> Result<(), Refusal> {
        let (partial, size) = (self.partial(), self.size);
        let folder = self.target.path();
        blocking(move || {
            let there = fs::metadata(&partial).map_or(0, |metadata| metadata.len());
            let needed = size.saturating_sub(there);
            match free_bytes(partial.parent().unwrap_or(Path::new("/"))) {
                Some(free) if free < needed => {
                    let detail = format!(
                        "`{}` needs {needed} bytes, and {free} are free",
                        folder.display()
                    );
                    Err(Refusal::new(RefusedReason::DiskFull, detail))
                }
                _ => Ok(()),
            }
        })
        .await
    }

    /// Fetches into the partial file; goes on where it was cut as soon as the root is back.
    async fn fetch(
        &self,
        core: &Core,
        root: &Address,
        order: &str,
        meter: &Meter,
    ) -> Result<(), Refusal> {
        let mut trouble = String::from("there is no session with the root");
        for _ in 0..MOST_CUTS {
            let Some(link) = core.lines.wait_for(root, LINE_BACK).await else {
                break;
            };
            let there = tokio::fs::metadata(self.partial())
                .await
                .map_or(0, |metadata| metadata.len());
            let offset = if there <= self.size { there } else { 0 };
            let chunks = match link
                .fetch(FetchRequest {
                    order: order.to_owned(),
                    offset,
                })
                .await
            {
                Ok(chunks) => chunks,
                Err(LineError::Closed(detail)) => {
                    trouble = detail;
                    continue;
                }
                Err(error) => return Err(Refusal::new(RefusedReason::Io, error)),
            };
            let options = ReceiveOptions {
                order: order.to_owned(),
                most_bytes: self.size,
                blake3: Some(self.blake3),
                meter: meter.clone(),
            };
            match receive_file(chunks, self.partial(), options).await {
                Ok(_) => return Ok(()),
                Err(ReceiveError::Cut { detail, .. }) => trouble = detail,
                Err(error) => return Err(receive_refusal(&error)),
            }
        }
        Err(Refusal::new(
            RefusedReason::Io,
            format!("the transfer was cut: {trouble}"),
        ))
    }

    /// Gives the file its mode and its name.
    async fn move_in(&self) -> Result<(), Refusal> {
        let (target, partial, wanted_mode) = (Arc::clone(&self.target), self.partial(), self.mode);
        blocking(move || {
            let place = target.held(None);
            let old_mode = fs::metadata(&place).map(|metadata| metadata.permissions().mode());
            let mode = if wanted_mode == 0 { old_mode.unwrap_or(DEFAULT_MODE) } else { wanted_mode };
            fs::set_permissions(&partial, Permissions::from_mode(mode & MODE_BITS))?;
            fs::rename(&partial, &place)?;
            // Off the path: a power cut may cost the last second, but the answer does not wait for it.
            tokio::task::spawn_blocking(move || {
                let synced = File::open(&place).and_then(|file| file.sync_all()).and_then(|()| target.sync());
                if let Err(error) = synced {
                    tracing::warn!(file = %target.path().display(), %error, "a new file cannot be synced");
                }
            });
            Ok(())
        })
        .await
    }

    /// Puts what is in the archive into the folder, and removes the archive.
    async fn unpack(&self) -> Result<TransferEnded, Refusal> {
        let (target, partial) = (Arc::clone(&self.target), self.partial());
        let scratch = OsString::from(format!(".{}.jarvis-unpack", hex::encode(&self.blake3[..8])));
        let abandoned = Arc::new(AtomicBool::new(false));
        let _guard = Abandon(Arc::clone(&abandoned));
        let unpacked = blocking(move || {
            let archive = File::open(&partial)?;
            let unpacked = unpack(
                archive,
                target.folder(),
                &scratch,
                &Limits::default(),
                &abandoned,
            );
            // Also when it was refused: the same bytes would be refused again.
            fs::remove_file(&partial)?;
            unpacked
        });
        let summary: Summary = unpacked.await?;
        Ok(TransferEnded {
            path: self.target.folder_path().to_string_lossy().into_owned(),
            size: self.size,
            blake3: self.blake3.to_vec().into(),
            entries: summary.entries,
            content_bytes: summary.bytes,
            notes: summary.notes(),
            is_archive: true,
            ..TransferEnded::default()
        })
    }

    async fn finished(&self, already_there: bool) -> Result<TransferEnded, Refusal> {
        let metadata = tokio::fs::metadata(self.target.held(None)).await?;
        Ok(TransferEnded {
            path: self.target.path().to_string_lossy().into_owned(),
            size: self.size,
            blake3: self.blake3.to_vec().into(),
            already_there,
            modified_ms: modified_ms(&metadata),
            ..TransferEnded::default()
        })
    }
}

fn receive_refusal(error: &ReceiveError) -> Refusal {
    let reason = match error {
        ReceiveError::DiskFull => RefusedReason::DiskFull,
        ReceiveError::TooLarge { .. } => RefusedReason::TooLarge,
        ReceiveError::Io { source, .. }
            if source.kind() == std::io::ErrorKind::PermissionDenied =>
        {
            RefusedReason::Permission
        }
        _ => RefusedReason::Io,
    };
    Refusal::new(reason, error)
}

/// Tells a thread that nobody waits for it any more.
struct Abandon(Arc<AtomicBool>);

impl Drop for Abandon {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Gives the name of a partial file free again.
struct Claim<'a> {
    core: &'a Core,
    path: PathBuf,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.core
            .partials
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.path);
    }
}
