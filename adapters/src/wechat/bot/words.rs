//! The few words that are the adapter's own.

/// In one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Words {
    /// Title of a card whose text stands above it.
    pub(super) choose: &'static str,
    /// Title of a card of which only the press is known.
    pub(super) chosen: &'static str,
    /// Below a bubble that is closed before its end.
    pub(super) later: &'static str,
    /// In place of a text that did not fit.
    pub(super) cut: &'static str,
}

const ENGLISH: Words = Words {
    choose: "Choose",
    chosen: "Chosen",
    later: "… this goes on; the result comes as a message of its own",
    cut: "… the rest does not fit into this chat",
};
const CHINESE: Words = Words {
    choose: "请选择",
    chosen: "已选择",
    later: "……仍在进行，结果将另发消息",
    cut: "……其余内容超出此会话的长度限制",
};

/// The words of a language.
pub(super) fn words(language: &str) -> Words {
    if language.starts_with("zh") {
        CHINESE
    } else {
        ENGLISH
    }
}
