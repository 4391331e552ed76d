//! What the words of an error mean.

use super::account::CallError;

/// Programs have one code for all that QQ refuses; the words tell it apart. They pass on QQ's
/// own numbers as `result: N` too.
pub(super) fn meaning(words: &str, detail: String) -> CallError {
    let words = words.to_lowercase();
    let says = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let result = words
        .split_once("result")
        .and_then(|(_, rest)| {
            let digits = rest.trim_start_matches(|c: char| !c.is_ascii_digit());
            let end = digits
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(digits.len());
            digits[..end].parse::<u32>().ok()
        })
        .unwrap_or_default();
    if result == 120
        || says(&[
            "禁言",
            "muted",
            "被拉黑",
            "blocked",
            "not friend",
            "不是好友",
            "非好友",
            "陌生人",
        ])
    {
        CallError::Forbidden(detail)
    } else if result == 110
        || says(&[
            "不在群",
            "移出",
            "已退出",
            "群不存在",
            "群聊不存在",
            "已解散",
            "not in the group",
            "group not found",
            "no such group",
            "用户不存在",
            "好友不存在",
            "user not found",
            "消息不存在",
            "msg not found",
            "message not found",
            "not found msg",
        ])
    {
        CallError::Gone(detail)
    } else if result == 299
        || says(&[
            "频繁",
            "过快",
            "频率",
            "too many",
            "too fast",
            "rate limit",
            "frequen",
        ])
    {
        CallError::TooFast(detail)
    } else if says(&[
        "参数",
        "invalid",
        "must be",
        "文件大小",
        "too large",
        "过长",
        "too long",
        "空文件",
        "file size is 0",
    ]) {
        CallError::Refused(detail)
    } else {
        CallError::Passing(detail)
    }
}
