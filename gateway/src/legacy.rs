//! `jarvis legacy import`: a jarvissh configuration as one of ours.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context;
use jarvis_nodeclient::{Address, NodeName};
use serde::Deserialize;

/// What is written, and what a person should know about it.
pub(crate) struct Imported {
    /// A `node.toml` for `jarvis-node`.
    pub(crate) text: String,
    /// What was left out or changed.
    pub(crate) notes: Vec<String>,
}

/// The keys of jarviscore's configuration; those that nothing reads are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Theirs {
    rootservaddr: String,
    lsttrustnode: Vec<String>,
    timerequestchild: i64,
    maxmsglength: i64,
    ankadb: Database,
    log: Log,
    basenodeinfo: NodeInfo,
    autoupdate: bool,
    updatescript: String,
    restartscript: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Database {
    dbpath: String,
    httpserv: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Log {
    logpath: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeInfo {
    nodename: String,
    bindaddr: String,
    servaddr: String,
}

/// Reads the file `path`.
///
/// # Errors
/// It cannot be read, or is no such configuration.
pub(crate) fn import(path: &Path) -> anyhow::Result<Imported> {
    const MOST_BYTES: u64 = 1 << 20;
    let size = std::fs::metadata(path)
        .with_context(|| format!("cannot read {}", path.display()))?
        .len();
    anyhow::ensure!(
        size <= MOST_BYTES,
        "{} is too large to be a configuration",
        path.display()
    );
    let text =
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    convert(&text).with_context(|| format!("{} is no jarvissh configuration", path.display()))
}

fn convert(text: &str) -> anyhow::Result<Imported> {
    let theirs: Theirs = serde_yaml_ng::from_str(text)?;
    anyhow::ensure!(
        !theirs.basenodeinfo.nodename.is_empty(),
        "`basenodeinfo.nodename` is missing"
    );
    let mut notes = Vec::new();
    let mut text =
        String::from("# A Jarvis node, made from a jarvissh configuration. Read docs/legacy.md.\n");
    let quoted = |value: &str| toml::Value::from(value).to_string();
    // Writing to a string cannot fail.
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line(
        "name",
        &quoted(&name(&theirs.basenodeinfo.nodename, &mut notes)),
    );
    line("type", &quoted("jarvissh"));
    let trusted = trusted(&theirs.lsttrustnode, &mut notes);
    line("trust", &toml::Value::from(trusted).to_string());
    match listen(&theirs.basenodeinfo.bindaddr) {
        Some(listen) => {
            line("legacy", "true");
            line("legacy_listen", &quoted(&listen));
        }
        None => notes.push(format!(
            "basenodeinfo.bindaddr `{}` is no IP:PORT: set `legacy` and `legacy_listen` yourself",
            theirs.basenodeinfo.bindaddr
        )),
    }
    if !theirs.basenodeinfo.servaddr.is_empty() {
        line("legacy_address", &quoted(&theirs.basenodeinfo.servaddr));
    }
    if !theirs.rootservaddr.is_empty() {
        let connect = toml::Value::from(vec![theirs.rootservaddr.clone()]);
        line("legacy_connect", &connect.to_string());
    }
    if theirs.autoupdate {
        for (key, script) in [
            ("update_script", &theirs.updatescript),
            ("restart_script", &theirs.restartscript),
        ] {
            let script = script.replace("{{.NewVersion}}", "{NewVersion}");
            line(&format!("# {key}"), &quoted(&script).replace('\n', "\n# "));
        }
        notes.push(
            "autoupdate: the scripts stand as comments; read them before you switch them on"
                .to_owned(),
        );
    }
    notes.extend(left_out(&theirs));
    Ok(Imported { text, notes })
}

fn name(theirs: &str, notes: &mut Vec<String>) -> String {
    let ours = theirs.to_lowercase();
    if NodeName::parse(&ours).is_err() {
        notes.push(format!("basenodeinfo.nodename `{theirs}` is no name here"));
        return "node".to_owned();
    }
    if ours != theirs {
        notes.push(format!(
            "basenodeinfo.nodename: `{theirs}` is `{ours}` here"
        ));
    }
    ours
}

fn trusted(theirs: &[String], notes: &mut Vec<String>) -> Vec<String> {
    let is_good = |address: &&String| match Address::parse(address) {
        Ok(_) => true,
        Err(error) => {
            notes.push(format!("lsttrustnode: {error}"));
            false
        }
    };
    theirs.iter().filter(is_good).cloned().collect()
}

/// `:PORT` means every address of the machine.
fn listen(theirs: &str) -> Option<String> {
    let whole = match theirs.strip_prefix(':') {
        Some(port) => format!("0.0.0.0:{port}"),
        None => theirs.replacen("localhost:", "127.0.0.1:", 1),
    };
    whole
        .parse::<std::net::SocketAddr>()
        .ok()
        .map(|address| address.to_string())
}

fn left_out(theirs: &Theirs) -> Vec<String> {
    let mut notes = Vec::new();
    let mut note = |is_set: bool, text: &str| {
        if is_set {
            notes.push(text.to_owned());
        }
    };
    note(
        !theirs.ankadb.httpserv.is_empty(),
        "ankadb.httpserv: left out; that port gave the private key to anybody who asked",
    );
    note(
        !theirs.ankadb.dbpath.is_empty(),
        "ankadb.dbpath: its key is not read; `jarvis-node init` makes a new one, so enroll the node anew",
    );
    note(
        !theirs.log.logpath.is_empty(),
        "log: left out; output is kept in the node's data folder, the log goes to standard error",
    );
    note(
        theirs.maxmsglength != 0,
        "maxmsglength: left out; it never had an effect",
    );
    note(
        theirs.timerequestchild != 0,
        "timerequestchild: left out; it is always 180 seconds",
    );
    notes
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_read_and_what_is_left_out_is_said() {
        let imported = convert(
            "basenodeinfo:\n  nodename: N_1\n  bindaddr: ':7788'\n  servaddr: h:7788\nlsttrustnode: [nonsense]\nmaxmsglength: 5\nunknown: 1\n",
        )
        .unwrap();
        assert!(imported.text.contains("legacy_listen = \"0.0.0.0:7788\""));
        assert!(imported.text.contains("trust = []"));
        let notes = imported.notes.join("\n");
        assert!(
            notes.contains("`n_1`") && notes.contains("nonsense"),
            "{notes}"
        );
        assert!(notes.contains("maxmsglength"), "{notes}");
    }

    #[test]
    fn what_is_no_such_configuration_is_refused() {
        for text in ["", "[1, 2]", "basenodeinfo: 7", "a: &a [*a]"] {
            assert!(convert(text).is_err(), "{text}");
        }
    }

    #[test]
    fn listening_addresses() {
        assert_eq!(listen("localhost:1").unwrap(), "127.0.0.1:1");
        assert_eq!(listen("host:1"), None);
    }
}
