//! The table of errors: what a refused message means for the next step.

use super::api::CallError;

/// What to do about a refused message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The message to answer is unknown, too old or answered often enough: another one, or unasked.
    ReplyDead,
    /// This answer is there already.
    Repeated,
    /// The bot may not send markdown: plain text goes.
    NoMarkdown,
    /// The bot may not show these buttons: text goes.
    NoButtons,
    /// An address in the text is not registered for this bot.
    BadLink,
    /// The quota of unasked messages is used up.
    OverQuota,
    /// The room does not take unasked messages.
    NoUnasked,
    /// The bot calls too often.
    Limited,
    /// Worth another try.
    Again,
    /// The bot may not write there.
    Forbidden,
    /// The room is gone.
    Gone,
    /// Never worth another try.
    Fatal,
}

/// Words of the refusal that has no code of its own.
const NO_MARKDOWN_WORDS: &str = "不允许发送原生";

pub(super) fn verdict(error: &CallError) -> Verdict {
    let CallError::Refused {
        status,
        code,
        message,
        ..
    } = error
    else {
        return Verdict::Again;
    };
    match code {
        304_026
        | 304_027
        | 304_028
        | 304_103
        | 40_034_005
        | 40_034_024..=40_034_027
        | 40_034_128 => Verdict::ReplyDead,
        40_054_005 => Verdict::Repeated,
        304_036 | 40_034_127 => Verdict::NoMarkdown,
        304_037 | 40_034_029 => Verdict::NoButtons,
        304_003 | 40_054_010 => Verdict::BadLink,
        40_034_100 => Verdict::OverQuota,
        40_034_105 => Verdict::NoUnasked,
        429 | 22_009 | 50_002 => Verdict::Limited,
        40_034_004 | 40_054_006 | 50_055_001 | 50_055_002 | 50_055_006 | 40_093_001 => {
            Verdict::Again
        }
        40_054_002 | 40_054_004 | 40_054_013 => Verdict::Forbidden,
        40_034_101 | 40_054_003 => Verdict::Gone,
        _ if message.contains(NO_MARKDOWN_WORDS) => Verdict::NoMarkdown,
        _ if *status >= 500 => Verdict::Again,
        _ => Verdict::Fatal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, code: i64, message: &str) -> Verdict {
        verdict(&CallError::Refused {
            status,
            code,
            message: message.to_owned(),
            trace: String::new(),
        })
    }

    #[test]
    fn errors_say_what_to_do_next() {
        for code in [304_026, 304_027, 304_028, 304_103, 40_034_005, 40_034_128] {
            assert_eq!(of(400, code, ""), Verdict::ReplyDead, "{code}");
        }
        for code in 40_034_024..=40_034_027 {
            assert_eq!(of(400, code, ""), Verdict::ReplyDead, "{code}");
        }
        for code in [40_034_004, 40_054_006, 50_055_001, 50_055_002, 50_055_006] {
            assert_eq!(of(500, code, ""), Verdict::Again, "{code}");
        }
        for code in [40_034_006, 40_054_016, 304_018, 11_255, 40_054_007, 12_345] {
            assert_eq!(of(400, code, ""), Verdict::Fatal, "{code}");
        }
        assert_eq!(of(400, 40_054_002, ""), Verdict::Forbidden);
        assert_eq!(of(400, 40_054_003, ""), Verdict::Gone);
        assert_eq!(of(500, 999, ""), Verdict::Again);
        assert_eq!(of(400, 7, "不允许发送原生 markdown"), Verdict::NoMarkdown);
        assert_eq!(verdict(&CallError::Away("down".to_owned())), Verdict::Again);
    }
}
