//! What rooms decided about translation, and each translation made once, told of once, counted.

use super::*;
use crate::translate::settings::{Goal, RoomTranslation, Term};
use crate::translate::tongue::Tongue;
use crate::translate::work::{Origin, Style, Work};

contract!(
    a_translation_is_taken_once_and_told_of_once,
    rooms_and_characters_are_kept,
    a_shown_message_leads_to_its_original,
);

fn room_named(name: &str) -> RoomKey {
    RoomKey {
        bot: BotKey {
            kind: "console".to_owned(),
            bot: "b".to_owned(),
        },
        room: name.to_owned(),
        thread: String::new(),
    }
}

fn work(id: &str, message: &str, account: &Account) -> Work {
    Work {
        id: id.to_owned(),
        room: room_named("here"),
        kind: RoomKind::Group,
        origin: Origin {
            room: room_named("here"),
            message: message.to_owned(),
        },
        author: "李雷".to_owned(),
        person: "7".to_owned(),
        account: account.id.clone(),
        text: "好了".to_owned(),
        goals: vec![Goal {
            to: Tongue::EN,
            engine: None,
            round_trip: true,
        }],
        local_only: true,
        style: Style::Here,
        language: "zh".to_owned(),
        received_ms: NOW,
        context: Some(("token".to_owned(), NOW + 1)),
        is_delayed: false,
    }
}

async fn commit(store: &Store, ops: Vec<Op>) -> Committed {
    store.commit(Unit::of(ops)).await.unwrap()
}

fn take(id: &str) -> Op {
    Op::Require(Condition::TakeTranslation { id: id.to_owned() })
}

async fn a_translation_is_taken_once_and_told_of_once(place: &Place) {
    let store = place.open().await;
    let ann = store.identify(person("Ann"), NOW).await.unwrap().1;
    let (one, two, three) = (
        work("1", "m1", &ann),
        work("2", "m1", &ann),
        work("3", "m2", &ann),
    );
    let put = |work: &Work| Op::PutTranslation(Box::new(work.clone()));
    commit(&store, vec![put(&one), put(&two), put(&three)]).await;
    let waiting = store.translations(10).await.unwrap();
    assert_eq!(waiting, [one.clone(), two, three.clone()]);
    let delay = |id: &str| {
        let id = id.to_owned();
        vec![Op::Require(Condition::DelayTranslation { id })]
    };
    assert_eq!(commit(&store, delay("3")).await, Committed::Applied);
    assert_eq!(commit(&store, delay("3")).await, Committed::Unmet);
    assert!(store.translations(10).await.unwrap()[2].is_delayed);
    assert_eq!(commit(&store, vec![take("3")]).await, Committed::Applied);
    assert_eq!(commit(&store, vec![take("3")]).await, Committed::Unmet);
    assert_eq!(commit(&store, delay("3")).await, Committed::Unmet);
    // What was said before its change is not said any more.
    let origin = one.origin.mark();
    commit(&store, vec![Op::DropTranslations { origin }]).await;
    assert_eq!(commit(&store, vec![take("1")]).await, Committed::Unmet);
    assert_eq!(store.translations(10).await.unwrap(), []);
}

async fn rooms_and_characters_are_kept(place: &Place) {
    let store = place.open().await;
    let ann = store.identify(person("Ann"), NOW).await.unwrap().1;
    let bob = store.identify(person("Bob"), NOW).await.unwrap().1;
    let mut settings = RoomTranslation {
        languages: vec![Tongue::ZH, Tongue::EN],
        ..RoomTranslation::default()
    };
    settings.glossary.push(Term {
        word: "节点".to_owned(),
        becomes: Some("node".to_owned()),
        tongue: None,
    });
    let keep = |settings: &RoomTranslation| {
        vec![Op::PutTranslationRoom {
            room: room_named("here"),
            settings: Box::new(settings.clone()),
        }]
    };
    commit(&store, keep(&settings)).await;
    settings.local_only = true;
    commit(&store, keep(&settings)).await;
    let rooms = store.translation_rooms().await.unwrap();
    assert_eq!(rooms, [(room_named("here"), settings)]);
    commit(&store, keep(&RoomTranslation::default())).await;
    assert_eq!(store.translation_rooms().await.unwrap(), []);
    let count = |month: &str, engine: &str, who: &Account, room: &str, characters| {
        Op::CountTranslation(Box::new(TranslationCount {
            month: month.to_owned(),
            engine: engine.to_owned(),
            account: who.id.clone(),
            room: room_named(room),
            characters,
        }))
    };
    let counts = vec![
        count("2026-11", "home", &ann, "here", 10),
        count("2026-11", "home", &ann, "here", 5),
        count("2026-11", "spare", &ann, "there", 2),
        count("2026-11", "home", &bob, "here", 100),
        count("2026-10", "home", &ann, "here", 1_000),
    ];
    commit(&store, counts).await;
    let here = room_named("here");
    let spent = store.translation_spent("2026-11").await.unwrap();
    assert_eq!(spent, [("home".to_owned(), 115), ("spare".to_owned(), 2)]);
    let used = store.translation_used("2026-11", &ann.id, &here).await;
    assert_eq!(used.unwrap(), (17, 115));
    let used = store.translation_used("2026-12", &ann.id, &here).await;
    assert_eq!(used.unwrap(), (0, 0));
    let listed = store.translation_counts("2026-11", 2).await.unwrap();
    let sums: Vec<i64> = listed.iter().map(|count| count.characters).collect();
    assert_eq!(sums, [100, 15]);
}

async fn a_shown_message_leads_to_its_original(place: &Place) {
    let store = place.open().await;
    let origin = Origin {
        room: room_named("here"),
        message: "m1".to_owned(),
    };
    let shown = |room: &str| {
        Op::Progress(ProgressObject {
            key: origin.key_in(&room_named(room)),
            message_id: "99".to_owned(),
        })
    };
    commit(&store, vec![shown("here"), shown("there")]).await;
    for room in ["here", "there"] {
        let key = origin.key_in(&room_named(room));
        let prefix = key.strip_suffix(&origin.mark()).unwrap().to_owned();
        let found = store.translation_shown_by(&prefix, "99").await.unwrap();
        assert_eq!(found.as_deref(), Some(key.as_str()));
        assert_eq!(
            store.translation_shown_by(&prefix, "98").await.unwrap(),
            None
        );
        assert!(!store.is_on_its_way(&key).await.unwrap());
    }
}
