//! A TLS front that asks for credentials, before a server that knows neither: as a proxy of an operator's does.

use crate::faulty::Message;
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::json;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::BufReader;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A front for `localhost`, with a certificate of an authority of its own. Dropped, it ends.
#[derive(Debug)]
pub struct TlsFront {
    port: u16,
    authority: String,
    _tasks: JoinSet<()>,
}

impl TlsFront {
    /// Passes on to `target` what carries this `authorization` header, and answers 401 to all else.
    pub async fn start(target: SocketAddr, authorization: &str) -> io::Result<Self> {
        let (config, authority) = certificates().map_err(io::Error::other)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let port = listener.local_addr()?.port();
        let mut tasks = JoinSet::new();
        let front =
            Front { acceptor: TlsAcceptor::from(Arc::new(config)), target, wanted: authorization.to_owned() };
        tasks.spawn(accept(listener, front));
        Ok(Self { port, authority, _tasks: tasks })
    }

    /// `https://localhost:PORT`
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    /// The authority's certificate, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the front shows, and the certificate of the authority that signed it.
fn certificates() -> Result<(ServerConfig, String), Failure> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok((config, authority.pem()))
}

#[derive(Clone)]
struct Front {
    acceptor: TlsAcceptor,
    target: SocketAddr,
    wanted: String,
}

async fn accept(listener: TcpListener, front: Front) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let front = front.clone();
        connections.spawn(async move { drop(front.serve(client).await) });
    }
}

impl Front {
    async fn serve(self, client: TcpStream) -> io::Result<()> {
        let client = self.acceptor.accept(client).await?;
        let server = TcpStream::connect(self.target).await?;
        let (client_in, mut client_out) = tokio::io::split(client);
        let (server_in, mut server_out) = server.into_split();
        let (mut client_in, mut server_in) = (BufReader::new(client_in), BufReader::new(server_in));
        while let Some(request) = Message::read(&mut client_in, false).await? {
            let answer = if request.has("authorization", &self.wanted) {
                request.write(&mut server_out).await?;
                let is_head = request.starts_with("HEAD");
                Message::read(&mut server_in, is_head).await?.ok_or(io::ErrorKind::UnexpectedEof)?
            } else {
                Message::answer(
                    401,
                    &json!({"error": {"type": "security_exception", "reason": "who are you?"}}),
                )
            };
            answer.write(&mut client_out).await?;
        }
        Ok(())
    }
}
