//! A platform that is away while much is to be said, and nobody lives through it.

use std::time::Duration;

use jarvis_tests::jarvis::Jarvis;
use jarvis_tests::process::{PATIENCE, free_port};
use jarvis_tests::qq::onebot::OneBot;
use jarvis_tests::qq::{FakeQq, Person, Place};
use jarvis_tests::qq_official;
use tokio::time::{Instant, sleep};

/// Rooms, and what is asked in each.
const ROOMS: usize = 6;
const EACH: usize = 40;
/// New messages a second in one room that are allowed, in the configuration.
const RATE: u32 = 10;

/// The words in a room that answer ours, in order.
fn answers(qq: &FakeQq, place: Place) -> Vec<String> {
    let history = qq.history(place).into_iter();
    let ours = history.filter(|entry| entry.from == qq.account());
    ours.map(|entry| entry.text)
        .filter(|text| text.contains("word-"))
        .map(|text| text[text.find("word-").unwrap()..].trim().to_owned())
        .collect()
}

#[tokio::test]
async fn what_waits_for_qq_outlives_brain_and_adapter_and_comes_once_in_order_at_its_pace() {
    let qq = FakeQq::new();
    let mut onebot = OneBot::start(&qq).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let keys = format!(
        "transport = \"http\"\nurl = \"{}\"\nlisten = \"{here}\"\nroom_per_second = {RATE}\n",
        onebot.http_url()
    );
    jarvis
        .configure_qq_with(onebot.token().as_deref(), &keys)
        .unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
    qq.hears("get_version_info", 0).await;
    onebot.posts_to(&format!("http://{here}/"), None);
    let people: Vec<Person> = (0..ROOMS)
        .map(|number| qq.person(&format!("Ann {number}")))
        .collect();
    // One of the rooms is a group.
    let group = qq.group("ops");
    let rooms: Vec<Place> = std::iter::once(group)
        .chain(people.iter().skip(1).map(Person::room))
        .collect();
    for (person, room) in people.iter().zip(&rooms) {
        person.says("/start");
        person.sees("I don't know you yet").await;
        assert!(answers(&qq, *room).is_empty());
    }
    onebot.has_posted(ROOMS).await;

    // QQ takes no calls any more; what people say still comes.
    onebot.set_down(true);
    for number in 0..EACH {
        for (person, room) in people.iter().zip(&rooms) {
            let ask = format!("/ping word-{number}");
            match room {
                Place::Private(_) => person.says(&ask),
                Place::Group(_) => person.asks_in(*room, &ask),
            };
        }
    }
    onebot.has_posted(ROOMS + ROOMS * EACH).await;
    adapter.kill().await.unwrap();
    brain.kill().await.unwrap();
    brain = jarvis.brain().await.unwrap();
    adapter = jarvis.start(&["adapter", "onebot"]).unwrap();
    assert!(rooms.iter().all(|room| answers(&qq, *room).is_empty()));

    // QQ is back; in the middle of catching up the brain dies once more.
    let heard = qq.calls().len();
    onebot.set_down(false);
    people[1].sees("word-15").await;
    brain.kill().await.unwrap();
    brain = jarvis.brain().await.unwrap();
    let wanted: Vec<String> = (0..EACH).map(|number| format!("word-{number}")).collect();
    let last = wanted.last().unwrap();
    for (person, room) in people.iter().zip(&rooms) {
        person.sees_in(*room, last).await;
    }
    for room in &rooms {
        assert_eq!(answers(&qq, *room), wanted, "{room:?}");
    }
    // Not faster than allowed: what a bucket holds at once comes at once, and the rest takes its time.
    let calls = qq.calls().split_off(heard);
    for person in &people[1..] {
        let times: Vec<_> = calls
            .iter()
            .filter(|call| call.action == "send_private_msg")
            .filter(|call| call.params["user_id"] == person.id())
            .map(|call| call.at)
            .collect();
        assert!(times.len() >= EACH, "{}", times.len());
        let burst = RATE as usize;
        for window in times.windows(2 * burst + 1) {
            let took = window[2 * burst].duration_since(window[0]);
            // One bucket, and one that was filled meanwhile; half of it, for one call may be late.
            assert!(took >= Duration::from_millis(500), "{took:?}");
        }
    }
    assert!(qq.complaints().is_empty(), "{:?}", qq.complaints());
    let log = adapter.everything();
    assert!(!log.contains("did not begin with a welcome"), "{log}");
    // Nothing comes after that.
    people[1].says("/version");
    people[1].sees("Jarvis 0.").await;
    assert_eq!(answers(&qq, rooms[1]), wanted);
    drop((brain, adapter));
}

