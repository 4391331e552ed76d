//! Messages without sender, receiver, number and signature: those are added when they go out.

use jarvis_proto::legacy::jarvis_msg::Data;
use jarvis_proto::legacy::{
    AnyData, CtrlInfo, CtrlResult, CtrlScript2Data, CtrlScript3Data, CtrlScriptData, FileData,
    JarvisMsg, Msgtype, NodeBaseInfo, ReplyMsgState, ReplyMyNodesVersion, ReplyTransferFile,
    Replytype, RequestFile, RequestMsgState, RequestNodes2, UpdateNode,
};
use prost::Message as _;

use super::chunk::MESSAGE;

/// What stands before a message's name in an `Any`.
const TYPE_URL: &str = "type.googleapis.com/jarviscorepb.";
/// Bytes that sender, receiver, key and signature may need beside the payload.
const ENVELOPE: usize = 512;

/// A message of a kind with its payload.
#[must_use]
pub fn draft(kind: Msgtype, data: Option<Data>) -> JarvisMsg {
    JarvisMsg {
        msg_type: kind.into(),
        data,
        ..JarvisMsg::default()
    }
}

/// Whether the finished message would be too large for a call.
#[must_use]
pub fn is_too_large(draft: &JarvisMsg) -> bool {
    draft.encoded_len() + ENVELOPE > MESSAGE
}

/// A short answer.
#[must_use]
pub fn reply2(kind: Replytype, text: impl Into<String>) -> JarvisMsg {
    JarvisMsg {
        reply_type: kind.into(),
        err: text.into(),
        ..draft(Msgtype::Reply2, None)
    }
}

/// An error in words.
#[must_use]
pub fn error(text: impl Into<String>) -> JarvisMsg {
    reply2(Replytype::Error, text)
}

/// The last word of an answer.
#[must_use]
pub fn end() -> JarvisMsg {
    reply2(Replytype::End, "")
}

fn any(name: &str, payload: &impl prost::Message) -> AnyData {
    AnyData {
        type_url: format!("{TYPE_URL}{name}"),
        value: payload.encode_to_vec().into(),
    }
}

fn ctrl(kind: &str, dat: AnyData) -> JarvisMsg {
    let info = CtrlInfo {
        ctrl_type: kind.to_owned(),
        dat: Some(dat),
        ..CtrlInfo::default()
    };
    draft(Msgtype::RequestCtrl, Some(Data::CtrlInfo(info)))
}

/// Runs a script.
#[must_use]
pub fn script(name: &str, script: impl Into<Vec<u8>>) -> JarvisMsg {
    let data = CtrlScriptData {
        file: script.into().into(),
        script_name: name.to_owned(),
        ..CtrlScriptData::default()
    };
    ctrl("scriptfile", any("CtrlScriptData", &data))
}

fn script_file(script: impl Into<Vec<u8>>) -> Option<FileData> {
    Some(FileData {
        file: script.into().into(),
        filename: "jarvis.sh".to_owned(),
        ..FileData::default()
    })
}

/// Writes files, then runs a script.
#[must_use]
pub fn script_with_sources(
    name: &str,
    script: impl Into<Vec<u8>>,
    sources: Vec<(String, Vec<u8>)>,
) -> JarvisMsg {
    let file = |(filename, bytes): (String, Vec<u8>)| FileData {
        file: bytes.into(),
        filename,
        ..FileData::default()
    };
    let data = CtrlScript2Data {
        script_file: script_file(script),
        src_files: sources.into_iter().map(file).collect(),
        script_name: name.to_owned(),
    };
    ctrl("scriptfile2", any("CtrlScript2Data", &data))
}

/// Runs a script, and brings files with its result.
#[must_use]
pub fn script_with_results(
    name: &str,
    script: impl Into<Vec<u8>>,
    results: Vec<String>,
) -> JarvisMsg {
    let data = CtrlScript3Data {
        script_file: script_file(script),
        end_files: results,
        script_name: name.to_owned(),
    };
    ctrl("scriptfile3", any("CtrlScript3Data", &data))
}

/// What a script came to.
#[must_use]
pub fn ctrl_result(result: impl Into<String>, error: impl Into<String>) -> JarvisMsg {
    let result = CtrlResult {
        ctrl_result: result.into(),
        err_info: error.into(),
        ..CtrlResult::default()
    };
    draft(Msgtype::ReplyCtrlResult, Some(Data::CtrlResult(result)))
}

