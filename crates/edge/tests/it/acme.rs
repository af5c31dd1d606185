use crate::pebble::{LIFE_S, Pebble, connect};
use crate::support::{World, until};
use domain::Clock;
use edge::{AcmeChallenge, AcmeConfig, CertificateStatus, Config};
use rustls::pki_types::CertificateDer;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use testkit::Port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const NAME: &str = "edge.test";

/// An authority, and an edge that asks it.
struct Town {
    pebble: Pebble,
    world: World,
    client: TlsConnector,
    _ports: [Port; 2],
}

impl Town {
    async fn new(name: &str, challenge: AcmeChallenge) -> Option<Self> {
        let ports = [Port::reserve(), Port::reserve()];
        let [tls, plain] = ports.each_ref().map(Port::number);
        let pebble = Pebble::start(name, plain, tls).await?;
        let (folder, directory, root) = (pebble.folder.join("acme"), pebble.directory(), pebble.root());
        // Certificates are issued by the clock on the wall.
        let world = World::at(Clock::system().now(), |config| {
            config.listen.set_port(tls);
            config.plain_listen = Some(([127, 0, 0, 1], plain).into());
            config.acme = Some(asking(folder, directory, root, challenge));
        })
        .await;
        let client = pebble.client(&[]).await;
        Some(Self { pebble, world, client, _ports: ports })
    }

    fn status(&self) -> CertificateStatus {
        self.world.status().certificate.expect("an authority is configured")
    }

    /// Waits for so many certificates, this run's.
    async fn issued(&self, count: u64) {
        self.tried("issued", count).await;
    }

    async fn tried(&self, outcome: &str, count: u64) {
        let line = format!("sangraha_edge_certificates_total{{outcome=\"{outcome}\"}} ");
        let other = |outcome| {
            self.world.counted(&format!("sangraha_edge_certificates_total{{outcome=\"{outcome}\"}} "))
        };
        until(|| {
            assert!(
                outcome == "failed" || other("failed") == 0,
                "{:?}\n{}",
                self.status(),
                self.pebble.log()
            );
            self.world.counted(&line) >= count
        })
        .await;
    }

    async fn connect(&self) -> std::io::Result<TlsStream<TcpStream>> {
        connect(&self.client, NAME, TcpStream::connect(self.world.address).await.unwrap()).await
    }

    /// Past two thirds of a certificate's life, and the little more that chance adds.
    fn grow_old(&self) {
        self.world.advance(LIFE_S * 2 / 3 + LIFE_S / 30 + 1);
    }
}

fn asking(folder: PathBuf, directory: url::Url, root: PathBuf, challenge: AcmeChallenge) -> AcmeConfig {
    AcmeConfig {
        directory,
        directory_root: Some(root),
        contacts: vec!["mailto:us@edge.test".to_owned()],
        terms_agreed: true,
        challenge,
        ..AcmeConfig::new(vec![NAME.to_owned(), "www.edge.test".to_owned()], folder)
    }
}

