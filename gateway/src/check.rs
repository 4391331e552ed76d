//! `jarvis check`: is everything ready, and what to do where it is not.
//!
//! A check is a function that adds findings; each finding is one line of the table. Checks change
//! nothing that was there before.

pub(crate) mod adapter;
mod config;
mod database;
mod machine;
mod network;

use std::fmt::Write as _;

use crate::config::Config;
use crate::data::DataDir;

/// How a finding is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// As it should be.
    Ok,
    /// Works, and may surprise.
    Warn,
    /// Jarvis would not start, or not do what was configured.
    Fail,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
struct Finding {
    verdict: Verdict,
    subject: String,
    detail: String,
    remedy: Option<String>,
}

/// Everything that was found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Something is as it should be.
    pub(crate) fn ok(&mut self, subject: &str, detail: impl Into<String>) {
        self.add(Verdict::Ok, subject, detail.into(), None);
    }

    /// Something works and may surprise; `remedy` says what to do.
    pub(crate) fn warn(
        &mut self,
        subject: &str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Verdict::Warn, subject, detail.into(), Some(remedy.into()));
    }

    /// Something is in the way; `remedy` says what to do.
    pub(crate) fn fail(
        &mut self,
        subject: &str,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.add(Verdict::Fail, subject, detail.into(), Some(remedy.into()));
    }

    fn add(&mut self, verdict: Verdict, subject: &str, detail: String, remedy: Option<String>) {
        self.findings.push(Finding {
            verdict,
            subject: subject.to_owned(),
            detail,
            remedy,
        });
    }

    /// Nothing is in the way.
    pub(crate) fn passed(&self) -> bool {
        self.count(Verdict::Fail) == 0
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.findings
            .iter()
            .filter(|finding| finding.verdict == verdict)
            .count()
    }

    /// The table, with what to do under each line that needs it, and a sum.
    pub(crate) fn table(&self) -> String {
        let width = self
            .findings
            .iter()
            .map(|finding| finding.subject.chars().count())
            .max()
            .unwrap_or_default();
        let mut text = String::new();
        for finding in &self.findings {
            let Finding {
                verdict,
                subject,
                detail,
                remedy,
            } = finding;
            writeln!(text, "{:4}  {subject:width$}  {detail}", verdict.word())
                .expect("a string takes all");
            if let Some(remedy) = remedy {
                writeln!(text, "{:4}  {:width$}  -> {remedy}", "", "").expect("a string takes all");
            }
        }
        let (failed, warned) = (self.count(Verdict::Fail), self.count(Verdict::Warn));
        let sum = match (failed, warned) {
            (0, 0) => "Ready.".to_owned(),
            (0, _) => format!("Ready, with {warned} to look at."),
            _ => format!("Not ready: {failed} to repair, {warned} to look at."),
        };
        writeln!(text, "\n{sum}").expect("a string takes all");
        text
    }
}

/// Runs every check on a configuration that could be read.
pub(crate) async fn run(config: &Config, report: &mut Report) {
    let data = DataDir::at(&config.data);
    let running = machine::data_folder(&data, report);
    database::database(config, &data, running, report).await;
    config::tokens(config, report);
    config::engines(config, report);
    config::nodes(config, report);
    config::local_node(config, report);
    network::brain(config, &data, running, report);
    network::nodes(config, running, report);
    network::telegram(config, running, report);
    network::onebot(config, running, report);
    machine::crashes(&data, report);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_aligned_and_says_what_to_do() {
        let mut report = Report::default();
        report.ok("disk", "12 GB free");
        report.warn("telegram", "no token", "set telegram.token");
        assert!(report.passed());
        report.fail("nodes", "port 7788 is taken", "choose another");
        assert!(!report.passed());
        assert_eq!(
            report.table(),
            "ok    disk      12 GB free\n\
             warn  telegram  no token\n\
             \u{20}               -> set telegram.token\n\
             FAIL  nodes     port 7788 is taken\n\
             \u{20}               -> choose another\n\
             \n\
             Not ready: 1 to repair, 1 to look at.\n"
        );
    }

    #[tokio::test]
    #[expect(clippy::unwrap_used, reason = "tests")]
    async fn a_fresh_machine_is_ready_and_left_as_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            data: dir.path().join("data"),
            ..Config::default()
        };
        let mut report = Report::default();
        run(&config, &mut report).await;
        assert!(report.passed(), "{}", report.table());
        assert!(!config.data.exists());
    }
}