/// A small file to write, in one message.
#[must_use]
pub fn transfer_file(name: &str, bytes: impl Into<bytes::Bytes>) -> JarvisMsg {
    let file = bytes.into();
    let data = FileData {
        md5_string: super::names::md5_text(&file),
        file,
        filename: name.to_owned(),
        ..FileData::default()
    };
    draft(Msgtype::TransferFile, Some(Data::File(data)))
}

/// One piece of a file to write.
#[must_use]
pub fn transfer_piece(piece: FileData) -> JarvisMsg {
    draft(Msgtype::TransferFile2, Some(Data::File(piece)))
}

/// A small file was written.
#[must_use]
pub fn transferred(md5: impl Into<String>) -> JarvisMsg {
    let reply = ReplyTransferFile {
        md5_string: md5.into(),
    };
    draft(
        Msgtype::ReplyTransferFile,
        Some(Data::ReplyTransferFile(reply)),
    )
}

/// Asks for a file: `length` bytes from `start`, or all of it when `length` is 0.
#[must_use]
pub fn request_file(name: &str, start: u64, length: u64) -> JarvisMsg {
    let request = RequestFile {
        filename: name.to_owned(),
        start: i64::try_from(start).unwrap_or(i64::MAX),
        length: i64::try_from(length).unwrap_or(i64::MAX),
        ..RequestFile::default()
    };
    draft(Msgtype::RequestFile, Some(Data::RequestFile(request)))
}

/// A piece of a file that was asked for.
#[must_use]
pub fn file_piece(piece: FileData) -> JarvisMsg {
    draft(Msgtype::ReplyRequestFile, Some(Data::File(piece)))
}

/// Asks a node to update or restart itself.
#[must_use]
pub fn update(version: &str, node_type: &str, restart_only: bool) -> JarvisMsg {
    let update = UpdateNode {
        node_type_version: version.to_owned(),
        node_type: node_type.to_owned(),
        is_only_restart: restart_only,
    };
    draft(Msgtype::Updatenode, Some(Data::UpdateNode(update)))
}

/// Asks a node to remove the logs of scripts.
#[must_use]
pub fn clear_logs() -> JarvisMsg {
    draft(Msgtype::ClearLogs, None)
}

/// Asks what became of a request.
#[must_use]
pub fn request_state(id: i64) -> JarvisMsg {
    let request = RequestMsgState { msg_id: id };
    draft(
        Msgtype::RequestMsgState,
        Some(Data::RequestMsgState(request)),
    )
}

/// Says what became of a request.
#[must_use]
pub fn state(id: i64, state: i32) -> JarvisMsg {
    let reply = ReplyMsgState { msg_id: id, state };
    draft(Msgtype::ReplyMsgState, Some(Data::ReplyMsgState(reply)))
}

/// Asks for a node's list of nodes. `mine` is the version of our list, `known` that of theirs as far as
/// we have it.
#[must_use]
pub fn request_nodes(with_local_hosts: bool, mine: &str, known: &str) -> JarvisMsg {
    let request = RequestNodes2 {
        is_need_local_host: with_local_hosts,
        my_nodes_version: mine.to_owned(),
        nodes_version: known.to_owned(),
    };
    draft(Msgtype::RequestNodes2, Some(Data::RequestNodes2(request)))
}

/// One node of a list, without what only it can tell of itself.
#[must_use]
pub fn node_info(info: &NodeBaseInfo) -> JarvisMsg {
    let info = NodeBaseInfo {
        serv_addr: info.serv_addr.clone(),
        addr: info.addr.clone(),
        name: info.name.clone(),
        ..NodeBaseInfo::default()
    };
    draft(Msgtype::NodeInfo, Some(Data::NodeInfo(info)))
}

/// The version of the list that was just given.
#[must_use]
pub fn nodes_version(version: &str) -> JarvisMsg {
    let reply = ReplyMyNodesVersion {
        my_nodes_version: version.to_owned(),
    };
    draft(
        Msgtype::ReplyMynodesversion,
        Some(Data::ReplyMyNodesVersion(reply)),
    )
}

/// Whether a message is an answer to something.
#[must_use]
pub fn is_reply(kind: Msgtype) -> bool {
    matches!(
        kind,
        Msgtype::Reply2
            | Msgtype::ReplyCtrlResult
            | Msgtype::ReplyRequestFile
            | Msgtype::ReplyTransferFile
            | Msgtype::ReplyMsgState
            | Msgtype::ReplyMynodesversion
            | Msgtype::NodeInfo
            | Msgtype::ReplyConnect
    )
}

/// Whether a message is the last word of an answer.
#[must_use]
pub fn is_end(message: &JarvisMsg) -> bool {
    message.msg_type() == Msgtype::Reply2 && message.reply_type() == Replytype::End
}
