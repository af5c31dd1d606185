//! Who a request is from: the peer itself, or whom a trusted peer names, by PROXY protocol or by fields.
//!
//! Anybody can write these; only what comes from a listed network is believed.

use crate::policy::tokens;
use http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Who connected, and how.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer {
    pub(crate) address: IpAddr,
    /// Whether the connection itself is TLS.
    pub(crate) secure: bool,
    /// Whether it came by the place where people are sent to `https`.
    pub(crate) aside: bool,
}

/// The client behind a peer, and whether it came by `https`.
pub(super) fn behind(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> (IpAddr, bool) {
    if !is_listed(peer.address, trusted) {
        return (peer.address.to_canonical(), peer.secure);
    }
    let secure = match headers.get(PROTO).map(http::HeaderValue::as_bytes) {
        Some(b"https") => true,
        Some(b"http") => false,
        _ => peer.secure,
    };
    (named(headers, trusted).unwrap_or(peer.address.to_canonical()), secure)
}

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

pub(super) fn is_listed(address: IpAddr, networks: &[IpNet]) -> bool {
    let address = address.to_canonical();
    networks.iter().any(|network| network.contains(&address))
}

/// From the right, the first that is not one of ours. A field that cannot be read names nobody.
fn named(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let hops: Vec<Option<IpAddr>> = if headers.contains_key(&FOR) {
        tokens(headers, FOR).map(address).collect()
    } else {
        tokens(headers, header::FORWARDED).map(forwarded_for).collect()
    };
    let mut last = None;
    for hop in hops.into_iter().rev() {
        let hop = hop?;
        if !is_listed(hop, trusted) {
            return Some(hop);
        }
        last = Some(hop);
    }
    last
}

fn forwarded_for(element: &str) -> Option<IpAddr> {
    element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| address(value.trim().trim_matches('"')))?
    })
}

/// `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]`, `[::1]:5`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None if text.matches(':').count() == 1 => text.split(':').next()?,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// Reads the head that a balancer sends before everything else (PROXY protocol, version 2, binary). `None` is the
/// balancer's own connection, for its health check.
pub(super) async fn proxied(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
    /// Addresses and what may be said beside them; a longer head is somebody else's protocol.
    const REST_BYTES_MAX: usize = 1_024;
    let broken = |what: &'static str| io::Error::new(ErrorKind::InvalidData, what);
    let mut head = [0; 16];
    stream.read_exact(&mut head).await?;
    if &head[..12] != SIGNATURE || head[12] >> 4 != 2 {
        return Err(broken("there is no PROXY head of version 2"));
    }
    let length = usize::from(u16::from_be_bytes([head[14], head[15]]));
    if length > REST_BYTES_MAX {
        return Err(broken("the PROXY head is too long"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    match (head[12] & 15, head[13]) {
        (0, _) => Some(None),
        (1, 0x11) => rest.first_chunk::<4>().map(|octets| Some(Ipv4Addr::from(*octets).into())),
        (1, 0x21) => {
            rest.first_chunk::<16>().map(|octets| Some(IpAddr::from(Ipv6Addr::from(*octets)).to_canonical()))
        }
        _ => None,
    }
    .ok_or_else(|| broken("the PROXY head names no TCP client"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, fields: &[(&'static str, &str)]) -> (String, bool) {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        let (client, secure) =
            behind(Peer { address: peer.parse().unwrap(), secure: false, aside: false }, &headers, &trusted);
        (client.to_string(), secure)
    }

    #[test]
    fn only_listed_peers_are_believed() {
        type Row = (&'static str, &'static [(&'static str, &'static str)], &'static str);
        const XFF: &str = "x-forwarded-for";
        let table: [Row; 14] = [
            ("1.1.1.1", &[(XFF, "6.6.6.6")], "1.1.1.1"),
            ("1.1.1.1", &[("forwarded", "for=6.6.6.6")], "1.1.1.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6")], "6.6.6.6"),
            ("::ffff:10.0.0.1", &[(XFF, "6.6.6.6")], "6.6.6.6"),
            ("10.0.0.1", &[(XFF, "7.7.7.7, 6.6.6.6")], "6.6.6.6"),
            ("10.0.0.1", &[(XFF, "7.7.7.7, 6.6.6.6, 10.2.2.2")], "6.6.6.6"),
            ("10.0.0.1", &[(XFF, "6.6.6.6"), (XFF, "10.2.2.2")], "6.6.6.6"),
            ("10.0.0.1", &[(XFF, "10.3.3.3, 10.2.2.2")], "10.3.3.3"),
            ("10.0.0.1", &[(XFF, "7.7.7.7, nonsense, 10.2.2.2")], "10.0.0.1"),
            ("10.0.0.1", &[(XFF, "6.6.6.6:1234")], "6.6.6.6"),
            ("10.0.0.1", &[("forwarded", "for=7.7.7.7, for=\"[2001:db9::1]:5\";proto=http")], "2001:db9::1"),
            ("10.0.0.1", &[("forwarded", "for=_hidden")], "10.0.0.1"),
            ("2001:db8::1", &[(XFF, "::ffff:6.6.6.6")], "6.6.6.6"),
        ];
        for (peer, fields, expected) in table {
            assert_eq!(client(peer, fields).0, expected, "{peer} {fields:?}");
        }
    }

    #[test]
    fn the_scheme_is_the_connection_s_or_what_a_listed_peer_says() {
        assert!(!client("1.1.1.1", &[("x-forwarded-proto", "https")]).1);
        assert!(client("10.0.0.1", &[("x-forwarded-proto", "https")]).1);
        assert!(!client("10.0.0.1", &[("x-forwarded-proto", "HTTPS, http")]).1);
    }

    fn head(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = b"\r\n\r\n\0\r\nQUIT\n".to_vec();
        bytes.extend([command, family]);
        bytes.extend(u16::try_from(rest.len()).unwrap().to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    #[tokio::test]
    async fn proxy_heads_of_version_2_name_the_client() {
        let v4 = [6, 6, 6, 6, 7, 7, 7, 7, 0, 80, 0, 80];
        let mut v6 = [0; 36];
        v6[..2].copy_from_slice(&[0x20, 1]);
        let table = [
            (head(0x21, 0x11, &v4), Some(Some("6.6.6.6"))),
            (head(0x21, 0x21, &v6), Some(Some("2001::"))),
            (head(0x20, 0x00, &[]), Some(None)),
            (head(0x21, 0x11, &[6, 6]), None),
            (head(0x21, 0x31, &v4), None),
            (head(0x22, 0x11, &v4), None),
            (head(0x11, 0x11, &v4), None),
            (head(0x21, 0x11, &[0; 2_000]), None),
            (b"PROXY TCP4 6.6.6.6 7.7.7.7 80 80\r\n".to_vec(), None),
            (b"GET / HTTP/1.1\r\n\r\n".to_vec(), None),
            (Vec::new(), None),
        ];
        for (bytes, expected) in table {
            let got = proxied(&mut bytes.as_slice()).await.ok();
            let expected = expected.map(|named| named.map(|text| text.parse::<IpAddr>().unwrap()));
            assert_eq!(got, expected, "{bytes:?}");
        }
        let mut with_more = head(0x21, 0x11, &v4);
        with_more.extend(b"GET");
        let mut rest = with_more.as_slice();
        proxied(&mut rest).await.unwrap();
        assert_eq!(rest, b"GET");
    }
}
