//! What goes on in a session, and how sessions end.

use std::time::{Duration, Instant};

use jarvis_nodeclient::{
    DisconnectReason, Enrolment, Identity, OrderSpec, RootEvent, RootMessage, RootOptions,
    SendError, TcpDialer, check_order, unix_ms,
};
use jarvis_proto::node::{
    Accepted, Ended, Heartbeat, Load, Progress, Refused, RunJob, Unknown, node_frame, order,
};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use uuid::Uuid;

use crate::net::{LIMIT, Net, attach, hello, loopback, name};

fn spec(script: &str) -> OrderSpec {
    OrderSpec {
        id: Uuid::now_v7().to_string(),
        issued_ms: unix_ms(),
        expires_ms: unix_ms() + 60_000,
        body: order::Body::Run(RunJob {
            script: script.into(),
            ..RunJob::default()
        }),
    }
}

#[tokio::test]
async fn an_order_goes_out_and_its_story_comes_back() {
    let mut net = Net::new().await;
    let (link, mut inbox) = net.connected().await;
    let web = name("web-1");
    let signed = net.root.sign(net.node.address(), spec("echo hi"));
    net.root.send(&web, &signed).await.unwrap();
    let Some(RootMessage::Order(got)) = timeout(LIMIT, inbox.recv()).await.unwrap() else {
        panic!("the order comes");
    };
    assert_eq!(got, signed);
    let root = net.root.address();
    let now = unix_ms() + link.root_clock_offset_ms();
    let checked = check_order(&got, net.node.address(), |from| *from == root, now).unwrap();
    let order = checked.order.id;

    let accepted = Accepted {
        order: order.clone(),
        time_ms: 1,
    };
    let progress = Progress {
        order: order.clone(),
        elapsed_ms: 2,
        ..Progress::default()
    };
    let ended = Ended {
        order: order.clone(),
        ended_ms: 3,
        ..Ended::default()
    };
    let refused = Refused {
        order: order.clone(),
        ..Refused::default()
    };
    let unknown = Unknown {
        order: order.clone(),
    };
    for frame in [
        node_frame::Frame::Accepted(accepted.clone()),
        node_frame::Frame::Progress(progress.clone()),
        node_frame::Frame::Ended(ended.clone()),
        node_frame::Frame::Refused(refused.clone()),
        node_frame::Frame::Unknown(unknown.clone()),
    ] {
        link.send(frame).await.unwrap();
    }
    let node = web.clone();
    assert_eq!(
        net.event().await,
        RootEvent::Accepted {
            node: node.clone(),
            accepted
        }
    );
    assert_eq!(
        net.event().await,
        RootEvent::Progress {
            node: node.clone(),
            progress
        }
    );
    assert_eq!(
        net.event().await,
        RootEvent::Ended {
            node: node.clone(),
            ended: ended.into()
        }
    );
    assert_eq!(
        net.event().await,
        RootEvent::Refused {
            node: node.clone(),
            refused
        }
    );
    assert_eq!(net.event().await, RootEvent::Unknown { node, unknown });

    net.root.acknowledge(&web, &order).await.unwrap();
    net.root.reconcile(&web, vec![order.clone()]).await.unwrap();
    assert_eq!(
        inbox.recv().await,
        Some(RootMessage::EndedAck(order.clone()))
    );
    assert_eq!(
        inbox.recv().await,
        Some(RootMessage::Reconcile(vec![order]))
    );
}

#[tokio::test]
async fn what_cannot_be_sent_says_why() {
    let net = Net::new().await;
    let signed = net.root.sign(net.node.address(), spec("id"));
    let offline = net.root.send(&name("web-1"), &signed).await;
    assert!(matches!(offline, Err(SendError::Offline { .. })));
    let unknown = net.root.send(&name("web-2"), &signed).await;
    assert_eq!(unknown, Err(SendError::UnknownNode(name("web-2"))));
    let large = net
        .root
        .sign(net.node.address(), spec(&"x".repeat(4 << 20)));
    let refused = net.root.send(&name("web-1"), &large).await;
    assert!(matches!(refused, Err(SendError::TooLarge { .. })));
}

#[tokio::test]
async fn the_largest_order_goes_through() {
    let mut net = Net::new().await;
    let (_link, mut inbox) = net.connected().await;
    let signed = net
        .root
        .sign(net.node.address(), spec(&"x".repeat((3 << 20) - 1000)));
    net.root.send(&name("web-1"), &signed).await.unwrap();
    let got = timeout(LIMIT, inbox.recv()).await.unwrap();
    assert_eq!(got, Some(RootMessage::Order(signed)));
}

