//! Who gets a session, and who does not.

use std::sync::Arc;
use std::time::Duration;

use jarvis_nodeclient::{
    AttachError, Dialer, Enrolment, Identity, NodeListener, RootEvent, RootOptions, TcpDialer,
    attach_accepted, attach_dialled,
};
use rustls::pki_types::{PrivatePkcs8KeyDer, ServerName};
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::net::{LIMIT, Net, attach, hello, loopback, name};

#[tokio::test]
async fn both_prove_themselves_over_tcp() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.attach(&net.tcp()).await.unwrap();
    assert_eq!(*link.root(), net.root.address());
    assert_eq!(link.welcome().node_name, "web-1");
    assert!(link.root_clock_offset_ms().abs() < 60_000);
    let RootEvent::Connected {
        node,
        status,
        open_orders,
        same_incarnation,
    } = net.event().await
    else {
        panic!("connected comes first");
    };
    assert_eq!(
        (node, open_orders, same_incarnation),
        (name("web-1"), vec![], false)
    );
    assert_eq!(&status.address, net.node.address());
    assert_eq!(status.facts.unwrap().hostname, "box");
    assert!(net.root.node(&name("web-1")).unwrap().online);
}

#[tokio::test]
async fn a_session_runs_in_memory_too() {
    let mut net = Net::new().await;
    let (link, _inbox) = net.attach(&net.root.local_dialer()).await.unwrap();
    assert_eq!(*link.root(), net.root.address());
    assert!(matches!(net.event().await, RootEvent::Connected { .. }));
}

#[tokio::test]
async fn a_root_dials_a_node() {
    let mut net = Net::new().await;
    let listener = NodeListener::bind(loopback()).await.unwrap();
    let mut enrolment = Enrolment::new(name("web-1"), net.node.address().clone());
    enrolment.dial = Some(listener.address().to_string());
    net.root.enroll(enrolment);
    for round in 0..2 {
        let (io, _peer) = timeout(LIMIT, listener.accept()).await.unwrap();
        let trusted = net.root.address();
        let attached =
            attach_accepted(io, &net.node, |root| *root == trusted, |_| hello("one")).await;
        let (link, _inbox) = attached.unwrap();
        let RootEvent::Connected {
            same_incarnation, ..
        } = net.event().await
        else {
            panic!("connected comes first");
        };
        assert_eq!(same_incarnation, round > 0);
        link.close("end of round").await;
        assert!(matches!(net.event().await, RootEvent::Disconnected { .. }));
    }
}

#[tokio::test]
async fn another_node_at_the_dialled_place_is_refused() {
    let net = Net::new().await;
    let listener = NodeListener::bind(loopback()).await.unwrap();
    let other = Identity::generate();
    net.root
        .enroll(Enrolment::new(name("other"), other.address().clone()));
    let mut enrolment = Enrolment::new(name("web-1"), net.node.address().clone());
    enrolment.dial = Some(listener.address().to_string());
    net.root.enroll(enrolment);
    let (io, _peer) = timeout(LIMIT, listener.accept()).await.unwrap();
    let attached = attach_accepted(io, &other, |_| true, |_| hello("one")).await;
    assert!(
        matches!(attached, Err(AttachError::Refused(_))),
        "{attached:?}"
    );
}

#[tokio::test]
async fn an_untrusted_root_is_refused_by_the_node() {
    let net = Net::new().await;
    let io = net.tcp().dial().await.unwrap();
    let attached = attach_dialled(io, &net.node, |_| false, |_| hello("one")).await;
    match attached {
        Err(AttachError::NotTrusted { root }) => assert_eq!(root, net.root.address()),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_node_that_nobody_enrolled_is_a_stranger() {
    let mut net = Net::new().await;
    let stranger = Identity::generate();
    let attached = attach(&net.tcp(), &stranger, &net.root.address(), hello("one")).await;
    match attached {
        Err(AttachError::Refused(why)) => assert!(why.contains("not enrolled"), "{why}"),
        other => panic!("{other:?}"),
    }
    match net.event().await {
        RootEvent::Stranger {
            address,
            peer,
            claims: None,
        } => {
            assert_eq!(&address, stranger.address());
            assert!(peer.starts_with("127.0.0.1:"));
        }
        other => panic!("{other:?}"),
    }
}

/// Takes one connection and forwards its bytes as they are.
async fn plain_forwarder(to: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut node, _) = listener.accept().await.unwrap();
        let mut root = TcpStream::connect(to).await.unwrap();
        let _ = copy_bidirectional(&mut node, &mut root).await;
    });
    address
}