/// The official bot, which QQ calls: each answer still names the message that it answers, so that none of
/// the few unasked ones is spent.
#[tokio::test]
async fn what_waits_for_the_official_qq_comes_once_in_order_each_as_an_answer() {
    const CALLS: usize = 40;
    let settings = qq_official::Settings {
        patience: Duration::from_secs(120),
        ..qq_official::Settings::default()
    };
    let qq = qq_official::FakeQq::start_with(settings).await.unwrap();
    let jarvis = Jarvis::new().unwrap();
    jarvis.configure_qq_official(&qq).unwrap();
    jarvis.configure("qq", "mode = \"webhook\"\n").unwrap();
    let here = format!("127.0.0.1:{}", free_port().unwrap());
    let url = format!("http://{here}/qq");
    let keys = format!("listen = \"{here}\"\nurl = \"{url}\"\n");
    jarvis.configure("qq.webhook", &keys).unwrap();
    let keys = format!("calls_per_second = {CALLS}\n");
    jarvis.configure("qq.limits", &keys).unwrap();
    let mut brain = jarvis.brain().await.unwrap();
    let mut adapter = jarvis.start(&["adapter", "qq"]).unwrap();
    adapter.logs("QQ may call this webhook").await.unwrap();
    qq.set_webhook(&url).await.unwrap();
    let people: Vec<qq_official::Person> = (0..ROOMS)
        .map(|number| qq.person(&format!("Ann{number}")))
        .collect();
    for person in &people {
        person.says("/start");
        person.sees("I don't know you yet").await;
    }

    // The API answers nothing any more; what people say still comes.
    qq.is_down(true);
    let mut asked = vec![Vec::new(); ROOMS];
    for number in 0..EACH {
        for (person, asked) in people.iter().zip(&mut asked) {
            asked.push(person.says(&format!("/ping word-{number}")));
        }
    }
    let until = Instant::now() + PATIENCE;
    while qq.events_waiting() > 0 {
        assert!(Instant::now() < until, "{} wait", qq.events_waiting());
        sleep(Duration::from_millis(20)).await;
    }
    adapter.kill().await.unwrap();
    brain.kill().await.unwrap();
    brain = jarvis.brain().await.unwrap();
    adapter = jarvis.start(&["adapter", "qq"]).unwrap();

    let heard = qq.calls().len();
    qq.is_down(false);
    people[1].sees("word-15").await;
    brain.kill().await.unwrap();
    brain = jarvis.brain().await.unwrap();
    for person in &people {
        person.sees(&format!("word-{}", EACH - 1)).await;
    }
    for (person, asked) in people.iter().zip(&asked) {
        let log = person.log().into_iter();
        let ours = log.filter(|entry| entry.from.is_empty() && entry.text.contains("word-"));
        let (texts, answers): (Vec<String>, Vec<Option<String>>) =
            ours.map(|entry| (entry.text, entry.answers)).unzip();
        for (number, text) in texts.iter().enumerate() {
            assert!(text.ends_with(&format!("word-{number}")), "{texts:?}");
        }
        let wanted: Vec<Option<String>> = asked.iter().cloned().map(Some).collect();
        assert_eq!(answers, wanted);
    }
    let calls = qq.calls().split_off(heard);
    let times: Vec<_> = calls
        .iter()
        .filter(|call| call.what == "messages" && call.status == 200)
        .map(|call| call.at)
        .collect();
    assert_eq!(times.len(), ROOMS * EACH);
    for window in times.windows(2 * CALLS + 1) {
        let took = window[2 * CALLS].duration_since(window[0]);
        // One bucket, and one that was filled meanwhile; half of it, for one call may be late.
        assert!(took >= Duration::from_millis(500), "{took:?}");
    }
    drop((brain, adapter));
}
