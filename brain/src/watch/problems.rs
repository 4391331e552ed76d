//! What is not well with nodes, and what to do about it: lines for `health`.

use crate::command::target::listed;
use crate::fleet::FleetNode;
use crate::text::outcome::Mark;
use crate::text::{Language, Text, format, text};

/// Fuller than this is worth a line: disk and memory, in per cent.
const FULL: (u64, u64) = (90, 95);
/// Nodes of one problem that are named with their numbers.
const NAMED: usize = 5;

/// The problems of these nodes, one line each.
pub(crate) fn problems(language: Language, nodes: &[FleetNode]) -> Vec<Text> {
    let mut lines = Vec::new();
    let away = nodes.iter().filter(|node| !node.is_online());
    if away.clone().any(|node| node.record.last_seen_ms > 0) {
        lines.push(text!(language, "health-away-advice"));
    }
    let mark = || Mark::Bad.to_string();
    let disks = full(nodes, FULL.0, |load| {
        (load.disk_used_bytes, load.disk_total_bytes)
    });
    for (node, share, used, total) in disks.iter().take(NAMED) {
        lines.push(text!(
            language,
            "health-disk",
            mark = mark(),
            node = *node,
            share = *share,
            used = format::bytes(*used),
            total = format::bytes(*total),
            advice = Text::code(&format!("run {node} df -h")),
        ));
    }
    let memories = full(nodes, FULL.1, |load| {
        (load.memory_used_bytes, load.memory_total_bytes)
    });
    for (node, share, used, total) in memories.iter().take(NAMED) {
        lines.push(text!(
            language,
            "health-memory",
            mark = mark(),
            node = *node,
            share = *share,
            used = format::bytes(*used),
            total = format::bytes(*total),
            advice = Text::code(&format!("top {node}")),
        ));
    }
    for (all, key) in [(disks, true), (memories, false)] {
        let more = all.iter().skip(NAMED).map(|(node, ..)| (*node).to_owned());
        let more: Vec<String> = more.collect();
        if more.is_empty() {
            continue;
        }
        let nodes = listed(language, &more);
        lines.push(if key {
            text!(language, "health-disk-more", nodes = nodes)
        } else {
            text!(language, "health-memory-more", nodes = nodes)
        });
    }
    lines
}

/// The nodes that are fuller than `limit` per cent: name, per cent, used, all.
fn full(
    nodes: &[FleetNode],
    limit: u64,
    of: impl Fn(&jarvis_proto::node::Load) -> (u64, u64),
) -> Vec<(&str, u64, u64, u64)> {
    nodes
        .iter()
        .filter(|node| node.is_online())
        .filter_map(|node| {
            let (used, total) = of(node.status.as_ref()?.load.as_ref()?);
            let share = u128::from(used) * 100 / u128::from(total.max(1));
            let share = u64::try_from(share).unwrap_or(u64::MAX).min(100);
            (share > limit && total > 0).then_some((node.record.name.as_str(), share, used, total))
        })
        .collect()
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jarvis_nodeclient::{Identity, NodeName, NodeStatus};
    use jarvis_proto::node::Load;

    use super::*;
    use crate::store::NodeRecord;

    fn node(name: &str, online: bool, disk: u64, memory: u64) -> FleetNode {
        let address = Identity::generate().address().clone();
        FleetNode {
            record: NodeRecord {
                address: address.to_string(),
                name: name.to_owned(),
                tags: Vec::new(),
                dial: String::new(),
                enrolled_ms: 0,
                facts: Vec::new(),
                last_seen_ms: 1,
            },
            status: Some(NodeStatus {
                name: NodeName::parse(name).unwrap(),
                address,
                online,
                since_ms: 0,
                last_seen_ms: None,
                incarnation: None,
                facts: None,
                load: Some(Load {
                    disk_used_bytes: disk * 1_000_000_000,
                    disk_total_bytes: 100_000_000_000,
                    memory_used_bytes: memory * 1_000_000_000,
                    memory_total_bytes: 100_000_000_000,
                    ..Load::default()
                }),
                peer: None,
                clock_offset_ms: 0,
                round_trip: None,
            }),
        }
    }

    #[test]
    fn full_disks_and_memories_get_a_line_each() {
        let nodes = [
            node("web-1", true, 93, 40),
            node("web-2", true, 90, 96),
            node("old", false, 99, 99),
        ];
        let lines: Vec<String> = problems(Language::En, &nodes)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(
            lines[1].contains("web-1") && lines[1].contains("93 %"),
            "{lines:?}"
        );
        assert!(
            lines[2].contains("web-2") && lines[2].contains("96 %"),
            "{lines:?}"
        );
        assert!(problems(Language::En, &nodes[..0]).is_empty());
    }

    #[test]
    fn many_of_a_kind_share_a_line() {
        let nodes: Vec<FleetNode> = (0..30)
            .map(|number| node(&format!("web-{number}"), true, 95, 10))
            .collect();
        let lines = problems(Language::En, &nodes);
        assert_eq!(lines.len(), NAMED + 1);
        assert!(lines[NAMED].to_string().contains("and 13 more"));
    }
}