/// Takes one connection, ends its TLS, and forwards what it reads in a TLS connection of its own.
async fn man_in_the_middle(to: std::net::SocketAddr) -> std::net::SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let made = rcgen::generate_simple_self_signed(["jarvis".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    server.alpn_protocols = vec![b"h2".to_vec()];
    let mut client = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(blind::Verifier(provider)))
        .with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec()];

    let listener = TcpListener::bind(loopback()).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (node, _) = listener.accept().await.unwrap();
        let mut node = TlsAcceptor::from(Arc::new(server))
            .accept(node)
            .await
            .unwrap();
        let root = TcpStream::connect(to).await.unwrap();
        let name = ServerName::try_from("jarvis").unwrap();
        let mut root = TlsConnector::from(Arc::new(client))
            .connect(name, root)
            .await
            .unwrap();
        let _ = copy_bidirectional(&mut node, &mut root).await;
    });
    address
}

mod blind {
    use std::sync::Arc;

    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::crypto::CryptoProvider;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::{DigitallySignedStruct, Error, SignatureScheme};

    /// Believes everything.
    #[derive(Debug)]
    pub(super) struct Verifier(pub(super) Arc<CryptoProvider>);

    impl ServerCertVerifier for Verifier {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            _: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    }
}

#[tokio::test]
async fn a_plain_forwarder_passes() {
    let net = Net::new().await;
    let forwarder = TcpDialer::new(plain_forwarder(net.at).await.to_string());
    assert!(net.attach(&forwarder).await.is_ok());
}

#[tokio::test]
async fn a_man_in_the_middle_is_found() {
    let net = Net::new().await;
    let middle = TcpDialer::new(man_in_the_middle(net.at).await.to_string());
    let attached = net.attach(&middle).await;
    assert!(
        matches!(attached, Err(AttachError::ProofFailed)),
        "{attached:?}"
    );
}

#[tokio::test]
async fn a_silent_client_holds_up_nobody_and_is_let_go() {
    let options = RootOptions {
        proof_timeout: Duration::from_secs(2),
        ..RootOptions::default()
    };
    let net = Net::with(options).await;
    let mut silent = TcpStream::connect(net.at).await.unwrap();
    assert!(net.attach(&net.tcp()).await.is_ok());
    let read = timeout(LIMIT, silent.read(&mut [0; 16]))
        .await
        .expect("the root lets it go");
    assert!(matches!(read, Ok(0) | Err(_)));
}

#[tokio::test]
async fn unproven_clients_beyond_the_limit_wait_their_turn() {
    let options = RootOptions {
        proof_timeout: Duration::from_secs(1),
        most_unproven: 1,
        ..RootOptions::default()
    };
    let net = Net::with(options).await;
    let _silent = TcpStream::connect(net.at).await.unwrap();
    let _silent_too = TcpStream::connect(net.at).await.unwrap();
    let _session = net.attach(&net.tcp()).await.unwrap();
    // The proven session holds no place among the unproven.
    let io = net.tcp().dial().await.unwrap();
    assert!(
        attach_dialled(io, &net.node, |_| true, |_| hello("one"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_apart() {
    let listener = TcpListener::bind(loopback()).await.unwrap();
    let at = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut peer, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut peer, b"SSH-2.0-OpenSSH_9.2\r\n")
            .await
            .unwrap();
        let _ = tokio::io::copy(&mut peer, &mut tokio::io::sink()).await;
    });
    let node = Identity::generate();
    let io = TcpDialer::new(at.to_string()).dial().await.unwrap();
    let attached = attach_dialled(io, &node, |_| true, |_| hello("one")).await;
    assert!(matches!(attached, Err(AttachError::Io(_))), "{attached:?}");
}
