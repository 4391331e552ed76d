//! Commands through everything: a OneBot v11 program, played by a load generator, sends `/ping N` in 10
//! groups by 50 people to the adapter, which hands them to the brain (SQLite on), which answers through
//! its outbox and the adapter. Beside it, in the same run and turn by turn, a bare echo over the same
//! transport, in the same language, that keeps nothing.

mod echo;
mod generator;
mod processes;

use std::time::Duration;

use anyhow::Result;
use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::free_port;

use self::generator::{Generator, Pressed, Rate};
use self::processes::{Memory, Processes};
use crate::in_runtime;
use crate::table::{Goal, Table, Times, show};

/// Commands one at a time, in each round.
const ALONE: usize = 1_000;
/// Commands that are on their way together.
const OUTSTANDING: usize = 64;
/// How long the generator goes as fast as it can, in each round.
const FULL_SPEED: Duration = Duration::from_secs(4);
/// Commands a second when they come at a pace, and for how long.
const PACE: u32 = 1_000;
const PACED: Duration = Duration::from_secs(5);
/// Ordinary messages for each command.
const ORDINARY: usize = 9;
/// What comes past saturation, as a multiple of what was taken at full speed, and for how long.
const BEYOND: f64 = 2.0;
const BEYOND_FOR: Duration = Duration::from_secs(8);
/// Commands while the platform refuses everything, and for how long.
const STORM: usize = 500;
const STORM_FOR: Duration = Duration::from_secs(5);
const ROUNDS: usize = 2;

/// One bot under load.
#[derive(Default)]
struct Measured {
    alone: Times,
    paced: Times,
    full: Rate,
    mixed: Rate,
    /// Processor time at full speed, all processes of the bot.
    spent: Duration,
    /// Memory in megabytes before, and as it was at most while each of these was measured.
    idle: f64,
    peak: f64,
    /// Sizes of the processes at most, added up.
    resident: f64,
}

/// Whether this was a process of this bench, which is over now.
pub(crate) fn own_process(arguments: impl Iterator<Item = String>) -> Result<bool> {
    echo::own_process(arguments)
}

/// A bare echo and Jarvis.
pub(crate) fn commands(table: &mut Table) -> Result<()> {
    let (echo, ours, pressed, storm) = in_runtime(async {
        let mut echo = Bot::echo().await?;
        let mut ours = Bot::jarvis().await?;
        let (mut echoed, mut answered) = (Measured::default(), Measured::default());
        for _ in 0..ROUNDS {
            echo.measure(&mut echoed).await?;
            ours.measure(&mut answered).await?;
        }
        let mut memory = Memory::default();
        let pressed = ours
            .generator
            .beyond(rate(&answered.full) * BEYOND, BEYOND_FOR);
        let pressed = ours.processes.during(&mut memory, pressed).await?;
        let storm = ours.generator.storm(STORM, STORM_FOR).await?;
        Ok((echoed, answered, (pressed, memory), storm))
    })?;
    report(table, &echo, &ours);
    let (pressed, memory) = pressed;
    report_pressed(table, &pressed, &memory, &ours);
    let (answered, after) = storm;
    table.row(
        format!(
            "of {STORM} commands in a storm of refusals, answered once (in {})",
            show(after)
        ),
        (String::new(), f64::NAN),
        (answered.to_string(), answered as f64),
        Goal::From(STORM as f64),
    );
    Ok(())
}

/// Commands a second.
fn rate(measured: &Rate) -> f64 {
    measured.commands as f64 / measured.lasted.as_secs_f64()
}

fn report(table: &mut Table, echo: &Measured, ours: &Measured) {
    let time = |time: Duration| (show(time), time.as_secs_f64() * 1e3);
    let mut both = |what: &str, of: fn(&Measured) -> Duration, goal| {
        table.row(what, time(of(echo)), time(of(ours)), goal);
    };
    both(
        "`/ping` one at a time, median; floor a bare echo",
        |measured| measured.alone.median(),
        Goal::UpTo(0.5, "ms"),
    );
    both(
        "`/ping` one at a time, p99",
        |measured| measured.alone.quantile(0.99),
        Goal::None,
    );
    both(
        "`/ping` at 1,000 a second, median",
        |measured| measured.paced.median(),
        Goal::None,
    );
    both(
        "`/ping` at 1,000 a second, p99",
        |measured| measured.paced.quantile(0.99),
        Goal::UpTo(5.0, "ms"),
    );
    let per_second = |rate: f64| (format!("{rate:.0}/s"), rate);
    table.row(
        format!("commands with {OUTSTANDING} outstanding"),
        per_second(rate(&echo.full)),
        per_second(rate(&ours.full)),
        Goal::From(10_000.0),
    );
    let events = |rate: &Rate| rate.events as f64 / rate.lasted.as_secs_f64();
    table.row(
        format!("events, {ORDINARY} ordinary messages for each command"),
        per_second(events(&echo.mixed)),
        per_second(events(&ours.mixed)),
        Goal::From(40_000.0),
    );
    let each = |measured: &Measured| {
        let micros = measured.spent.as_secs_f64() * 1e6 / measured.full.commands as f64;
        (format!("{micros:.0} µs"), micros)
    };
    table.row(
        "processor time of a command at full speed",
        each(echo),
        each(ours),
        Goal::None,
    );
    let memory = |megabytes: f64| (format!("{megabytes:.1}"), megabytes);
    table.row(
        "MB of all processes, idle",
        memory(echo.idle),
        memory(ours.idle),
        Goal::None,
    );
    table.row(
        "MB of all processes, at most",
        memory(echo.peak),
        memory(ours.peak),
        Goal::UpTo(60.0, "MB"),
    );
    table.row(
        "… as the sum of their resident sizes",
        memory(echo.resident),
        memory(ours.resident),
        Goal::None,
    );
}

