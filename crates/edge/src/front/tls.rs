//! TLS towards clients: a certificate by the name that they ask for, changed without a connection being lost.

use crate::Error;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};
use tokio_rustls::TlsAcceptor;
use webpki::EndEntityCert;

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// The chain, the server's own certificate first.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// TLS with what is needed to renew it.
pub(crate) struct Tls {
    named: Arc<Named>,
    files: Vec<Certificate>,
    /// What stood in them at the start.
    contents: Contents,
    acceptor: TlsAcceptor,
}

impl Tls {
    /// Reads the certificates; one that cannot be used is named.
    pub(crate) fn open(files: &[Certificate]) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let contents = read(files)?;
        let set = Set::new(files, &contents, &provider)?;
        let named = Arc::new(Named { set: ArcSwap::from_pointee(set), provider: provider.clone() });
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::Config("no version of TLS can be served"))?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(named.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { named, files: files.to_vec(), contents, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Looks after the files for ever: what has changed and is sound takes the place of what was served.
    pub(crate) async fn renew(&self) {
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut known = self.contents.clone();
        loop {
            ticks.tick().await;
            let files = self.files.clone();
            // A file that is being replaced can be missing for a moment: the next look finds it.
            let Ok(Ok(contents)) = tokio::task::spawn_blocking(move || read(&files)).await else { continue };
            if known == contents {
                continue;
            }
            match Set::new(&self.files, &contents, &self.named.provider) {
                Ok(set) => {
                    self.named.set.store(Arc::new(set));
                    tracing::info!("The certificates were renewed");
                }
                Err(error) => {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::error!(error, "The new certificates cannot be used: the old ones are kept");
                }
            }
            known = contents;
        }
    }
}

/// Chain and key of each, as bytes.
type Contents = Vec<(Vec<u8>, Vec<u8>)>;

fn read(files: &[Certificate]) -> Result<Contents, Error> {
    let bytes =
        |path: &Path| std::fs::read(path).map_err(|source| Error::File { path: path.to_owned(), source });
    files.iter().map(|pair| Ok((bytes(&pair.chain)?, bytes(&pair.key)?))).collect()
}

/// The certificates by the names that they are for.
#[derive(Debug)]
struct Set {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    /// For clients that ask for no name, or for one that nobody has.
    first: Arc<CertifiedKey>,
}

impl Set {
    fn new(files: &[Certificate], contents: &Contents, provider: &CryptoProvider) -> Result<Self, Error> {
        let mut by_name = HashMap::new();
        let mut first = None;
        for (pair, (chain, key)) in files.iter().zip(contents) {
            let certified = Arc::new(certified(pair, chain, key, provider)?);
            for name in names(pair, &certified)? {
                by_name.entry(name).or_insert_with(|| certified.clone());
            }
            first.get_or_insert(certified);
        }
        let first = first.ok_or(Error::Config("`tls` needs at least one certificate"))?;
        Ok(Self { by_name, first })
    }

    /// The exact name, else the wildcard of its parent.
    fn of(&self, name: &str) -> Option<&Arc<CertifiedKey>> {
        let name = name.to_ascii_lowercase();
        self.by_name.get(&name).or_else(|| {
            let (_, parent) = name.split_once('.')?;
            self.by_name.get(&format!("*.{parent}"))
        })
    }
}

/// A key that does not belong to its certificate is refused here, not at the first handshake.
fn certified(
    pair: &Certificate,
    chain: &[u8],
    key: &[u8],
    provider: &CryptoProvider,
) -> Result<CertifiedKey, Error> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(&pair.chain, error))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| unusable(&pair.key, error))?;
    CertifiedKey::from_der(chain, key, provider).map_err(|error| unusable(&pair.chain, error))
}

fn names(pair: &Certificate, certified: &CertifiedKey) -> Result<Vec<String>, Error> {
    let own = certified.cert.first().ok_or_else(|| unusable(&pair.chain, "there is no certificate in it"))?;
    let own = EndEntityCert::try_from(own).map_err(|error| unusable(&pair.chain, error))?;
    Ok(own.valid_dns_names().map(str::to_ascii_lowercase).collect())
}

fn unusable(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::File { path: path.to_owned(), source: io::Error::other(error) }
}

#[derive(Debug)]
struct Named {
    set: ArcSwap<Set>,
    provider: Arc<CryptoProvider>,
}

impl ResolvesServerCert for Named {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let set = self.set.load();
        Some(hello.server_name().and_then(|name| set.of(name)).unwrap_or(&set.first).clone())
    }
}
