//! `top`: the load of nodes as a picture, or in little bars where no picture can go.

use std::io;

use super::TopArgs;
use crate::answer::Answer;
use crate::command::target::Target;
use crate::commands::{Call, Trouble};
use crate::fleet::FleetNode;
use crate::reply::{Reply, ReplyFile};
use crate::store::{BlobRef, Op};
use crate::text::{Language, Text, format, text};
use crate::watch::MINUTES;
use crate::watch::picture::{self, Legend, MOST_NODES, Measure, Subject};

const MINUTE_MS: i64 = 60_000;

/// `top [TARGET] [--tag T] [--hours N]`.
pub(in crate::commands) async fn top(call: &Call<'_>, args: TopArgs) -> Result<Answer, Trouble> {
    let language = call.language();
    let nodes = match chosen(call, &args) {
        Ok(nodes) => nodes,
        Err(answer) => return Ok(answer),
    };
    let all = nodes.len();
    let hours = args.hours.unwrap_or(1).min(24);
    let minutes = (hours as usize * 60).min(MINUTES);
    let now = call.brain.now_ms().div_euclid(MINUTE_MS);
    let shown: Vec<Shown> = nodes
        .into_iter()
        .take(MOST_NODES)
        .map(|node| Shown::new(call, node, now, minutes))
        .collect();
    if shown.iter().all(Shown::is_empty) {
        let names: Vec<String> = shown
            .iter()
            .map(|shown| shown.node.record.name.clone())
            .collect();
        let nodes = crate::command::target::listed(language, &names);
        return Ok(Answer::say(text!(language, "top-nothing", nodes = nodes)));
    }
    let mut reply = Reply::new();
    if let [one] = shown.as_slice() {
        reply = one_in_words(call, reply, one, hours);
    } else {
        reply = reply.line(text!(language, "top-several", count = all, hours = hours,));
        for one in &shown {
            reply = reply.line(row_in_words(language, one));
        }
        if all > shown.len() {
            let (first, all) = (shown.len(), all);
            reply = reply.line(text!(language, "top-first", first = first, all = all));
        }
    }
    let capabilities = call.inbound.session.capabilities();
    if !capabilities.files_out || call.inbound.session.is_terminal() {
        reply = reply.pre(&in_bars(&shown));
    }
    if !capabilities.files_out {
        return Ok(Answer::say(reply));
    }
    let name = match shown.as_slice() {
        [one] => format!("top-{}.png", one.node.record.name),
        _ => "top.png".to_owned(),
    };
    let picture = draw(call, &shown, hours, minutes).await?;
    let blob = call.brain.blobs().put(&picture).await?;
    call.pin(&blob.hash);
    let kept = BlobRef {
        hash: blob.hash.clone(),
        origin: format!("room:{}", call.room().room),
        name: name.clone(),
        mime: "image/png".to_owned(),
        size: i64::try_from(blob.size).unwrap_or(i64::MAX),
        created_ms: call.brain.now_ms(),
    };
    let file = ReplyFile {
        blob: blob.hash,
        name,
        mime: "image/png".to_owned(),
        size: blob.size,
    };
    Ok(Answer::say(reply.picture(file)).op(Op::PutBlob(kept)))
}

/// The nodes that are meant.
fn chosen(call: &Call<'_>, args: &TopArgs) -> Result<Vec<FleetNode>, Answer> {
    let language = call.language();
    let known = call.node_facts();
    let explain =
        |problem: crate::command::target::TargetProblem| Answer::say(problem.explain(language));
    let tag = match &args.tag {
        Some(tag) => Some(format!("tag:{tag}").parse::<Target>().map_err(explain)?),
        None => None,
    };
    let target = match (&args.target, &tag) {
        (Some(target), _) => target.clone(),
        (None, Some(tag)) => tag.clone(),
        (None, None) => "*".parse().map_err(explain)?,
    };
    let mut facts = target.resolve(&known).map_err(explain)?;
    if let Some(tag) = &tag {
        let tagged = tag.resolve(&known).map_err(explain)?;
        facts.retain(|node| tagged.iter().any(|other| other.name == node.name));
    }
    if facts.is_empty() {
        return Err(Answer::say(text!(language, "nodes-none-match")));
    }
    let get = |name: &str| call.brain.fleet().get(call.brain, name);
    Ok(facts.iter().filter_map(|node| get(&node.name)).collect())
}

/// A node and the minutes that are shown of it.
struct Shown {
    node: FleetNode,
    /// The last minute, since 1970.
    last: i64,
    minutes: Vec<Option<crate::watch::Point>>,
}

impl Shown {
    /// Of a node that is away, the time before it went.
    fn new(call: &Call<'_>, node: FleetNode, now: i64, minutes: usize) -> Self {
        let watch = call.brain.watch();
        let address = &node.record.address;
        let last = match watch.last_minute(address) {
            Some(last) if !node.is_online() => last,
            _ => now,
        };
        Self {
            last,
            minutes: watch.series(address, last, minutes),
            node,
        }
    }

