//! TLS towards clients: a certificate by the name that they ask for, changed without a connection being lost.

use crate::acme::answers::{ACME_TLS, Answers};
use crate::config::Config;
use crate::{Error, acme};
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
    sources: Vec<Source>,
    known: Mutex<Known>,
    acceptor: TlsAcceptor,
    /// Of clients that may come back without a whole handshake.
    sessions: Arc<dyn StoresServerSessions>,
}

impl Tls {
    /// Reads the certificates; one that cannot be used is named. Where none are configured there is no TLS. Clients
    /// of `previous` may resume their sessions.
    pub(crate) fn of(
        config: &Config,
        answers: &Arc<Answers>,
        previous: Option<&Self>,
    ) -> Result<Option<Arc<Self>>, Error> {
        /// Sessions that are remembered for their return.
        const SESSIONS_MAX: usize = 4_096;
        let sources = sources(config);
        if sources.is_empty() {
            return Ok(None);
        }
        let sessions = previous
            .map_or_else(|| ServerSessionMemoryCache::new(SESSIONS_MAX) as _, |tls| tls.sessions.clone());
        let contents = sources.iter().map(|source| source.open(previous)).collect::<Result<_, _>>()?;
        Self::open(sources, contents, answers.clone(), sessions).map(|tls| Some(Arc::new(tls)))
    }

    fn open(
        sources: Vec<Source>,
        contents: Contents,
        answers: Arc<Answers>,
        sessions: Arc<dyn StoresServerSessions>,
    ) -> Result<Self, Error> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let set = ArcSwap::from_pointee(Set::new(&sources, &contents, &provider)?);
        let named = Arc::new(Named { set, provider: provider.clone(), answers });
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| Error::Config("no version of TLS can be served"))?
            .with_no_client_auth();
        let mut config = config.with_cert_resolver(named.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        if sources.iter().any(|source| source.awaited) {
            config.alpn_protocols.push(ACME_TLS.to_vec());
        }
        config.session_storage = sessions.clone();
        let known = Mutex::new(Known { read: contents.clone(), served: contents });
        let acceptor = TlsAcceptor::from(Arc::new(config));
        Ok(Self { named, sources, known, acceptor, sessions })
    }

    pub(crate) fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// What is served of these files.
    fn served_of(&self, pair: &Certificate) -> Content {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut all = self.sources.iter().zip(known.served.iter());
        all.find(|(source, _)| source.pair == *pair).and_then(|(_, content)| content.clone())
    }

    /// Reads the files again; true where what they hold now is served from here on. What cannot be used is told
    /// once and changes nothing.
    pub(crate) fn look(&self) -> Result<bool, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // What cannot be read just now, or is missing for a moment, stays as it is: a later look finds it.
        let again =
            |(source, known): (&Source, &Content)| source.read().ok().flatten().or_else(|| known.clone());
        let contents: Contents = self.sources.iter().zip(known.read.iter()).map(again).collect();
        if known.read == contents {
            return Ok(false);
        }
        let set = Set::new(&self.sources, &contents, &self.named.provider);
        known.read = contents;
        self.named.set.store(Arc::new(set?));
        known.served = known.read.clone();
        Ok(true)
    }
}

/// Files, and whether somebody is about to write them: then they may be missing.
struct Source {
    pair: Certificate,
    awaited: bool,
}

/// Those of the configuration, then the one that an authority gives.
fn sources(config: &Config) -> Vec<Source> {
    let given = config.tls.iter().map(|pair| Source { pair: pair.clone(), awaited: false });
    let got = config.acme.iter().map(|acme| Source { pair: acme.pair(), awaited: true });
    given.chain(got).collect()
}

impl Source {
    /// None where it is not there, and may be missing.
    fn read(&self) -> Result<Content, Error> {
        let failed = |path: &Path, source| Error::File { path: path.to_owned(), source };
        let Certificate { chain, key } = &self.pair;
        let chain = match std::fs::read(chain) {
            Err(error) if self.awaited && error.kind() == io::ErrorKind::NotFound => return Ok(None),
            chain => chain.map_err(|error| failed(&self.pair.chain, error))?,
        };
        let key = std::fs::read(key).map_err(|error| failed(key, error))?;
        Ok(Some((chain, key)))
    }

    /// What stands in its files; if they are awaited and hold nothing that can be used, what `previous` serves of them.
    fn open(&self, previous: Option<&Tls>) -> Result<Content, Error> {
        let kept = || previous.filter(|_| self.awaited)?.served_of(&self.pair);
        let mut content = match self.read() {
            Ok(content) => content,
            Err(error) => Some(kept().ok_or(error)?),
        };
        self.pass_over_damage(&mut content);
        Ok(content.or_else(kept))
    }

    /// What can be got again is no reason not to start.
    fn pass_over_damage(&self, content: &mut Content) {
        let Some((chain, _)) = content.as_ref().filter(|_| self.awaited) else { return };
        if let Err(error) = sound(&self.pair, chain) {
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::error!(error, "The kept certificate cannot be used: another one is asked for");
            *content = None;
        }
    }
}

/// Chain and key, as bytes.
type Content = Option<(Vec<u8>, Vec<u8>)>;
type Contents = Vec<Content>;

/// What stood in the files when they were last read, sound or not, and what of that is served.
struct Known {
    read: Contents,
    served: Contents,
}

/// What a certificate is for, and from when to when, in seconds since the Unix epoch.
#[derive(Debug)]
pub(crate) struct Sound {
    pub(crate) names: Vec<String>,
    pub(crate) from_s: i64,
    pub(crate) until_s: i64,
}

/// Whether chain and key, both in `pem`, belong together and can be read.
pub(crate) fn sound(pair: &Certificate, pem: &[u8]) -> Result<Sound, Error> {
    let certified = certified(pair, pem, pem, &aws_lc_rs::default_provider())?;
    let names = names(pair, &certified)?;
    let held = certified.cert.first().and_then(|own| acme::validity(own));
    let (from_s, until_s) = held.ok_or_else(|| unusable(&pair.chain, "its times cannot be read"))?;
    Ok(Sound { names, from_s, until_s })
}

/// The certificates by the names that they are for.
#[derive(Debug)]
struct Set {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    /// For clients that ask for no name, or for one that nobody has. None until an authority has given the first.
    first: Option<Arc<CertifiedKey>>,
}

impl Set {
    fn new(sources: &[Source], contents: &Contents, provider: &CryptoProvider) -> Result<Self, Error> {
        let mut by_name = HashMap::new();
        let mut first = None;
        for (Source { pair, .. }, content) in sources.iter().zip(contents) {
            let Some((chain, key)) = content else { continue };
            let certified = Arc::new(certified(pair, chain, key, provider)?);
            for name in names(pair, &certified)? {
                by_name.entry(name).or_insert_with(|| certified.clone());
            }
            first.get_or_insert(certified);
        }
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
    answers: Arc<Answers>,
}

impl ResolvesServerCert for Named {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name();
        if hello.alpn().is_some_and(|mut offered| offered.any(|protocol| protocol == ACME_TLS)) {
            return name.and_then(|name| self.answers.certificate(name));
        }
        let set = self.set.load();
        name.and_then(|name| set.of(name)).or(set.first.as_ref()).cloned()
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
