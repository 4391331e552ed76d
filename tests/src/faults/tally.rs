//! What became of everything that was asked for.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;

use super::schedule::Fault;
use crate::square::{Ask, Asked, Shown, Square, State};

/// The counts of one run.
#[derive(Debug, Default)]
pub struct Report {
    /// What everything followed from.
    pub seed: u64,
    /// What happened.
    pub faults: Vec<Fault>,
    /// How long it happened.
    pub lasted: Duration,
    /// How long everything took to come to its end after that.
    pub quiet_after: Duration,
    /// Jobs that were ordered.
    pub jobs: usize,
    /// Jobs that ended once and were done.
    pub done: usize,
    /// Jobs that ended once, as lost with their node.
    pub reported_lost: usize,
    /// Jobs that ended once in another way; each is a fault.
    pub ended_otherwise: Vec<String>,
    /// Jobs without an end, or said to be done and not done.
    pub lost: Vec<String>,
    /// Jobs that a node carried out twice, or whose end was told twice.
    pub doubled: Vec<String>,
    /// Answers and jobs, each of which is one message.
    pub messages: usize,
    /// Messages that did not come.
    pub missing: Vec<String>,
    /// Messages that came twice.
    pub repeated: Vec<String>,
    /// Answers that overtook others of their room.
    pub out_of_order: Vec<String>,
    /// Messages shown again by a new adapter, because the old one died before it could tell that it
    /// had shown them. Nobody can know better on a platform that takes a message without a key.
    pub shown_again: usize,
    /// Where the logs are, if they were kept.
    pub kept: Option<PathBuf>,
}

impl Report {
    /// Counts what people saw and what the nodes did.
    pub(super) fn count(square: &Square, ran: &[PathBuf]) -> Result<Self> {
        let state = square.lock();
        let runs: Vec<HashMap<usize, usize>> = ran.iter().map(runs_in).collect::<Result<_>>()?;
        let mut by_event: BTreeMap<usize, Vec<&Shown>> = BTreeMap::new();
        for shown in &state.shown {
            if let Some(number) = shown.answers {
                by_event.entry(number).or_default().push(shown);
            }
        }
        let mut report = Self::default();
        for (number, asked) in state.asked.iter().enumerate() {
            let shown = by_event.get(&number).map_or(&[][..], Vec::as_slice);
            let distinct = report.message(number, asked, shown);
            if let Ask::Job(nodes) = &asked.what {
                report.job(number, nodes, &distinct, &runs);
            }
        }
        report.order(&state);
        Ok(report)
    }

    /// Counts the messages about one event; gives those that count.
    fn message<'a>(&mut self, number: usize, asked: &Asked, shown: &[&'a Shown]) -> Vec<&'a Shown> {
        self.messages += 1;
        let mut distinct: Vec<&Shown> = Vec::new();
        for message in shown {
            // The same action in two messages: the adapter died in between. The newer one goes on.
            match distinct
                .iter_mut()
                .find(|known| known.action == message.action)
            {
                Some(known) => {
                    self.shown_again += 1;
                    *known = message;
                }
                None => distinct.push(message),
            }
        }
        if distinct.is_empty() {
            self.missing.push(format!("{number} ({:?})", asked.what));
        }
        if distinct.len() > 1 {
            let texts: Vec<_> = distinct.iter().map(|shown| &shown.text).collect();
            self.repeated.push(format!("{number}: {texts:?}"));
        }
        if !asked.taken {
            self.missing.push(format!("{number} was never taken"));
        }
        distinct
    }

    fn job(
        &mut self,
        number: usize,
        nodes: &[usize],
        shown: &[&Shown],
        runs: &[HashMap<usize, usize>],
    ) {
        self.jobs += 1;
        let counts = || {
            nodes
                .iter()
                .map(|&node| runs[node].get(&number).copied().unwrap_or(0))
        };
        if counts().any(|count| count > 1) {
            let counts: Vec<_> = counts().collect();
            self.doubled.push(format!("{number} ran {counts:?} times"));
        }
        let mut ends: Vec<&String> = shown.iter().flat_map(|shown| &shown.finals).collect();
        ends.sort();
        ends.dedup();
        let Some(last) = shown.last().filter(|last| last.is_final) else {
            self.lost.push(format!("{number} has no end"));
            return;
        };
        if ends.len() > 1 {
            self.doubled
                .push(format!("{number} has {} ends", ends.len()));
        }
        if last.text.starts_with('✔') {
            if counts().all(|count| count == 1) {
                self.done += 1;
            } else {
                let counts: Vec<_> = counts().collect();
                self.lost.push(format!(
                    "{number} is said to be done and ran {counts:?} times"
                ));
            }
        } else if last.text.contains("lost: ") {
            self.reported_lost += 1;
        } else {
            self.ended_otherwise
                .push(format!("{number}: {}", last.text));
        }
    }

    /// Answers of one room come in the order of what they answer.
    fn order(&mut self, state: &State) {
        let mut newest: HashMap<usize, usize> = HashMap::new();
        let mut seen = std::collections::HashSet::new();
        for shown in &state.shown {
            let Some(number) = shown.answers else {
                continue;
            };
            let asked = &state.asked[number];
            if asked.what != Ask::Version || !seen.insert(&shown.action) {
                continue;
            }
            let newest = newest.entry(asked.room).or_default();
            if number < *newest {
                self.out_of_order
                    .push(format!("{number} came after {newest}"));
            }
            *newest = number.max(*newest);
        }
    }

    /// Whether everything ended as it should.
    pub fn is_clean(&self) -> bool {
        [
            &self.ended_otherwise,
            &self.lost,
            &self.doubled,
            &self.missing,
            &self.repeated,
            &self.out_of_order,
        ]
        .into_iter()
        .all(Vec::is_empty)
    }
}

