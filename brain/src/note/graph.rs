//! Which keys stand together: the graph of keys, as it has always been exported.

pub mod picture;

use std::collections::HashMap;

use serde::Serialize;

use super::exchange::PortableNote;
use super::fold::fold;

/// Keys of one note that are paired; a note has fewer.
const MOST_PAIRED: usize = 64;

/// A key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Counted from 1, the most used first.
    pub id: usize,
    /// As it was first written.
    pub key: String,
    /// In how many notes it stands.
    pub times: usize,
}

/// Two keys that stand together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Link {
    /// Id of one.
    pub src: usize,
    /// Id of the other.
    pub dest: usize,
    /// In how many notes.
    pub times: usize,
}

/// Keys and what links them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Graph {
    /// The keys, the most used first.
    pub keys: Vec<Key>,
    /// The links, the strongest first.
    pub links: Vec<Link>,
}

impl Graph {
    /// The graph of these notes. Keys that fold to the same are one.
    pub fn of(notes: &[PortableNote]) -> Self {
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut counted: Vec<(String, usize)> = Vec::new();
        let mut pairs: HashMap<(usize, usize), usize> = HashMap::new();
        for note in notes {
            let mut here: Vec<usize> = Vec::new();
            for key in &note.keys {
                let place = *places.entry(fold(key)).or_insert_with(|| {
                    counted.push((key.clone(), 0));
                    counted.len() - 1
                });
                if !here.contains(&place) {
                    counted[place].1 += 1;
                    here.push(place);
                }
            }
            here.truncate(MOST_PAIRED);
            here.sort_unstable();
            for (at, one) in here.iter().enumerate() {
                for other in &here[at + 1..] {
                    *pairs.entry((*one, *other)).or_default() += 1;
                }
            }
        }
        let mut order: Vec<usize> = (0..counted.len()).collect();
        order.sort_by_key(|place| (std::cmp::Reverse(counted[*place].1), *place));
        let mut ids = vec![0; counted.len()];
        for (id, place) in (1..).zip(&order) {
            ids[*place] = id;
        }
        let keys = order.iter().map(|place| Key {
            id: ids[*place],
            key: counted[*place].0.clone(),
            times: counted[*place].1,
        });
        let mut links: Vec<Link> = pairs
            .into_iter()
            .map(|((one, other), times)| Link {
                src: ids[one].min(ids[other]),
                dest: ids[one].max(ids[other]),
                times,
            })
            .collect();
        links.sort_by_key(|link| (std::cmp::Reverse(link.times), link.src, link.dest));
        Self {
            keys: keys.collect(),
            links,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_counted_alone_and_in_pairs() {
        let note = |keys: &[&str]| PortableNote {
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
            ..PortableNote::default()
        };
        let graph = Graph::of(&[
            note(&["db", "nginx"]),
            note(&["服务器", "Nginx", "db", "NGINX"]),
            note(&["服務器"]),
            note(&[]),
        ]);
        let keys: Vec<_> = graph
            .keys
            .iter()
            .map(|key| (key.id, key.key.as_str(), key.times))
            .collect();
        assert_eq!(keys, [(1, "db", 2), (2, "nginx", 2), (3, "服务器", 2)]);
        let links: Vec<_> = graph
            .links
            .iter()
            .map(|link| (link.src, link.dest, link.times))
            .collect();
        assert_eq!(links, [(1, 2, 2), (1, 3, 1), (2, 3, 1)]);
    }
}
