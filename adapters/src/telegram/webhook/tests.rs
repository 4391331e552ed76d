#![expect(clippy::unwrap_used, reason = "tests")]

use teloxide::Bot;

use super::*;
use crate::adapter::Inbox;
use crate::telegram::inbound::Myself;
use crate::telegram::intake::Presses;

const UPDATE: &str = r#"{"update_id":900,"message":{"message_id":5,"date":1,"text":"hi",
    "chat":{"id":7,"type":"private","first_name":"Ann"},
    "from":{"id":7,"is_bot":false,"first_name":"Ann"}}}"#;

fn door(inbox: Inbox) -> Arc<Door> {
    let myself = Myself {
        id: 42,
        name: "jarvis_bot".to_owned(),
    };
    let intake = Intake {
        myself,
        presses: Presses::new(Bot::new("1:x")),
        inbox,
    };
    Arc::new(Door {
        intake,
        secret: SecretString::from("right"),
    })
}

async fn knock(door: &Arc<Door>, secret: Option<&str>, body: &'static str) -> StatusCode {
    let mut headers = HeaderMap::new();
    if let Some(secret) = secret {
        headers.insert(SECRET_HEADER, secret.parse().unwrap());
    }
    update(
        State(door.clone()),
        headers,
        Bytes::from_static(body.as_bytes()),
    )
    .await
}

#[tokio::test]
async fn only_who_knows_the_secret_is_heard() {
    let (inbox, mut deliveries, _) = Inbox::channel(1);
    let door = door(inbox);
    for secret in [None, Some(""), Some("wrong"), Some("right ")] {
        assert_eq!(
            knock(&door, secret, UPDATE).await,
            StatusCode::UNAUTHORIZED,
            "{secret:?}"
        );
    }
    assert_eq!(
        knock(&door, Some("right"), "no update").await,
        StatusCode::BAD_REQUEST
    );
    assert!(deliveries.try_recv().is_err());
}

#[tokio::test]
async fn success_is_said_only_after_the_brain_has_stored_the_event() {
    let (inbox, mut deliveries, _) = Inbox::channel(1);
    let door = door(inbox);
    let brain = async {
        let accepted = deliveries.recv().await.unwrap();
        assert_eq!(accepted.event.id, "900");
        accepted.accepted.send(()).unwrap();
        drop(deliveries.recv().await.unwrap());
        deliveries
    };
    let telegram = async {
        assert_eq!(knock(&door, Some("right"), UPDATE).await, StatusCode::OK);
        assert_eq!(
            knock(&door, Some("right"), UPDATE).await,
            StatusCode::SERVICE_UNAVAILABLE
        );
    };
    tokio::join!(brain, telegram);
}