fn shown(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone()
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> String {
    stream.write_all(b"GET /a HTTP/1.1\r\nHost: edge.test\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"default") {
        let mut bytes = [0; 4_096];
        let length = stream.read(&mut bytes).await.unwrap();
        assert!(length > 0, "the edge closed");
        answer.extend_from_slice(&bytes[..length]);
    }
    String::from_utf8(answer).unwrap()
}

/// What stands at a plain address.
async fn plain(world: &World, path: &str) -> String {
    let address = world.status().plain_listen.unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: edge.test:80\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_certificate_is_got_by_a_file_at_the_plain_place_and_outlives_the_process() {
    let Some(mut town) = Town::new("http", AcmeChallenge::Http01).await else { return };
    town.issued(1).await;
    let mut stream = town.connect().await.unwrap();
    assert!(ask(&mut stream).await.starts_with("HTTP/1.1 200 OK\r\n"));
    let status = town.status();
    assert_eq!((status.names.len(), status.failures, &status.last_error), (2, 0, &None));
    let left = status.expires_at.unwrap() - town.world.clock.now();
    assert!((LIFE_S - 60..=LIFE_S).contains(&left.num_seconds()), "{status:?}");
    for file in ["account.json", "certificate.pem", "attempts.json"] {
        let metadata = std::fs::metadata(town.pebble.folder.join("acme").join(file)).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{file}");
    }
    let before = shown(&stream);
    drop(stream);
    town.world.stop().await;
    town.world.start().await;
    // No waiting: it is served from the first connection on, and nothing is asked for.
    assert_eq!(shown(&town.connect().await.unwrap()), before);
    until(|| town.world.status().certificate.is_some()).await;
    assert_eq!(town.status().expires_at, status.expires_at);
    assert_eq!(town.world.counted("sangraha_edge_certificates_total{outcome=\"issued\"} "), 0);
    // Nothing of the order is left to be asked for.
    assert!(plain(&town.world, "/.well-known/acme-challenge/x").await.starts_with("HTTP/1.1 308 "));
}

#[tokio::test]
async fn a_certificate_is_got_and_renewed_in_the_handshake_under_open_connections() {
    let Some(town) = Town::new("alpn", AcmeChallenge::TlsAlpn01).await else { return };
    town.issued(1).await;
    let mut early = town.connect().await.unwrap();
    let first = shown(&early);
    ask(&mut early).await;
    let town = Arc::new(town);
    let (failed, done) = (Arc::<AtomicUsize>::default(), Arc::<AtomicBool>::default());
    let knocking = tokio::spawn({
        let (town, failed, done) = (town.clone(), failed.clone(), done.clone());
        async move {
            while !done.load(Ordering::SeqCst) {
                let connected = town.connect().await;
                failed.fetch_add(usize::from(connected.is_err()), Ordering::SeqCst);
            }
        }
    });
    town.grow_old();
    town.issued(2).await;
    done.store(true, Ordering::SeqCst);
    knocking.await.unwrap();
    assert_eq!(failed.load(Ordering::SeqCst), 0, "no handshake fails while certificates change");
    let second = shown(&town.connect().await.unwrap());
    assert_ne!(first, second);
    assert!(ask(&mut early).await.starts_with("HTTP/1.1 200 OK\r\n"));
    // One who is no authority, or comes when nothing is asked, gets nothing in that protocol.
    let odd = town.pebble.client(&["acme-tls/1"]).await;
    assert!(connect(&odd, NAME, TcpStream::connect(town.world.address).await.unwrap()).await.is_err());
}

#[tokio::test]
async fn a_refused_challenge_keeps_the_certificate_and_waits_longer_each_time() {
    let Some(town) = Town::new("refused", AcmeChallenge::Http01).await else { return };
    town.issued(1).await;
    let first = shown(&town.connect().await.unwrap());
    town.pebble.names.lose(true);
    town.grow_old();
    let mut pauses = Vec::new();
    for failures in 1..=2 {
        town.tried("failed", failures).await;
        let status = town.status();
        assert_eq!(u64::from(status.failures), failures);
        assert!(status.last_error.as_ref().unwrap().contains("names are ours failed"), "{status:?}");
        assert_eq!(shown(&town.connect().await.unwrap()), first);
        let pause = (status.next_attempt_at - town.world.clock.now()).num_seconds();
        pauses.push(pause);
        town.world.advance(pause + 1);
    }
    // Five an hour at most: twelve minutes, then twice that, and up to a quarter more by chance.
    assert!((719..=900).contains(&pauses[0]) && (1_439..=1_800).contains(&pauses[1]), "{pauses:?}");
    town.pebble.names.lose(false);
    // The attempt that is due by now may still have met lost names.
    let line = "sangraha_edge_certificates_total{outcome=\"issued\"} ";
    let mut tick = tokio::time::interval(std::time::Duration::from_millis(50));
    while town.world.counted(line) < 2 {
        let status = town.status();
        assert!(status.failures < 5, "{status:?}");
        if status.failures > 2 && status.next_attempt_at > town.world.clock.now() {
            town.world.advance((status.next_attempt_at - town.world.clock.now()).num_seconds() + 1);
        }
        tick.tick().await;
    }
    assert_eq!(town.status().failures, 0);
    assert_ne!(shown(&town.connect().await.unwrap()), first);
}

#[tokio::test]
async fn another_authority_is_asked_for_an_account_and_more_names_are_due_at_once() {
    let Some(mut town) = Town::new("forgot", AcmeChallenge::Http01).await else { return };
    town.issued(1).await;
    let account = |town: &Town| std::fs::read(town.pebble.folder.join("acme/account.json")).unwrap();
    let before = account(&town);
    town.world.stop().await;
    // Another authority at another address, as one that was set up anew.
    let (plain, tls) = (town.world.config.plain_listen.unwrap().port(), town.world.address.port());
    let anew = Pebble::start("anew", plain, tls).await.unwrap();
    let acme = town.world.config.acme.as_mut().unwrap();
    (acme.directory, acme.directory_root) = (anew.directory(), Some(anew.root()));
    acme.names.push("more.edge.test".to_owned());
    town.world.advance(720);
    town.world.start().await;
    // The names are more than the certificate has: it is due at once.
    town.issued(1).await;
    assert_ne!(account(&town), before);
    assert!(town.status().names.contains(&"more.edge.test".to_owned()));
}

#[tokio::test]
async fn a_reload_asks_for_other_names_in_another_way_and_loses_no_connection() {
    fn acme(config: &mut Config) -> &mut AcmeConfig {
        config.acme.as_mut().unwrap()
    }
    let Some(town) = Town::new("reload", AcmeChallenge::Http01).await else { return };
    town.issued(1).await;
    let mut early = town.connect().await.unwrap();
    let first = shown(&early);
    ask(&mut early).await;
    // What cannot work is refused by its name, and nothing changes.
    let cannot = town.world.reload(|config| acme(config).terms_agreed = false).unwrap_err();
    assert!(cannot.to_string().contains("acme.terms_agreed"), "{cannot}");
    let file = town.pebble.root();
    let cannot = town.world.reload(|config| acme(config).folder = file).unwrap_err();
    assert!(cannot.to_string().contains("server.pem"), "a file is no folder: {cannot}");
    assert_eq!((town.status().names.len(), shown(&town.connect().await.unwrap())), (2, first.clone()));

    // More names than the certificate has: due at once, at the pace that outlives the change.
    let changed = town.world.reload(|config| {
        acme(config).names.push("more.edge.test".to_owned());
        acme(config).challenge = AcmeChallenge::TlsAlpn01;
    });
    assert_eq!(changed.unwrap(), 2);
    town.world.until(|status| status.certificate.as_ref().is_some_and(|known| known.names.len() == 3)).await;
    let wait = (town.status().next_attempt_at - town.world.clock.now()).num_seconds();
    assert!((1..=720).contains(&wait), "{wait}");
    assert_eq!(shown(&town.connect().await.unwrap()), first, "until there is another one");
    town.world.advance(wait + 1);
    town.issued(2).await;
    assert!(town.status().expires_at.is_some());
    let second = shown(&town.connect().await.unwrap());
    assert_ne!(first, second);
    assert!(ask(&mut early).await.starts_with("HTTP/1.1 200 OK\r\n"));

    // Without an authority the files go on being served, and nobody is asked any more.
    let pem = town.pebble.folder.join("acme/certificate.pem");
    let pair = edge::Certificate { chain: pem.clone(), key: pem };
    town.world.reload(|config| (config.acme, config.tls) = (None, vec![pair])).unwrap();
    town.world.until(|status| status.certificate.is_none()).await;
    assert_eq!(shown(&town.connect().await.unwrap()), second);
    assert!(ask(&mut early).await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn a_broken_directory_leaves_the_rest_at_work() {
    let Some(pebble) = Pebble::start("broken", 1, 1).await else { return };
    let free = Port::reserve();
    let nobody = url::Url::parse(&format!("https://127.0.0.1:{}/dir", free.number())).unwrap();
    for (case, directory) in [pebble.directory().join("/nothing").unwrap(), nobody].into_iter().enumerate() {
        let (folder, root) = (pebble.folder.join(format!("acme{case}")), pebble.root());
        let world = World::with(|config: &mut Config| {
            config.plain_listen = Some(([127, 0, 0, 1], 0).into());
            config.plain_serves = true;
            config.acme = Some(asking(folder, directory, root, AcmeChallenge::TlsAlpn01));
        })
        .await;
        world
            .until(|status| status.certificate.as_ref().is_some_and(|certificate| certificate.failures == 1))
            .await;
        let status = world.status().certificate.unwrap();
        assert!(status.last_error.unwrap().contains("opening an account failed: "));
        assert_eq!(status.expires_at, None);
        assert!(plain(&world, "/a").await.starts_with("HTTP/1.1 200 "));
        let client = pebble.client(&[]).await;
        let refused = connect(&client, NAME, TcpStream::connect(world.address).await.unwrap()).await;
        assert!(refused.is_err(), "there is no certificate to show");
        // A reload may take the authority away.
        let cannot = world.reload(|config| config.acme = None).unwrap_err();
        assert!(cannot.to_string().contains("plain_listen"));
    }
}

#[tokio::test]
async fn who_comes_without_tls_is_sent_to_https() {
    let (folder, key) =
        (std::env::temp_dir().join(format!("sangraha-aside-{}", std::process::id())), "k.pem");
    std::fs::create_dir_all(&folder).unwrap();
    let made = rcgen::generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
    let pem = [made.signing_key.serialize_pem(), made.cert.pem()].concat();
    std::fs::write(folder.join(key), pem).unwrap();
    let pair = edge::Certificate { chain: folder.join(key), key: folder.join(key) };
    let world = World::with(|config| {
        config.tls = vec![pair];
        config.plain_listen = Some(([127, 0, 0, 1], 0).into());
    })
    .await;
    let answer = plain(&world, "/v1/a?b=c").await;
    assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
    assert!(answer.contains("\r\nlocation: https://edge.test/v1/a?b=c\r\n"), "{answer}");
    assert_eq!(world.near.count(), 0);
    world.reload(|config| config.plain_serves = true).unwrap();
    assert!(plain(&world, "/a").await.starts_with("HTTP/1.1 200 "));
    std::fs::remove_dir_all(&folder).unwrap();
}
