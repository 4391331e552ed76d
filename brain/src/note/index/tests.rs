#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::note::query::Query;

fn doc(number: u64, notebook: u64, text: &str) -> NoteDoc {
    NoteDoc {
        number,
        notebook,
        text: text.to_owned(),
        time_ms: i64::try_from(number).unwrap(),
        ..NoteDoc::default()
    }
}

fn change(sequence: i64, doc: NoteDoc) -> Change {
    Change {
        sequence,
        number: doc.number,
        doc: Some(doc),
    }
}

fn find(index: &NoteIndex, typed: &str, notebooks: &[u64]) -> Vec<u64> {
    let scope = Scope {
        notebooks: notebooks.to_vec(),
        ..Scope::default()
    };
    let found = index
        .search(&Query::parse(typed), &scope, &HashMap::new(), 0, 10)
        .unwrap();
    assert_eq!(found.total, found.hits.len(), "{typed}");
    let mut numbers: Vec<u64> = found.hits.into_iter().map(|hit| hit.number).collect();
    numbers.sort_unstable();
    numbers
}

const TEXTS: [&str; 8] = [
    "重启 nginx 之前先看 error.log 里有没有 emerg",
    "网关重启步骤：先停服务器web12，再启动",
    "伺服器維護手冊",
    "ＧＤＰ 增长百分之八",
    "The database refused the connection",
    "connection pool refused to grow",
    "中南海的天气很好",
    "银行系统上线计划",
];

/// Every query gives the same before a commit, after it, and when half is committed.
#[test]
fn what_waits_is_found_as_what_is_committed() {
    let cases: [(&str, &[u64]); 22] = [
        ("重启", &[1, 2]),
        ("重启 nginx", &[1]),
        ("重启nginx", &[1]),
        ("服务器", &[2]),
        ("伺服器", &[3]),
        ("维护", &[3]),
        ("gdp", &[4]),
        ("启", &[1, 2]),
        ("ngnix", &[1]),
        ("\"connection refused\"", &[]),
        ("\"refused the connection\"", &[5]),
        ("connection refused", &[5, 6]),
        ("connection -pool", &[5]),
        ("gdp OR nginx", &[1, 4]),
        ("conn*", &[5, 6]),
        ("web", &[2]),
        ("12", &[2]),
        ("fwq", &[2]),
        ("fuwuqi", &[2]),
        ("yinhang", &[8]),
        ("没有的词", &[]),
        ("海的天", &[7]),
    ];
    let changes: Vec<Change> = (1..)
        .zip(TEXTS)
        .map(|(number, text)| change(number, doc(u64::try_from(number).unwrap(), 1, text)))
        .collect();
    for committed in [0, 4, 8] {
        let folder = tempfile::tempdir().unwrap();
        let (index, opened) = NoteIndex::open(folder.path()).unwrap();
        assert_eq!(opened, Opened::Empty);
        index.apply(changes.clone());
        index.commit(committed).unwrap();
        for (typed, expected) in cases {
            assert_eq!(
                find(&index, typed, &[1]),
                expected,
                "{typed}, {committed} committed"
            );
        }
    }
}

#[test]
fn nobody_finds_what_is_in_notebooks_of_others() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = NoteIndex::open(folder.path()).unwrap();
    index.apply(vec![
        change(1, doc(1, 1, "secret plan")),
        change(2, doc(2, 2, "open plan")),
    ]);
    for sequence in [0, 1, 2] {
        index.commit(sequence).unwrap();
        assert_eq!(find(&index, "plan", &[2]), [2]);
        assert_eq!(find(&index, "secret", &[2]), Vec::<u64>::new());
        assert_eq!(find(&index, "plan", &[1, 2]), [1, 2]);
        assert_eq!(find(&index, "plan", &[]), Vec::<u64>::new());
    }
}

#[test]
fn changes_and_removals_count_at_once_and_after_a_commit() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = NoteIndex::open(folder.path()).unwrap();
    index.apply(vec![
        change(1, doc(1, 1, "old words")),
        change(2, doc(2, 1, "other words")),
    ]);
    index.commit(2).unwrap();
    let removal = Change {
        sequence: 4,
        number: 2,
        doc: None,
    };
    index.apply(vec![change(3, doc(1, 1, "new words")), removal]);
    for sequence in [2, 3, 4] {
        assert_eq!(find(&index, "old", &[1]), Vec::<u64>::new());
        assert_eq!(find(&index, "words", &[1]), [1]);
        assert_eq!(find(&index, "new", &[1]), [1]);
        index.commit(sequence).unwrap();
    }
    assert_eq!(index.waiting(), 0);
    assert_eq!(index.len(), 1);
}

#[test]
fn an_index_knows_what_it_holds_and_is_replaced_when_damaged() {
    let folder = tempfile::tempdir().unwrap();
    {
        let (index, _) = NoteIndex::open(folder.path()).unwrap();
        index.apply(vec![change(7, doc(1, 1, "kept"))]);
        index.commit(7).unwrap();
        index.apply(vec![change(8, doc(2, 1, "not committed"))]);
    }
    {
        let (index, opened) = NoteIndex::open(folder.path()).unwrap();
        assert_eq!(opened, Opened::UpTo(7));
        assert_eq!(find(&index, "kept", &[1]), [1]);
        assert_eq!(find(&index, "committed", &[1]), Vec::<u64>::new());
    }
    std::fs::write(folder.path().join("meta.json"), "{ not json").unwrap();
    let (index, opened) = NoteIndex::open(folder.path()).unwrap();
    assert_eq!(opened, Opened::Replaced);
    assert!(index.is_empty());
}