#[tokio::test]
async fn a_newer_session_replaces_a_half_open_one() {
    let mut net = Net::new().await;
    let (old, _old_inbox) = net.connected().await;
    let (new, _new_inbox) = attach(&net.tcp(), &net.node, &net.root.address(), hello("two"))
        .await
        .unwrap();
    let node = name("web-1");
    let reason = DisconnectReason::Replaced;
    assert_eq!(net.event().await, RootEvent::Disconnected { node, reason });
    let RootEvent::Connected {
        same_incarnation,
        status,
        ..
    } = net.event().await
    else {
        panic!("the newer session comes after the end of the older one");
    };
    assert!(!same_incarnation && status.online);
    let closed = timeout(LIMIT, old.closed()).await.unwrap();
    assert!(closed.to_string().contains("newer session"), "{closed}");
    assert!(!new.is_closed());
    assert!(net.root.node(&name("web-1")).unwrap().online);
}

/// Forwards one connection until told to go deaf; it never closes either end.
async fn forwarder_that_goes_deaf(
    to: std::net::SocketAddr,
) -> (TcpDialer, tokio::sync::oneshot::Sender<()>) {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let dialer = TcpDialer::new(listener.local_addr().unwrap().to_string());
    let (deaf, told) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        let (mut node, _) = listener.accept().await.unwrap();
        let mut root = TcpStream::connect(to).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut node, &mut root) => {}
            _ = told => {}
        }
        std::future::pending::<()>().await;
    });
    (dialer, deaf)
}

#[tokio::test]
async fn a_node_behind_a_dead_line_comes_back_on_another() {
    let mut net = Net::new().await;
    let (dialer, deaf) = forwarder_that_goes_deaf(net.at).await;
    let (old, _old_inbox) = net.attach(&dialer).await.unwrap();
    assert!(matches!(net.event().await, RootEvent::Connected { .. }));
    deaf.send(()).unwrap();
    let (_new, _inbox) = net.attach(&net.tcp()).await.unwrap();
    let node = name("web-1");
    let reason = DisconnectReason::Replaced;
    assert_eq!(net.event().await, RootEvent::Disconnected { node, reason });
    let RootEvent::Connected {
        same_incarnation, ..
    } = net.event().await
    else {
        panic!("the node is back");
    };
    assert!(same_incarnation);
    timeout(LIMIT, old.close("nobody hears it"))
        .await
        .expect("a farewell is bounded");
}

#[tokio::test]
async fn both_ends_notice_a_dead_line() {
    let heartbeat = Duration::from_millis(50);
    let mut net = Net::with(RootOptions {
        heartbeat,
        ..RootOptions::default()
    })
    .await;
    let (dialer, deaf) = forwarder_that_goes_deaf(net.at).await;
    let (link, _inbox) = net.attach(&dialer).await.unwrap();
    assert!(matches!(net.event().await, RootEvent::Connected { .. }));
    deaf.send(()).unwrap();
    let node = name("web-1");
    let reason = DisconnectReason::Silent;
    assert_eq!(net.event().await, RootEvent::Disconnected { node, reason });
    let closed = timeout(LIMIT, link.closed()).await.unwrap();
    assert!(closed.to_string().contains("silent"), "{closed}");
}

#[tokio::test]
async fn many_sessions_of_one_node_leave_one() {
    let mut net = Net::new().await;
    let mut links = vec![];
    for _ in 0..5 {
        links.push(net.attach(&net.tcp()).await.unwrap());
    }
    let mut online = 0;
    for _ in 0..9 {
        match net.event().await {
            RootEvent::Connected { .. } => online += 1,
            RootEvent::Disconnected { .. } => online -= 1,
            other => panic!("{other:?}"),
        }
        assert!((0..=1).contains(&online), "one session at a time");
    }
    assert_eq!(online, 1);
}

