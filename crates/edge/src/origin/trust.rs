//! TLS towards origins: whom the edge trusts there, and what it shows of itself.

use crate::Error;
use crate::config::Config;
use crate::front::tls::Certificate;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How TLS is spoken with origins, where any of them is `https`. Their certificates are always checked.
pub(crate) fn of(config: &Config) -> Result<Option<Arc<ClientConfig>>, Error> {
    if !config.public.iter().chain([&config.admin]).any(|url| url.scheme() == "https") {
        return Ok(None);
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Config("no version of TLS can be spoken"))?
        .with_root_certificates(roots(config.origin_ca_file.as_deref())?);
    let mut tls = match &config.origin_certificate {
        None => builder.with_no_client_auth(),
        Some(pair) => {
            let (chain, key) = own(pair)?;
            builder.with_client_auth_cert(chain, key).map_err(|error| unusable(&pair.chain, error))?
        }
    };
    let spoken: &[&[u8]] = if config.origin_http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
    tls.alpn_protocols = spoken.iter().map(|name| name.to_vec()).collect();
    Ok(Some(Arc::new(tls)))
}

/// The authorities in a file, or those that this system trusts.
fn roots(file: Option<&Path>) -> Result<RootCertStore, Error> {
    let mut store = RootCertStore::empty();
    match file {
        Some(path) => {
            for certificate in certificates(path)? {
                store.add(certificate).map_err(|error| unusable(path, error))?;
            }
        }
        // What cannot be read among the system's is as good as not there.
        None => drop(store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    if store.is_empty() {
        return Err(Error::Config("an `https` origin needs authorities to trust: name `origin_ca_file`"));
    }
    Ok(store)
}

fn own(pair: &Certificate) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), Error> {
    let key = PrivateKeyDer::from_pem_file(&pair.key).map_err(|error| unusable(&pair.key, error))?;
    Ok((certificates(&pair.chain)?, key))
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(|found| found.collect::<Result<_, _>>());
    let read = read.map_err(|error| unusable(path, error))?;
    if read.is_empty() { Err(unusable(path, "there is no certificate in it")) } else { Ok(read) }
}

fn unusable(path: &Path, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::File { path: path.to_owned(), source: io::Error::other(error) }
}
