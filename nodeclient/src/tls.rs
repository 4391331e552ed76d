//! TLS 1.3 with throw-away certificates.
//!
//! A certificate says nothing here: who is at the other end is shown by the proofs (see `proof`),
//! which are bound to the connection by its exporter value. The handshake's signature is still
//! checked, as TLS demands.

use std::io;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, ServerConfig, SignatureScheme,
};
use tokio::io::BufReader;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::dial::BoxedIo;

const EXPORTER_LABEL: &[u8] = b"EXPORTER-jarvis-session-v1";
const HTTP2: &[u8] = b"h2";
/// For plain downloads by whoever has a one-time token; nodes never speak it.
const HTTP1: &[u8] = b"http/1.1";
/// The name in every certificate; it means nothing.
const NAME: &str = "jarvis";
/// rustls reads at most 4 KiB at once: this buffer below it saves system calls.
const READ_BUFFER: usize = 64 << 10;

/// How long one side waits for the other to finish a handshake or a proof.
pub(crate) const PROOF_TIMEOUT: Duration = Duration::from_secs(10);

static ACCEPTOR: LazyLock<Result<TlsAcceptor, String>> = LazyLock::new(|| {
    server_config()
        .map(|config| TlsAcceptor::from(Arc::new(config)))
        .map_err(|e| e.to_string())
});
static CONNECTOR: LazyLock<TlsConnector> =
    LazyLock::new(|| TlsConnector::from(Arc::new(client_config())));

/// A TLS connection with the value that names it.
pub(crate) struct Secured {
    pub(crate) io: TlsStream<BufReader<BoxedIo>>,
    pub(crate) exporter: [u8; 32],
    /// Sessions are HTTP/2; anything else can only be a download.
    pub(crate) is_http2: bool,
}

impl Secured {
    /// The connection, if a session can be had on it.
    pub(crate) fn for_session(self) -> io::Result<Self> {
        if self.is_http2 {
            return Ok(self);
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the peer does not speak HTTP/2",
        ))
    }
}

/// Which end of the transport this side is; HTTP/2 roles are another matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Dialled,
    Accepted,
}

/// Does the TLS handshake. Takes as long as the other side likes: give it a limit.
pub(crate) async fn secure(io: BoxedIo, side: Side) -> io::Result<Secured> {
    let io = BufReader::with_capacity(READ_BUFFER, io);
    let io = match side {
        Side::Dialled => {
            let name = ServerName::try_from(NAME).map_err(io::Error::other)?;
            TlsStream::from(CONNECTOR.connect(name, io).await?)
        }
        Side::Accepted => {
            let acceptor = ACCEPTOR
                .as_ref()
                .map_err(|error| io::Error::other(error.as_str()))?;
            TlsStream::from(acceptor.accept(io).await?)
        }
    };
    let (alpn, exporter) = match &io {
        TlsStream::Client(io) => {
            let tls = io.get_ref().1;
            (
                tls.alpn_protocol(),
                tls.export_keying_material([0; 32], EXPORTER_LABEL, None),
            )
        }
        TlsStream::Server(io) => {
            let tls = io.get_ref().1;
            (
                tls.alpn_protocol(),
                tls.export_keying_material([0; 32], EXPORTER_LABEL, None),
            )
        }
    };
    let is_http2 = alpn == Some(HTTP2);
    Ok(Secured {
        is_http2,
        exporter: exporter.map_err(io::Error::other)?,
        io,
    })
}

fn server_config() -> Result<ServerConfig, Box<dyn std::error::Error + Send + Sync>> {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()])?;
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())?;
    config.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
    config.send_tls13_tickets = 0;
    Ok(config)
}

fn client_config() -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&TLS13])
        .expect("the ring provider has TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = vec![HTTP2.to_vec()];
    config.resumption = Resumption::disabled();
    config.enable_sni = false;
    config
}

/// Takes every certificate, but only with a good handshake signature.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        Err(TlsError::General("only TLS 1.3 is spoken here".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        verify_tls13_signature(
            message,
            cert,
            dss,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
