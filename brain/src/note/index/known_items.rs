//! Notes made here, of which it is known what they say: queries of all kinds must find just those.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::note::query::Query;

const NOTES: u64 = 400;

/// Words, in traditional characters, and as they sound.
const WORDS: [(&str, &str, &str, &str); 18] = [
    ("服务器", "服務器", "fuwuqi", "fwq"),
    ("数据库", "數據庫", "shujuku", "sjk"),
    ("防火墙", "防火牆", "fanghuoqiang", "fhq"),
    ("负载均衡", "負載均衡", "fuzaijunheng", "fzjh"),
    ("备份策略", "備份策略", "beifencelve", "bfcl"),
    ("监控系统", "監控系統", "jiankongxitong", "jkxt"),
    ("证书过期", "證書過期", "zhengshuguoqi", "zsgq"),
    ("磁盘空间", "磁盤空間", "cipankongjian", "cpkj"),
    ("网络延迟", "網絡延遲", "wangluoyanchi", "wlyc"),
    ("权限管理", "權限管理", "quanxianguanli", "qxgl"),
    ("发布流程", "發布流程", "fabuliucheng", "fblc"),
    ("回滚脚本", "回滾腳本", "huigunjiaoben", "hgjb"),
    ("日志文件", "日誌文件", "rizhiwenjian", "rzwj"),
    ("消息队列", "消息隊列", "xiaoxiduilie", "xxdl"),
    ("缓存失效", "緩存失效", "huancunshixiao", "hcsx"),
    ("域名解析", "域名解析", "yumingjiexi", "ymjx"),
    ("容器镜像", "容器鏡像", "rongqijingxiang", "rqjx"),
    ("音乐会", "音樂會", "yinyuehui", "yyh"),
];

/// Names as they are written, typed, and mistyped.
const NAMES: [(&str, &str, &str); 8] = [
    ("nginx", "nginx", "ngnix"),
    ("Postgres", "postgres", "postgers"),
    ("ＫＡＦＫＡ", "kafka", "kafkaa"),
    ("Grafana", "grafana", "gafana"),
    ("terraform", "terraform", "terrafrom"),
    ("Jenkins", "jenkins", "jenkihs"),
    ("haproxy", "haproxy", "haprxy"),
    ("consul", "consul", "conssul"),
];

/// Characters that each stand in a word of their own.
const SURNAMES: [&str; 5] = ["邱", "阮", "瞿", "裘", "鄢"];

/// What a note says: two words, a name and a surname.
struct Told {
    words: [usize; 2],
    name: usize,
    surname: usize,
}

impl Told {
    fn text(&self, number: u64) -> String {
        let [one, other] = self.words.map(|word| WORDS[word].0);
        let (name, surname) = (NAMES[self.name].0, SURNAMES[self.surname]);
        match number % 3 {
            0 => format!("今天检查了{one}，还要问{surname}工 {name} 的事，{other}明天再说"),
            1 => format!("{name}{one}有问题：先看{other}。值班：{surname}工"),
            _ => format!("{surname}工说，{other}和{one}都好了，{name}还没有"),
        }
    }
}

fn told() -> Vec<Told> {
    let mut state = 42_u64;
    let mut roll = |sides: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % sides
    };
    (0..NOTES)
        .map(|_| {
            let one = roll(WORDS.len());
            let other = (one + 1 + roll(WORDS.len() - 1)) % WORDS.len();
            Told {
                words: [one, other],
                name: roll(NAMES.len()),
                surname: roll(SURNAMES.len()),
            }
        })
        .collect()
}

/// Queries of all kinds, and which notes answer them.
fn queries(told: &[Told]) -> Vec<(&'static str, String, BTreeSet<u64>)> {
    let fitting = |fits: &dyn Fn(&Told) -> bool| -> BTreeSet<u64> {
        (0..)
            .zip(told)
            .filter(|(_, one)| fits(one))
            .map(|(number, _)| number)
            .collect()
    };
    let mut queries = Vec::new();
    for (word, (plain, traditional, pinyin, initials)) in WORDS.iter().enumerate() {
        let answers = fitting(&|one| one.words.contains(&word));
        for (kind, typed) in [
            ("word", (*plain).to_owned()),
            ("phrase", format!("\"{plain}\"")),
            ("traditional", (*traditional).to_owned()),
            ("pinyin", (*pinyin).to_owned()),
            ("initials", (*initials).to_owned()),
        ] {
            queries.push((kind, typed, answers.clone()));
        }
        let other = (word + 5) % WORDS.len();
        let both = fitting(&|one| one.words.contains(&word) && one.words.contains(&other));
        queries.push(("two", format!("{plain} {}", WORDS[other].0), both));
        for (name, (_, typed, _)) in NAMES.iter().enumerate() {
            let both = fitting(&|one| one.words.contains(&word) && one.name == name);
            queries.push(("mixed", format!("{plain}{typed}"), both));
        }
    }
    for (name, (_, typed, mistyped)) in NAMES.iter().enumerate() {
        let answers = fitting(&|one| one.name == name);
        queries.push(("latin", (*typed).to_owned(), answers.clone()));
        queries.push(("typo", (*mistyped).to_owned(), answers));
    }
    for (surname, typed) in SURNAMES.iter().enumerate() {
        let answers = fitting(&|one| one.surname == surname);
        queries.push(("character", (*typed).to_owned(), answers));
    }
    queries
}

#[test]
fn notes_are_found_by_all_that_people_type() {
    let told = told();
    let folder = tempfile::tempdir().unwrap();
    let (index, _) = NoteIndex::open(folder.path()).unwrap();
    let changes = (0..).zip(&told).map(|(number, one)| Change {
        sequence: i64::try_from(number).unwrap(),
        number,
        doc: Some(NoteDoc {
            number,
            notebook: 1,
            text: one.text(number),
            ..NoteDoc::default()
        }),
    });
    index.apply(changes.collect());
    let scope = Scope {
        notebooks: vec![1],
        ..Scope::default()
    };
    // Half of them wait for a commit, then none does.
    for committed in [200, 400] {
        index.commit(committed).unwrap();
        let mut missed: HashMap<&str, Vec<String>> = HashMap::new();
        for (kind, typed, answers) in queries(&told) {
            let found = index
                .search(&Query::parse(&typed), &scope, &HashMap::new(), 0, 400)
                .unwrap();
            let numbers: BTreeSet<u64> = found.hits.iter().map(|hit| hit.number).collect();
            assert_eq!(
                numbers.len(),
                found.total,
                "{typed}: a note was found twice"
            );
            let (less, more) = (
                answers.difference(&numbers).count(),
                numbers.difference(&answers).count(),
            );
            if less + more > 0 && !answers.is_empty() {
                let said = format!("{typed}: {less} of {} missing, {more} wrong", answers.len());
                missed.entry(kind).or_default().push(said);
            }
        }
        assert!(missed.is_empty(), "{committed} committed: {missed:#?}");
    }
}
