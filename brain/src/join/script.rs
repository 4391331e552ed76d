//! The line that a person runs on a bare server, and the script that it fetches.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::config::BrainConfig;

/// What a person runs on a server.
#[derive(Debug)]
pub(crate) struct Line {
    /// Fetches the script, checks it and runs it; `None` when there is no program to download.
    pub(crate) fetched: Option<String>,
    /// For a server that has the program.
    pub(crate) short: String,
    /// What the first one fetches.
    pub(crate) script: String,
    /// The address that it dials.
    pub(crate) host: Host,
}

/// The address under which servers reach the brain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    /// It is configured, or listened on.
    Known(String),
    /// It is a guess: the brain listens everywhere.
    Guessed(String),
}

impl Host {
    /// As configured, else as listened on.
    pub(crate) fn of(config: &BrainConfig, listening: SocketAddr) -> Self {
        if let Some(public) = &config.node_public {
            return Self::Known(public.clone());
        }
        if !listening.ip().is_unspecified() {
            return Self::Known(listening.to_string());
        }
        let ip = own_address().unwrap_or(IpAddr::from([127, 0, 0, 1]));
        Self::Guessed(SocketAddr::new(ip, listening.port()).to_string())
    }

    /// `HOST:PORT`.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Known(host) | Self::Guessed(host) => host,
        }
    }
}

/// The address from which this machine would speak to the world; nothing is sent.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind(("0.0.0.0", 0)).ok()?;
    socket.connect(("192.0.2.1", 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

impl Line {
    /// The line for a token. Reads all programs: not for async threads.
    ///
    /// # Errors
    /// When a program cannot be read.
    pub(crate) fn make(
        host: Host,
        root: &str,
        token: &str,
        extra: &[String],
        programs: &BTreeMap<String, std::path::PathBuf>,
    ) -> std::io::Result<Self> {
        let mut sums = BTreeMap::new();
        for (arch, program) in programs {
            sums.insert(arch.as_str(), sha256_of(program)?);
        }
        let roots = if extra.is_empty() {
            String::new()
        } else {
            format!(" --roots {}", extra.join(","))
        };
        let at = host.as_str();
        let script = script(at, root, &roots, &sums);
        let sum = hex::encode(Sha256::digest(&script));
        let fetched = (!sums.is_empty()).then(|| {
            format!(
                "f=$(mktemp) && curl -fsSk https://{at}/join/{token} -o \"$f\" && \
                 echo \"{sum}  $f\" | sha256sum -c >/dev/null && sh \"$f\" {token}"
            )
        });
        Ok(Self {
            fetched,
            short: format!("jarvis-node join {at} {root} {token}{roots}"),
            script,
            host,
        })
    }
}

/// The script. The token is its first argument, so that the script can be kept; further ones go to
/// `jarvis-node join`.
fn script(at: &str, root: &str, roots: &str, sums: &BTreeMap<&str, String>) -> String {
    let mut cases = String::new();
    for (arch, sum) in sums {
        let _ = writeln!(cases, "  {arch}) sum={sum} ;;");
    }
    format!(
        r#"#!/bin/sh
# Makes this server a node of the Jarvis at {at}.
set -eu
fail() {{ echo "not joined: $*" >&2; exit 1; }}
token=${{1:?}}
shift
arch=$(uname -m)
case $arch in
  arm64) arch=aarch64 ;;
  amd64) arch=x86_64 ;;
esac
case $arch in
{cases}  *) fail "the brain has no jarvis-node for $arch; its setting is [nodes] programs" ;;
esac
if [ "$(id -u)" = 0 ]; then bin=/usr/local/bin; else bin=$HOME/.local/bin; fi
bin=${{JARVIS_NODE_BIN:-$bin}}
mkdir -p "$bin"
program=$bin/jarvis-node
is_good() {{ echo "$sum  $1" | sha256sum -c >/dev/null 2>&1; }}
fetched=no
if ! is_good "$program"; then
  new=$program.new.$$
  trap 'rm -f "$new"' EXIT
  curl -fsSk "https://{at}/join/$token/jarvis-node?arch=$arch" -o "$new" ||
    fail "the program could not be fetched"
  is_good "$new" || fail "the program that came is not the one that was promised"
  chmod 755 "$new"
  [ -e "$program" ] || fetched=yes
  mv -f "$new" "$program"
fi
if ! "$program" join {at} {root} "$token"{roots} "$@"; then
  [ "$fetched" = no ] || rm -f "$program"
  exit 1
fi
"#
    )
}

/// SHA-256 of a file, as hex.
fn sha256_of(path: &Path) -> std::io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = std::fs::File::open(path)?;
    std::io::copy(&mut file, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

/// The `jarvis-node` program for this machine's architecture, if it lies beside `executable`.
pub fn program_of(executable: &Path) -> Option<(String, std::path::PathBuf)> {
    let program = executable.parent()?.join("jarvis-node");
    program
        .is_file()
        .then(|| (std::env::consts::ARCH.to_owned(), program))
}
