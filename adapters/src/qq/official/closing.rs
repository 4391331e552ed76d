//! What the gateway's close codes mean.

use std::time::Duration;

/// What to do after a connection has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum After {
    /// Go on with the session.
    Resume,
    /// Begin a new one.
    Identify,
    /// The token is not good any more.
    NewToken,
    /// We were too fast: go on later.
    Wait(Duration),
    /// Nothing helps but a person; says what to do.
    Stop(String),
}

const TOO_FAST: Duration = Duration::from_secs(60);

pub(super) fn after_close(code: u16, reason: &str) -> After {
    let stop = |what: &str| After::Stop(format!("close code {code} {reason}: {what}"));
    match code {
        4004 => After::NewToken,
        4006 | 4007 | 4900..=4913 => After::Identify,
        4008 => After::Wait(TOO_FAST),
        4001 | 4002 => stop("this version of Jarvis does not speak to it; look for a newer one"),
        4010..=4012 => stop("the bot has grown beyond one connection"),
        4013 | 4014 => stop(
            "this bot may not receive private and group messages: switch them on at q.qq.com, under \
             development settings",
        ),
        4914 => {
            stop("the bot is offline or may only be used in the sandbox: publish it at q.qq.com")
        }
        4915 => stop("the bot is banned: see the messages at q.qq.com"),
        _ => After::Resume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_way() {
        for code in [4009, 1000, 1006, 4000] {
            assert_eq!(after_close(code, ""), After::Resume, "{code}");
        }
        for code in [4006, 4007, 4900, 4913] {
            assert_eq!(after_close(code, ""), After::Identify, "{code}");
        }
        for code in [4001, 4002, 4010, 4013, 4014, 4914, 4915] {
            assert!(matches!(after_close(code, ""), After::Stop(_)), "{code}");
        }
        assert_eq!(after_close(4004, ""), After::NewToken);
        assert_eq!(after_close(4008, ""), After::Wait(TOO_FAST));
    }
}