#[tokio::test]
async fn heartbeats_and_pings_keep_a_session_and_tell_of_the_node() {
    let heartbeat = Duration::from_millis(300);
    let mut net = Net::with(RootOptions {
        heartbeat,
        ..RootOptions::default()
    })
    .await;
    let (link, inbox) = net.connected().await;
    assert_eq!(link.heartbeat(), heartbeat);
    // Its answers to pings keep it, and tell the round trip.
    while net.root.node(&name("web-1")).unwrap().round_trip.is_none() {
        tokio::task::yield_now().await;
    }
    let load = Load {
        load1: 0.5,
        time_ms: unix_ms() + 5_000,
        ..Load::default()
    };
    link.send(node_frame::Frame::Heartbeat(Heartbeat { load: Some(load) }))
        .await
        .unwrap();
    let status = loop {
        let status = net.root.node(&name("web-1")).unwrap();
        if status.load.is_some() {
            break status;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(status.load, Some(load));
    assert!(
        (4_000..6_000).contains(&status.clock_offset_ms),
        "{}",
        status.clock_offset_ms
    );
    assert!(net.events.is_empty());
    drop((link, inbox));
    assert!(matches!(net.event().await, RootEvent::Disconnected { .. }));
    assert!(!net.root.node(&name("web-1")).unwrap().online);
}

#[tokio::test]
async fn a_goodbye_is_heard_on_both_sides() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    link.close("restarting").await;
    let reason = DisconnectReason::Goodbye("restarting".into());
    assert_eq!(
        net.event().await,
        RootEvent::Disconnected {
            node: name("web-1"),
            reason
        }
    );
    assert!(
        link.send(node_frame::Frame::Heartbeat(Heartbeat::default()))
            .await
            .is_err()
    );

    let (link, mut inbox) = net.connected().await;
    assert!(net.root.forget(&name("web-1")));
    let reason = DisconnectReason::Forgotten;
    assert_eq!(
        net.event().await,
        RootEvent::Disconnected {
            node: name("web-1"),
            reason
        }
    );
    let closed = timeout(LIMIT, link.closed()).await.unwrap();
    assert!(closed.to_string().contains("forgotten"), "{closed}");
    assert_eq!(inbox.recv().await, None);
    assert!(net.root.nodes().is_empty());
}

#[tokio::test]
async fn a_renamed_node_goes_by_its_new_name_in_the_same_session() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let other = Identity::generate();
    net.root
        .enroll(Enrolment::new(name("taken"), other.address().clone()));
    assert!(!net.root.rename(&name("web-1"), &name("taken")));
    assert!(!net.root.rename(&name("nobody"), &name("free")));
    assert!(net.root.rename(&name("web-1"), &name("front")));
    let unknown = Unknown { order: "x".into() };
    link.send(node_frame::Frame::Unknown(unknown.clone()))
        .await
        .unwrap();
    assert_eq!(
        net.event().await,
        RootEvent::Unknown {
            node: name("front"),
            unknown
        }
    );
    let names: Vec<_> = net.root.nodes().into_iter().map(|node| node.name).collect();
    assert_eq!(names, [name("front"), name("taken")]);
}

#[tokio::test]
async fn a_name_given_to_another_key_shuts_the_old_key_out() {
    let mut net = Net::new().await;
    let (_link, _inbox) = net.connected().await;
    let fresh = Identity::generate();
    net.root
        .enroll(Enrolment::new(name("web-1"), fresh.address().clone()));
    assert!(matches!(
        net.event().await,
        RootEvent::Disconnected {
            reason: DisconnectReason::Forgotten,
            ..
        }
    ));
    assert!(net.attach(&net.tcp()).await.is_err());
    assert_eq!(
        &net.root.node(&name("web-1")).unwrap().address,
        fresh.address()
    );
}

#[tokio::test]
async fn enrolling_again_keeps_the_session_and_what_is_known() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    net.root
        .enroll(Enrolment::new(name("front"), net.node.address().clone()));
    let status = net.root.node(&name("front")).unwrap();
    assert!(status.online && status.facts.is_some() && !link.is_closed());
    assert_eq!(net.root.nodes().len(), 1);
}

#[tokio::test]
async fn an_incarnation_known_from_before_is_recognised() {
    let mut net = Net::new().await;
    let mut enrolment = Enrolment::new(name("db"), Identity::generate().address().clone());
    enrolment.incarnation = Some("one".into());
    let node = Identity::generate();
    enrolment.address = node.address().clone();
    net.root.enroll(enrolment);
    let _link = attach(&net.tcp(), &node, &net.root.address(), hello("one"))
        .await
        .unwrap();
    let RootEvent::Connected {
        same_incarnation, ..
    } = net.event().await
    else {
        panic!("connected comes first");
    };
    assert!(same_incarnation);
}

