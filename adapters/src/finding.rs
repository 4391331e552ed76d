//! What `jarvis adapter KIND --check` found when it asked a platform.

/// One thing that was looked at.
#[derive(Debug)]
pub struct Finding {
    /// What.
    pub subject: &'static str,
    /// What was found.
    pub detail: String,
    /// What to do; `None` when it is as it should be.
    pub remedy: Option<&'static str>,
}

impl Finding {
    pub(crate) fn new(subject: &'static str, detail: String, remedy: Option<&'static str>) -> Self {
        Self {
            subject,
            detail,
            remedy,
        }
    }
}