#[test]
fn filters_narrow_and_need_no_words() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = NoteIndex::open(folder.path()).unwrap();
    let mut with_file = doc(1, 1, "backup");
    with_file.has_file = true;
    with_file.tags = vec!["DB".into()];
    with_file.authors = vec![5];
    index.apply(vec![change(1, with_file), change(2, doc(2, 1, "backup"))]);
    let scope = Scope {
        notebooks: vec![1],
        ..Scope::default()
    };
    let narrow = [
        Scope {
            has_file: true,
            ..scope.clone()
        },
        Scope {
            tags: vec!["db".into()],
            ..scope.clone()
        },
        Scope {
            authors: vec![5],
            ..scope.clone()
        },
        Scope {
            until_ms: Some(2),
            ..scope.clone()
        },
    ];
    for sequence in [0, 2] {
        index.commit(sequence).unwrap();
        for typed in ["backup", "has:file"] {
            for scope in &narrow {
                let found = index
                    .search(&Query::parse(typed), scope, &HashMap::new(), 0, 10)
                    .unwrap();
                let numbers: Vec<u64> = found.hits.iter().map(|hit| hit.number).collect();
                assert_eq!((numbers, found.total), (vec![1], 1), "{typed} {scope:?}");
            }
        }
        let found = index
            .search(&Query::parse("after:2020"), &scope, &HashMap::new(), 0, 10)
            .unwrap();
        let newest: Vec<u64> = found.hits.iter().map(|hit| hit.number).collect();
        assert_eq!(newest, [2, 1]);
    }
}

/// What hostile or careless people type. All of it is answered, and finds nothing that it does not name.
#[test]
fn odd_queries_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = NoteIndex::open(folder.path()).unwrap();
    let changes = (1..).zip(TEXTS);
    index.apply(
        changes
            .map(|(number, text)| change(number, doc(u64::try_from(number).unwrap(), 1, text)))
            .collect(),
    );
    index.commit(4).unwrap();
    let wildcards = "*a*b*c".repeat(2_000);
    let alternatives = "x OR ".repeat(5_000);
    let brackets = "(".repeat(5_000);
    let nested = format!("{}nginx{}", "(".repeat(100), ")".repeat(100));
    let long = "服务器".repeat(4_000);
    let letters = "a".repeat(10_000);
    let prefixes = (b'a'..=b'z').fold(String::new(), |all, letter| {
        format!("{all}{}* OR ", char::from(letter))
    });
    for (typed, expected) in [
        ("AND OR NOT", &[][..]),
        ("- -- && || |", &[]),
        ("\"", &[]),
        ("\"\"\"", &[]),
        ("“nginx", &[1]),
        ("nginx\"", &[1]),
        ("\"nginx”", &[1]),
        ("\u{0}\u{1b}[31mnginx\u{7}", &[]),
        ("\u{202e}nginx\u{200f}", &[1]),
        ("*", &[]),
        ("?*?*", &[]),
        (&wildcards, &[]),
        (&alternatives, &[]),
        (&brackets, &[]),
        (&nested, &[1]),
        (&long, &[2]),
        (&letters, &[]),
        (&prefixes, &[1, 2, 4, 5, 6]),
        ("a{1000}{1000}{1000}*", &[]),
        ("(a+)+$ OR nginx", &[1]),
        ("nginx) OR (gdp", &[1, 4]),
        ("tag: nginx", &[]),
        ("after:9999-99 nginx", &[]),
        ("+nginx ^2 ~3 nginx~", &[]),
        ("👨‍👩‍👧‍👦 nginx", &[1]),
    ] {
        assert_eq!(find(&index, typed, &[1]), expected, "{typed:.60}");
    }
}

proptest! {
    #[test]
    fn any_query_of_odd_characters_is_answered(
        typed in "([a-z\"“”*()|&~^:\\\\/\\-+ 中文服务器\u{202e}\u{200d}]|OR |NOT |tag:|nb:|after:){0,60}",
    ) {
        static INDEX: std::sync::LazyLock<(tempfile::TempDir, NoteIndex)> =
            std::sync::LazyLock::new(|| {
                let folder = tempfile::tempdir().unwrap();
                let (index, _) = NoteIndex::open(folder.path()).unwrap();
                index.apply(vec![change(1, doc(1, 1, TEXTS[0])), change(2, doc(2, 1, TEXTS[1]))]);
                index.commit(1).unwrap();
                (folder, index)
            });
        let scope = Scope { notebooks: vec![1], ..Scope::default() };
        let found = INDEX.1.search(&Query::parse(&typed), &scope, &HashMap::new(), 0, 10);
        prop_assert!(found.is_ok_and(|found| found.total <= 2));
    }
}