#[tokio::test]
async fn a_slow_consumer_loses_progress_but_no_ending() {
    let mut net = Net::with(RootOptions {
        events: 2,
        ..RootOptions::default()
    })
    .await;
    let (link, _inbox) = net.connected().await;
    let sending = tokio::spawn(async move {
        for n in 0..200 {
            let order = n.to_string();
            let progress = Progress {
                order: order.clone(),
                ..Progress::default()
            };
            link.send(node_frame::Frame::Progress(progress))
                .await
                .unwrap();
            let ended = Ended {
                order,
                ..Ended::default()
            };
            link.send(node_frame::Frame::Ended(ended)).await.unwrap();
        }
        link
    });
    let mut endings = 0;
    while endings < 200 {
        if let RootEvent::Ended { ended, .. } = net.event().await {
            assert_eq!(ended.order, endings.to_string());
            endings += 1;
        }
    }
    sending.await.unwrap();
}

#[tokio::test]
async fn a_node_that_reads_nothing_makes_the_line_busy() {
    let options = RootOptions {
        send_timeout: Duration::from_millis(100),
        ..RootOptions::default()
    };
    let mut net = Net::with(options).await;
    let (_link, _unread) = net.connected().await;
    let signed = net
        .root
        .sign(net.node.address(), spec(&"x".repeat(200_000)));
    let busy = loop {
        if let Err(error) = net.root.send(&name("web-1"), &signed).await {
            break error;
        }
    };
    assert_eq!(busy, SendError::Busy(name("web-1")));
}

#[tokio::test]
async fn shutdown_ends_open_sessions_in_bounded_time() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.connected().await;
    let _silent = TcpStream::connect(net.at).await.unwrap();
    let begun = Instant::now();
    timeout(LIMIT, net.root.shutdown())
        .await
        .expect("shutdown ends");
    assert!(
        begun.elapsed() < Duration::from_secs(10),
        "four seconds are promised"
    );
    let closed = timeout(LIMIT, link.closed()).await.unwrap();
    assert!(closed.to_string().contains("shuts down"), "{closed}");
    let reason = DisconnectReason::Stopping;
    assert_eq!(
        net.event().await,
        RootEvent::Disconnected {
            node: name("web-1"),
            reason
        }
    );
    let refused = jarvis_nodeclient::Dialer::dial(&net.root.local_dialer()).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn shutdown_is_bounded_also_when_nobody_takes_events() {
    let net = Net::with(RootOptions {
        events: 1,
        ..RootOptions::default()
    })
    .await;
    let _link = net.attach(&net.tcp()).await.unwrap();
    timeout(LIMIT, net.root.shutdown())
        .await
        .expect("shutdown ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_nodes_come_at_once_and_each_gets_its_own_order() {
    let mut net = Net::new().await;
    let mut nodes = tokio::task::JoinSet::new();
    for n in 0..100 {
        let node = Identity::generate();
        let name = name(&format!("node-{n}"));
        net.root
            .enroll(Enrolment::new(name, node.address().clone()));
        let (dialer, trusted) = (net.tcp(), net.root.address());
        nodes.spawn(async move {
            let attached = attach(&dialer, &node, &trusted, hello("one")).await;
            let (link, mut inbox) = attached.unwrap();
            let Some(RootMessage::Order(signed)) = inbox.recv().await else {
                panic!("an order comes");
            };
            let checked = check_order(&signed, node.address(), |_| true, unix_ms()).unwrap();
            let order = checked.order.id;
            let accepted = Accepted { order, time_ms: 0 };
            link.send(node_frame::Frame::Accepted(accepted))
                .await
                .unwrap();
            link.closed().await
        });
    }
    let mut given = std::collections::HashMap::new();
    let mut accepted_by = std::collections::HashMap::new();
    while accepted_by.len() < 100 {
        match net.event().await {
            RootEvent::Connected { node, status, .. } => {
                let signed = net.root.sign(&status.address, spec("hostname"));
                net.root.send(&node, &signed).await.unwrap();
                let root = |_: &_| true;
                let order = check_order(&signed, &status.address, root, unix_ms()).unwrap();
                given.insert(node, order.order.id);
            }
            RootEvent::Accepted { node, accepted } => {
                accepted_by.insert(node, accepted.order);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(given, accepted_by);
    timeout(LIMIT, net.root.shutdown()).await.unwrap();
    assert_eq!(timeout(LIMIT, nodes.join_all()).await.unwrap().len(), 100);
}
