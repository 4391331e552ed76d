//! Legacy roots (jarviscore 0.7): what they ask for becomes an order like any other, with the same trust
//! list, the same journal and the same allowed places.
//!
//! Their signatures do not cover what is asked. So nothing here runs unless the node's file says
//! `legacy = true`, and every such order is marked in the journal and in the log.

mod files;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jarvis_nodeclient::Address;
use jarvis_nodeclient::legacy::{
    Drafts, FilePeers, Handler, LegacyNet, NetError, NetOptions, Piece, Request, drafts, message,
};
use jarvis_proto::legacy::{
    AnyData, CtrlInfo, CtrlScript2Data, CtrlScript3Data, CtrlScriptData, FileData, JarvisMsg,
};
use jarvis_proto::node::{
    ClearLogs, Ended, Order, RefusedReason, RunEnded, RunJob, SignedOrder, Update, ended, order,
    run_ended,
};
use prost::Message as _;
use tokio::sync::mpsc;

use crate::clock::now_ms;
use crate::core::Core;
use crate::job;
use crate::orders::{Work, clear_logs, describe, name_of, prepare};
use crate::refusal::Refusal;

/// Output of so many bytes or more is not sent, but named.
const MOST_OUTPUT: u64 = 1 << 20;
/// How long the id of an order is remembered at least.
const REMEMBERED_MS: i64 = 600_000;

/// Serves legacy roots, if the configuration says so.
pub(crate) async fn start(core: &Arc<Core>) -> Result<Option<LegacyNet>, NetError> {
    let Some(config) = &core.config.legacy else {
        return Ok(None);
    };
    let mut options = NetOptions::new(config.listen);
    options.server_address.clone_from(&config.server_address);
    options.connect.clone_from(&config.connect);
    options.name = core.config.name.clone().unwrap_or_else(|| "jarvis".into());
    options.node_type.clone_from(&core.config.node_type);
    options.node_type_version = core.config.current_version();
    let peers = FilePeers::new(core.config.data.join("legacy-peers"));
    let handler = NodeSide(Arc::clone(core));
    let (net, _) = LegacyNet::start(
        // Legacy roots know one address for ever.
        Arc::new(core.keys().identity().copy()),
        options,
        Arc::new(peers),
        Arc::new(handler),
    )
    .await?;
    tracing::warn!(address = %net.listening(), "legacy roots are served here: their signatures do not cover what they order");
    Ok(Some(net))
}

/// What this node does for legacy roots.
struct NodeSide(Arc<Core>);

#[async_trait]
impl Handler for NodeSide {
    fn trusts(&self, address: &Address) -> bool {
        self.0.trust.is_trusted(address)
    }

    async fn handle(&self, from: &Address, signed: &JarvisMsg, request: Request) -> Drafts {
        let asked = Asked {
            core: &self.0,
            root: from,
            signed,
        };
        match request {
            Request::Ctrl(ctrl) => asked.ctrl(&ctrl).await,
            Request::TransferFile(file) => asked.take_file(file).await,
            Request::RequestFile(request) => asked.give_file(&request).await,
            Request::Update(update) => {
                let body = order::Body::Update(Update {
                    version: update.node_type_version,
                    restart_only: update.is_only_restart,
                    ..Update::default()
                });
                asked.update(body).await
            }
            Request::ClearLogs => {
                let body = order::Body::ClearLogs(ClearLogs::default());
                match asked.order(body).await {
                    Ok(_) => drafts([]),
                    Err(refusal) => drafts([message::error(refusal.detail)]),
                }
            }
        }
    }

    async fn receive(
        &self,
        from: &Address,
        first: &JarvisMsg,
        pieces: mpsc::Receiver<Piece>,
    ) -> Drafts {
        let asked = Asked {
            core: &self.0,
            root: from,
            signed: first,
        };
        asked.take_pieces(pieces).await
    }
}

/// One request.
struct Asked<'a> {
    core: &'a Arc<Core>,
    root: &'a Address,
    signed: &'a JarvisMsg,
}

