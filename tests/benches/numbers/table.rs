//! What was measured, as a table.

use std::fmt;
use std::time::Duration;

/// Times of the same thing.
#[derive(Debug, Default)]
pub(crate) struct Times(Vec<Duration>);

impl Times {
    /// Adds one.
    pub(crate) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    /// The time that `share` (0 to 1) of all times do not exceed.
    pub(crate) fn quantile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let last = sorted.len().saturating_sub(1);
        let index = (last as f64 * share).round() as usize;
        sorted.get(index).copied().unwrap_or_default()
    }

    /// The middle one.
    pub(crate) fn median(&self) -> Duration {
        self.quantile(0.5)
    }

    /// Median and 90th percentile in words.
    pub(crate) fn spread(&self) -> String {
        format!("{} (p90 {})", show(self.median()), show(self.quantile(0.9)))
    }
}

/// How two numbers are compared, and what is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Goal {
    /// Ours is at most so many times the floor.
    AtMost(f64),
    /// Ours is at least so many times the floor.
    AtLeast(f64),
    /// Ours is at most so many milliseconds more than the floor.
    Above(f64),
    /// Ours is at most this.
    Bound(f64),
    /// Ours is at most this, in this unit.
    UpTo(f64, &'static str),
    /// Ours is at least this.
    From(f64),
    /// Nothing in particular.
    None,
}

/// The rows, in the order in which they were measured.
#[derive(Debug, Default)]
pub(crate) struct Table(Vec<[String; 5]>);

impl Table {
    /// Adds a row: what, the floor and ours as text and as numbers, and the goal.
    pub(crate) fn row(
        &mut self,
        what: impl Into<String>,
        (floor_text, floor): (String, f64),
        (ours_text, ours): (String, f64),
        goal: Goal,
    ) {
        let ratio = ours / floor;
        let (compared, wanted, is_met) = match goal {
            Goal::AtMost(most) => (format!("{ratio:.2}"), format!("≤ {most}"), ratio <= most),
            Goal::AtLeast(least) => (format!("{ratio:.2}"), format!("≥ {least}"), ratio >= least),
            Goal::Above(most) => {
                let more = ours - floor;
                (
                    format!("+{more:.2} ms"),
                    format!("≤ +{most} ms"),
                    more <= most,
                )
            }
            Goal::Bound(most) => (String::new(), format!("≤ {most}"), ours <= most),
            Goal::UpTo(most, unit) => {
                (shown_ratio(ratio), format!("≤ {most} {unit}"), ours <= most)
            }
            Goal::From(least) => (shown_ratio(ratio), format!("≥ {least}"), ours >= least),
            Goal::None if floor.is_nan() => (String::new(), String::new(), true),
            Goal::None => (format!("{ratio:.2}"), String::new(), true),
        };
        let wanted = format!("{wanted}{}", if is_met { "" } else { " missed" });
        self.0
            .push([what.into(), floor_text, ours_text, compared, wanted]);
    }

    /// Adds a row of times.
    pub(crate) fn times(
        &mut self,
        what: impl Into<String>,
        floor: &Times,
        ours: &Times,
        goal: Goal,
    ) {
        self.row(
            what,
            (floor.spread(), floor.median().as_secs_f64()),
            (ours.spread(), ours.median().as_secs_f64()),
            goal,
        );
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut grid = Grid::new(["what", "floor", "ours", "ratio", "goal"]);
        for row in &self.0 {
            grid.row(row.to_vec());
        }
        grid.fmt(f)
    }
}

/// A table with other columns.
#[derive(Debug)]
pub(crate) struct Grid(Vec<Vec<String>>);

impl Grid {
    /// Without rows.
    pub(crate) fn new<const COLUMNS: usize>(head: [&str; COLUMNS]) -> Self {
        Self(vec![head.map(str::to_owned).to_vec()])
    }

    /// Adds a column; before the first row.
    pub(crate) fn column(&mut self, name: &str) {
        self.0[0].push(name.to_owned());
    }

    /// Adds a row, a cell for each column.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: Vec<usize> = (0..self.0[0].len())
            .map(|column| {
                let cells = self.0.iter().map(|row| row[column].chars().count());
                cells.max().unwrap_or(0)
            })
            .collect();
        for (number, row) in self.0.iter().enumerate() {
            write!(f, "|")?;
            for (cell, width) in row.iter().zip(&widths) {
                write!(f, " {cell:width$} |")?;
            }
            writeln!(f)?;
            if number == 0 {
                let lines: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
                writeln!(f, "|{}|", lines.join("|"))?;
            }
        }
        Ok(())
    }
}

/// A ratio; nothing without a floor.
fn shown_ratio(ratio: f64) -> String {
    if ratio.is_nan() {
        return String::new();
    }
    format!("{ratio:.2}")
}

/// A time in the unit that suits it.
pub(crate) fn show(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    match micros {
        ..1e3 => format!("{micros:.0} µs"),
        ..1e6 => format!("{:.2} ms", micros / 1e3),
        _ => format!("{:.2} s", micros / 1e6),
    }
}
