//! One order: the account, the names, the proof that they are ours, the certificate.

use crate::Error;
use crate::acme::answers::{Answers, Open};
use crate::acme::folder::Folder;
use crate::acme::{Challenge, Config};
use instant_acme::{
    Account, AccountBuilder, AuthorizationHandle, AuthorizationStatus, ChallengeHandle, ChallengeType,
    Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rcgen::{CertificateParams, CustomExtension, DistinguishedName, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use std::sync::Arc;
use std::time::Duration;

/// How long the authority may take to look, and then to sign.
const PATIENCE: RetryPolicy = RetryPolicy::new().timeout(Duration::from_secs(60));

const PROVING: &str = "showing that the names are ours";

/// A new key and the chain for it, as PEM.
pub(super) async fn obtain(config: &Config, folder: &Folder, answers: &Answers) -> Result<Vec<u8>, Error> {
    let account = account(config, folder).await?;
    let names: Vec<Identifier> = config.names.iter().cloned().map(Identifier::Dns).collect();
    let order = account.new_order(&NewOrder::new(&names)).await;
    let mut order = order.inspect_err(|error| forget_unknown(error, folder)).map_err(failed("ordering"))?;
    let open = answers.open();
    prove(config, &mut order, &open).await?;
    let (key, request) =
        request(config).map_err(|error| Error::Acme { doing: "making a key", source: error.into() })?;
    order.finalize_csr(&request).await.map_err(failed("asking for the certificate"))?;
    let chain = order.poll_certificate(&PATIENCE).await.map_err(failed("fetching the certificate"))?;
    Ok([key, chain].concat().into_bytes())
}

fn failed(doing: &'static str) -> impl FnOnce(instant_acme::Error) -> Error {
    move |error| Error::Acme { doing, source: Box::new(error) }
}

/// The one that is kept, or a new one.
async fn account(config: &Config, folder: &Folder) -> Result<Account, Error> {
    let builder = builder(config).map_err(failed("making ready to ask"))?;
    if let Some(kept) = folder.account(&config.directory) {
        return builder.from_credentials(kept).await.map_err(failed("reading the directory"));
    }
    let contacts: Vec<&str> = config.contacts.iter().map(String::as_str).collect();
    let new = NewAccount {
        contact: &contacts,
        terms_of_service_agreed: config.terms_agreed,
        only_return_existing: false,
    };
    let made = builder.create(&new, config.directory.to_string(), None).await;
    let (account, credentials) = made.map_err(failed("opening an account"))?;
    folder.keep_account(&config.directory, credentials)?;
    tracing::info!(directory = %config.directory, account = account.id(), "Opened an account with the authority");
    Ok(account)
}

fn builder(config: &Config) -> Result<AccountBuilder, instant_acme::Error> {
    match &config.directory_root {
        Some(root) => Account::builder_with_root(root),
        None => Account::builder(),
    }
}

/// The next attempt opens a new account.
fn forget_unknown(error: &instant_acme::Error, folder: &Folder) {
    const UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";
    if matches!(error, instant_acme::Error::Api(problem) if problem.r#type.as_deref() == Some(UNKNOWN)) {
        folder.forget_account();
    }
}

/// Answers the challenges and waits until the authority has seen all answers.
async fn prove(config: &Config, order: &mut Order, open: &Open<'_>) -> Result<(), Error> {
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        answer(config.challenge, authorization.map_err(failed("reading an authorization"))?, open).await?;
    }
    match order.poll_ready(&PATIENCE).await {
        Ok(OrderStatus::Ready | OrderStatus::Valid) => Ok(()),
        Ok(_) => Err(complaint(order, None).await),
        Err(error) => Err(complaint(order, Some(error)).await),
    }
}

async fn answer(
    wanted: Challenge,
    mut authorization: AuthorizationHandle<'_>,
    open: &Open<'_>,
) -> Result<(), Error> {
    if authorization.status == AuthorizationStatus::Valid {
        return Ok(());
    }
    let kind = match wanted {
        Challenge::Http01 => ChallengeType::Http01,
        Challenge::TlsAlpn01 => ChallengeType::TlsAlpn01,
    };
    let Some(mut challenge) = authorization.challenge(kind) else {
        let source = "the authority does not offer the configured challenge".into();
        return Err(Error::Acme { doing: "choosing a challenge", source });
    };
    prepare(wanted, &challenge, open)
        .map_err(|error| Error::Acme { doing: "answering a challenge", source: error.into() })?;
    // An authority that looks at once has its verdict in the answer.
    challenge.set_ready().await.map_err(failed(PROVING))
}

fn prepare(wanted: Challenge, challenge: &ChallengeHandle<'_>, open: &Open<'_>) -> Result<(), rcgen::Error> {
    let (name, proof) = (challenge.identifier().to_string(), challenge.key_authorization());
    match wanted {
        Challenge::Http01 => open.file(challenge.token.clone(), proof.as_str().to_owned()),
        Challenge::TlsAlpn01 => {
            let certificate = telling(&name, proof.digest().as_ref())?;
            open.certificate(name, Arc::new(certificate));
        }
    }
    Ok(())
}

/// A certificate that nobody trusts, with the proof in it (RFC 8737, section 3).
fn telling(name: &str, digest: &[u8]) -> Result<CertifiedKey, rcgen::Error> {
    let mut params = CertificateParams::new(vec![name.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    // Not `from_der`: it reads the certificate, and whoever does not know the proof may not.
    let key = aws_lc_rs::default_provider().key_provider.load_private_key(key);
    Ok(CertifiedKey::new(vec![certificate.der().clone()], key.map_err(|_| rcgen::Error::RemoteKeyError)?))
}

/// What the authority found wrong with an answer says more than that the order failed.
async fn complaint(order: &mut Order, error: Option<instant_acme::Error>) -> Error {
    let mut found = None;
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { break };
        found = found.or_else(|| state.challenges.iter().find_map(|challenge| challenge.error.clone()));
    }
    match found.map(instant_acme::Error::Api).or(error) {
        Some(error) => Error::Acme { doing: PROVING, source: Box::new(error) },
        None => Error::Acme { doing: PROVING, source: "the authority does not say what was wrong".into() },
    }
}

/// A key as PEM, and the request for a certificate of its public half.
fn request(config: &Config) -> Result<(String, Vec<u8>), rcgen::Error> {
    let mut params = CertificateParams::new(config.names.clone())?;
    params.distinguished_name = DistinguishedName::new();
    let key = KeyPair::generate()?;
    let request = params.serialize_request(&key)?;
    Ok((key.serialize_pem(), request.der().to_vec()))
}