fn report_pressed(table: &mut Table, pressed: &Pressed, memory: &Memory, ours: &Measured) {
    let none = (String::new(), f64::NAN);
    let time = |time: Duration| (show(time), time.as_secs_f64() * 1e3);
    let asked = rate(&ours.full) * BEYOND;
    let taken = pressed.answered as f64 / BEYOND_FOR.as_secs_f64();
    table.row(
        format!("past saturation ({asked:.0} commands a second): carried out"),
        none.clone(),
        (format!("{taken:.0}/s"), taken),
        Goal::None,
    );
    for (name, share) in [("median", 0.5), ("p99", 0.99)] {
        table.row(
            format!("past saturation: until a command is refused, {name}"),
            none.clone(),
            time(pressed.refused.quantile(share)),
            Goal::UpTo(100.0, "ms"),
        );
    }
    table.row(
        "past saturation: commands without any answer",
        none.clone(),
        (pressed.unanswered.to_string(), pressed.unanswered as f64),
        Goal::UpTo(0.0, ""),
    );
    let half = BEYOND_FOR / 2;
    for (when, most) in [
        ("first", memory.within(Duration::ZERO, half)),
        ("second", memory.within(half, BEYOND_FOR)),
    ] {
        table.row(
            format!("past saturation: MB at most in the {when} half"),
            none.clone(),
            (format!("{most:.1}"), most),
            Goal::None,
        );
    }
}

/// A bot, and the program with the QQ login that speaks to it.
struct Bot {
    generator: Generator,
    processes: Processes,
}

impl Bot {
    async fn echo() -> Result<Self> {
        let port = free_port()?;
        Self::over(Processes::of(vec![echo::start(port)?]), port).await
    }

    async fn jarvis() -> Result<Self> {
        let port = free_port()?;
        let jarvis = Jarvis::new()?;
        // Everybody is a stranger who says a lot.
        jarvis.set("brain", "messages_per_minute = 100000000\n".to_owned())?;
        let keys = format!(
            "transport = \"reverse\"\nlisten = \"127.0.0.1:{port}\"\nroom_per_second = 0\n"
        );
        jarvis.configure_qq_with(None, &keys)?;
        let brain = jarvis.brain().await?;
        let adapter = jarvis.start(&["adapter", "onebot"])?;
        let processes = Processes::of(vec![brain, adapter]).with(jarvis);
        Self::over(processes, port).await
    }

    async fn over(processes: Processes, port: u16) -> Result<Self> {
        let generator = Generator::connect(port).await?;
        Ok(Self {
            generator,
            processes,
        })
    }

    async fn measure(&mut self, measured: &mut Measured) -> Result<()> {
        if measured.idle == 0.0 {
            measured.idle = self.processes.megabytes()?;
        }
        let mut memory = Memory::default();
        let (generator, processes) = (&mut self.generator, &self.processes);
        let work = async {
            generator.alone(ALONE, &mut measured.alone).await?;
            generator.paced(PACE, PACED, &mut measured.paced).await?;
            let before = processes.spent()?;
            let full = &mut measured.full;
            generator
                .full_speed(OUTSTANDING, 0, FULL_SPEED, full)
                .await?;
            measured.spent += processes.spent()?.saturating_sub(before);
            let mixed = &mut measured.mixed;
            generator
                .full_speed(OUTSTANDING, ORDINARY, FULL_SPEED, mixed)
                .await
        };
        processes.during(&mut memory, work).await?;
        measured.peak = measured.peak.max(memory.peak());
        measured.resident = processes.resident_at_most()?;
        Ok(())
    }
}