    fn is_empty(&self) -> bool {
        self.minutes.iter().all(Option::is_none)
    }

    fn name(&self) -> &str {
        &self.node.record.name
    }

    /// The last value, the least and the most.
    fn range(&self, measure: Measure) -> Option<(f32, f32, f32)> {
        let values: Vec<f32> = measure
            .values(&self.minutes)
            .into_iter()
            .flatten()
            .collect();
        let now = *values.last()?;
        let least = values.iter().copied().fold(f32::INFINITY, f32::min);
        let most = values.iter().copied().fold(0.0, f32::max);
        Some((now, least, most))
    }

    /// `12 % (3 to 80)`.
    fn in_words(&self, language: Language, measure: Measure) -> Text {
        match self.range(measure) {
            None => text!(language, "top-unknown"),
            Some((now, least, most)) => {
                let short = |value| measure.show(value).replace(" %", "");
                text!(
                    language,
                    "top-range",
                    now = measure.show(now),
                    least = short(least),
                    most = short(most),
                )
            }
        }
    }
}

fn one_in_words(call: &Call<'_>, reply: Reply, one: &Shown, hours: u32) -> Reply {
    let language = call.language();
    let reply = reply.line(if one.node.is_online() {
        text!(language, "top-one", node = one.name(), hours = hours)
    } else {
        text!(
            language,
            "top-one-offline",
            node = one.name(),
            hours = hours,
            until = format::clock(one.last * MINUTE_MS, &call.brain.zone()),
        )
    });
    reply.line(text!(
        language,
        "top-values",
        cpu = one.in_words(language, Measure::Cpu),
        memory = one.in_words(language, Measure::Memory),
        disk = one.in_words(language, Measure::Disk),
        load = one.in_words(language, Measure::Load),
    ))
}

fn row_in_words(language: Language, one: &Shown) -> Text {
    let now = |measure| match one.range(measure) {
        Some((now, ..)) => measure.show(now),
        None => "–".to_owned(),
    };
    let values = text!(
        language,
        "top-values-now",
        cpu = now(Measure::Cpu),
        memory = now(Measure::Memory),
        disk = now(Measure::Disk),
        load = now(Measure::Load),
    );
    if one.node.is_online() {
        text!(language, "top-row", node = one.name(), values = values)
    } else {
        text!(
            language,
            "top-row-offline",
            node = one.name(),
            values = values
        )
    }
}

/// Little bars, as text.
fn in_bars(shown: &[Shown]) -> String {
    let widest = shown.iter().map(|one| one.name().chars().count()).max();
    let widest = widest.unwrap_or(0);
    let mut lines = Vec::new();
    for one in shown {
        let bars = |measure| picture::bars(measure, &one.minutes);
        let name = one.name();
        lines.push(format!(
            "{name:widest$}  cpu {}  mem {}",
            bars(Measure::Cpu),
            bars(Measure::Memory)
        ));
        lines.push(format!(
            "{:widest$} disk {} load {}",
            "",
            bars(Measure::Disk),
            bars(Measure::Load)
        ));
    }
    lines.join("\n")
}

/// Draws the picture, away from the threads that wait for the network.
async fn draw(
    call: &Call<'_>,
    shown: &[Shown],
    hours: u32,
    minutes: usize,
) -> Result<Vec<u8>, io::Error> {
    let zone = call.brain.zone();
    let last = match shown {
        [one] => one.last,
        _ => call.brain.now_ms().div_euclid(MINUTE_MS),
    };
    let span = i64::try_from(minutes).unwrap_or(0);
    let time = |minute: i64| format::clock(minute * MINUTE_MS, &zone);
    let names: Vec<&str> = shown.iter().map(Shown::name).collect();
    let span_words = match hours {
        1 => "last hour".to_owned(),
        hours => format!("last {hours} hours"),
    };
    let title = match shown {
        [one] if one.node.is_online() => format!("{}  -  {span_words}", one.name()),
        [one] => format!(
            "{}  -  OFFLINE, {span_words} before {}",
            one.name(),
            time(last)
        ),
        _ => format!("{} nodes  -  {span_words}", names.len()),
    };
    let legend = Legend {
        title: title.chars().take(85).collect(),
        times: [time(last - span), time(last - span / 2), time(last)],
    };
    let subjects: Vec<Subject> = shown
        .iter()
        .map(|one| Subject {
            name: one.name().to_owned(),
            online: one.node.is_online(),
            minutes: one.minutes.clone(),
        })
        .collect();
    let drawn = tokio::task::spawn_blocking(move || match subjects.as_slice() {
        [one] => picture::one(one, &legend),
        several => picture::several(several, &legend),
    });
    drawn
        .await
        .map_err(io::Error::other)?
        .map_err(io::Error::other)
}
