//! TLS towards clients: a certificate by the name that they ask for, changed without a connection being lost.

use crate::Error;
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, ServerSessionMemoryCache, StoresServerSessions};
use rustls::sign::CertifiedKey;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// What stood in them when they were last read, sound or not.
    known: Mutex<Contents>,
    acceptor: TlsAcceptor,
    /// Of clients that may come back without a whole handshake.
    sessions: Arc<dyn StoresServerSessions>,
}

impl Tls {
    /// Reads the certificates; one that cannot be used is named. Without any there is no TLS. Clients of `previous`
    /// may resume their sessions.
    pub(crate) fn of(files: &[Certificate], previous: Option<&Self>) -> Result<Option<Arc<Self>>, Error> {
        /// Sessions that are remembered for their return.
        const SESSIONS_MAX: usize = 4_096;
        if files.is_empty() {
            return Ok(None);
        }
        let sessions = previous
            .map_or_else(|| ServerSessionMemoryCache::new(SESSIONS_MAX) as _, |tls| tls.sessions.clone());
        Self::open(files, sessions).map(|tls| Some(Arc::new(tls)))
    }

    fn open(files: &[Certificate], sessions: Arc<dyn StoresServerSessions>) -> Result<Self, Error> {
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
        config.session_storage = sessions.clone();
        let (known, acceptor) = (Mutex::new(contents), TlsAcceptor::from(Arc::new(config)));
        Ok(Self { named, files: files.to_vec(), known, acceptor, sessions })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Reads the files again; true where what they hold now is served from here on. What cannot be used is told
    /// once and changes nothing.
    pub(crate) fn look(&self) -> Result<bool, Error> {
        // A file that is being replaced can be missing for a moment: the next look finds it.
        let Ok(contents) = read(&self.files) else { return Ok(false) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == contents {
            return Ok(false);
        }
        let set = Set::new(&self.files, &contents, &self.named.provider);
        *known = contents;
        self.named.set.store(Arc::new(set?));
        Ok(true)
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