fn runs_in(file: &PathBuf) -> Result<HashMap<usize, usize>> {
    let mut runs = HashMap::new();
    // A node on which nothing ran has no such file.
    let text = std::fs::read_to_string(file).unwrap_or_default();
    for line in text.lines() {
        *runs.entry(line.parse()?).or_default() += 1;
    }
    Ok(runs)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for fault in &self.faults {
            *kinds.entry(fault.what.name()).or_default() += 1;
        }
        let kinds: Vec<_> = kinds
            .iter()
            .map(|(name, count)| format!("{name} {count}"))
            .collect();
        writeln!(
            f,
            "seed {}: {} faults in {:.0} s ({}); all was quiet {:.1} s later",
            self.seed,
            self.faults.len(),
            self.lasted.as_secs_f64(),
            kinds.join(", "),
            self.quiet_after.as_secs_f64(),
        )?;
        writeln!(f, "jobs ordered                  {:6}", self.jobs)?;
        let once = self.done + self.reported_lost + self.ended_otherwise.len();
        writeln!(f, "  ended exactly once          {once:6}")?;
        writeln!(f, "    done, and done once       {:6}", self.done)?;
        writeln!(f, "    reported lost with a node {:6}", self.reported_lost)?;
        let otherwise = self.ended_otherwise.len();
        writeln!(f, "    ended in another way      {otherwise:6}")?;
        writeln!(f, "  lost                        {:6}", self.lost.len())?;
        writeln!(f, "  doubled                     {:6}", self.doubled.len())?;
        writeln!(f, "messages expected             {:6}", self.messages)?;
        writeln!(f, "  missing                     {:6}", self.missing.len())?;
        writeln!(f, "  doubled                     {:6}", self.repeated.len())?;
        writeln!(
            f,
            "  out of order                {:6}",
            self.out_of_order.len()
        )?;
        writeln!(
            f,
            "  shown again after the death of an adapter {}",
            self.shown_again
        )?;
        if self.is_clean() {
            return Ok(());
        }
        let faults = [
            ("ended in another way", &self.ended_otherwise),
            ("lost", &self.lost),
            ("doubled", &self.doubled),
            ("missing", &self.missing),
            ("message doubled", &self.repeated),
            ("out of order", &self.out_of_order),
        ];
        for (name, list) in faults {
            for entry in list.iter().take(20) {
                writeln!(f, "{name}: {entry}")?;
            }
        }
        if let Some(kept) = &self.kept {
            writeln!(f, "logs and everything that was said: {}", kept.display())?;
        }
        writeln!(f, "the schedule:")?;
        for (number, fault) in self.faults.iter().enumerate() {
            writeln!(f, "  {number:4} {fault}")?;
        }
        Ok(())
    }
}