impl Asked<'_> {
    /// Writes an order down and carries it out; its id and what it came to.
    async fn order(&self, body: order::Body) -> Result<(String, ended::Outcome), Refusal> {
        let now = now_ms();
        let order = Order {
            id: uuid::Uuid::now_v7().to_string(),
            root: self.root.to_string(),
            node: self.core.keys().address().to_string(),
            issued_ms: self.signed.cur_time.saturating_mul(1000),
            expires_ms: now.saturating_add(REMEMBERED_MS),
            body: Some(body),
        };
        // The order is ours; key and signature are those of the legacy message that asked for it.
        let signed = SignedOrder {
            order: order.encode_to_vec().into(),
            signature: [&self.signed.sign_r[..], &self.signed.sign_s[..]]
                .concat()
                .into(),
            public_key: self.signed.pub_key.clone(),
        };
        let outcome = carry_out(self.core, self.root, &order, &signed).await?;
        Ok((order.id, outcome))
    }

    async fn update(&self, body: order::Body) -> Drafts {
        match self.order(body).await {
            Ok((_, ended::Outcome::Done(done))) => drafts([
                message::reply2(jarvis_proto::legacy::Replytype::Ok, "update"),
                message::reply2(jarvis_proto::legacy::Replytype::Ok, done.detail),
            ]),
            Ok((_, ended::Outcome::Failed(refused))) => drafts([message::error(refused.detail)]),
            Ok(_) => drafts([]),
            Err(refusal) if refusal.reason == RefusedReason::NotSupported => {
                drafts([message::error("auto update closed")])
            }
            Err(refusal) => drafts([message::error(refusal.detail)]),
        }
    }

    async fn ctrl(&self, ctrl: &CtrlInfo) -> Drafts {
        let fault = |text: String| drafts([message::ctrl_result("", text)]);
        let (script, name, sources, results) = match ctrl.ctrl_type.as_str() {
            "scriptfile" => match payload::<CtrlScriptData>(ctrl.dat.as_ref(), "CtrlScriptData") {
                Ok(it) => (it.file, it.script_name, Vec::new(), Vec::new()),
                Err(text) => return fault(text),
            },
            "scriptfile2" => match payload::<CtrlScript2Data>(ctrl.dat.as_ref(), "CtrlScript2Data")
            {
                Ok(it) => {
                    let script = it.script_file.unwrap_or_default().file;
                    (script, it.script_name, it.src_files, Vec::new())
                }
                Err(text) => return fault(text),
            },
            "scriptfile3" => match payload::<CtrlScript3Data>(ctrl.dat.as_ref(), "CtrlScript3Data")
            {
                Ok(it) => {
                    let script = it.script_file.unwrap_or_default().file;
                    (script, it.script_name, Vec::new(), it.end_files)
                }
                Err(text) => return fault(text),
            },
            _ => return drafts([message::error("no ctrl")]),
        };
        for source in sources {
            let FileData { filename, file, .. } = source;
            if let Err(text) = self.write(&filename, file).await {
                return fault(text);
            }
        }
        let body = order::Body::Run(RunJob {
            script: String::from_utf8_lossy(&script).into_owned(),
            name,
            ..RunJob::default()
        });
        let (id, run) = match self.order(body).await {
            Ok((id, ended::Outcome::Run(run))) => (id, run),
            Ok((_, ended::Outcome::Lost(lost))) => return fault(lost.detail),
            Ok(_) => return fault("unknown ctrl error".into()),
            Err(refusal) => return fault(refusal.detail),
        };
        let (result, error) = self.result(&id, &run).await;
        let is_clean = error.is_empty();
        let first = message::ctrl_result(result, error);
        if is_clean && !results.is_empty() {
            return self.results(first, results).await;
        }
        drafts([first])
    }

    /// What a jarviscore node would say of a script: its output, or how it failed.
    async fn result(&self, id: &str, run: &RunEnded) -> (String, String) {
        match &run.how {
            Some(run_ended::How::ExitCode(0)) => {
                let counts = run.counts.unwrap_or_default();
                let out = self.output(id, "stdout", counts.stdout_bytes, &run.stdout_tail);
                let err = self.output(id, "stderr", counts.stderr_bytes, &run.stderr_tail);
                let (out, err) = (out.await, err.await);
                (out, err)
            }
            Some(run_ended::How::ExitCode(code)) => (String::new(), format!("exit status {code}")),
            Some(run_ended::How::Signal(signal)) => (String::new(), format!("signal: {signal}")),
            Some(run_ended::How::NotStarted(why)) => (String::new(), why.clone()),
            None => (String::new(), "unknown ctrl error".to_owned()),
        }
    }

    async fn output(&self, id: &str, stream: &str, bytes: u64, tail: &[u8]) -> String {
        let path: PathBuf = self.core.folder(id).join(stream);
        if bytes >= MOST_OUTPUT {
            let what = if stream == "stdout" { "log" } else { "err" };
            return format!(
                "The {what} file is too large, please check it through {}.",
                path.display()
            );
        }
        // Short output is in no file.
        let kept = tokio::fs::read(&path).await;
        String::from_utf8_lossy(&kept.unwrap_or_else(|_| tail.to_vec())).into_owned()
    }
}

/// Carries out an order of a legacy root, which gets its answer on a call of its own and not in a
/// session. `signed` holds the order as it is kept in the journal.
async fn carry_out(
    core: &Arc<Core>,
    root: &Address,
    order: &Order,
    signed: &SignedOrder,
) -> Result<ended::Outcome, Refusal> {
    let work = prepare(core, root, order).await?;
    core.ledger.accept_legacy(root, order, signed)?;
    tracing::info!(order = order.id, root = %root, what = name_of(&work), legacy = true, "accepted");
    let accepted_ms = now_ms();
    let outcome = match work {
        Work::Run(task, ticket) => job::run(core, root, *task, ticket).await,
        Work::ClearLogs(clear) => clear_logs(core, root, &clear).await,
        Work::Update(update) => match update.run(core, root, &order.id).await {
            Some(outcome) => outcome,
            // It ends in the next life of this node. A jarviscore node that restarts itself says nothing
            // more, and an error would be taken for a failure.
            None => std::future::pending().await,
        },
        _ => {
            let detail = "legacy roots cannot ask for this";
            return Err(Refusal::new(RefusedReason::NotSupported, detail));
        }
    };
    tracing::info!(order = order.id, root = %root, outcome = describe(&outcome), legacy = true, "ended");
    let ended = Ended {
        order: order.id.clone(),
        started_ms: accepted_ms,
        ended_ms: now_ms(),
        outcome: Some(outcome.clone()),
    };
    core.end_quietly(&ended);
    core.ledger.acknowledge(root, &order.id)?;
    Ok(outcome)
}

/// The message in an `Any`, whose last part of the name counts.
fn payload<M: prost::Message + Default>(dat: Option<&AnyData>, name: &str) -> Result<M, String> {
    let dat = dat.ok_or("message is nil")?;
    let Some((_, found)) = dat.type_url.rsplit_once('/') else {
        return Err(format!("message type url {:?} is invalid", dat.type_url));
    };
    let wanted = format!("jarviscorepb.{name}");
    if found != wanted {
        return Err(format!(
            "mismatched message type: got {found:?} want {wanted:?}"
        ));
    }
    M::decode(dat.value.clone()).map_err(|error| error.to_string())
}
