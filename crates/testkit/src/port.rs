//! Ports for programs that must be told where to listen.

use std::net::Ipv4Addr;
use tokio::net::TcpSocket;

/// A port of loopback that nobody else is given for as long as this lives, and on which one program may listen: the
/// kernel keeps it out of what it deals, and lets a listener that reuses addresses, as servers do, have it all the same.
#[derive(Debug)]
pub struct Port {
    _held: TcpSocket,
    number: u16,
}

impl Port {
    /// One that is free.
    pub fn reserve() -> Self {
        Self::hold(0).expect("loopback has free ports")
    }

    /// Two that are free, one above the other.
    pub fn reserve_pair() -> [Self; 2] {
        let above = |below: Self| Some([Self::hold(below.number.checked_add(1)?)?, below]);
        let [above, below] = std::iter::repeat_with(Self::reserve).find_map(above).expect("two are free");
        [below, above]
    }

    /// Its number.
    pub const fn number(&self) -> u16 {
        self.number
    }

    fn hold(number: u16) -> Option<Self> {
        let socket = TcpSocket::new_v4().ok()?;
        socket.set_reuseaddr(number == 0).ok()?;
        socket.bind((Ipv4Addr::LOCALHOST, number).into()).ok()?;
        socket.set_reuseaddr(true).ok()?;
        let number = socket.local_addr().ok()?.port();
        Some(Self { _held: socket, number })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn one_program_listens_where_nobody_else_is_sent() {
        let [below, above] = Port::reserve_pair();
        assert_eq!(below.number() + 1, above.number());
        for port in [below, above] {
            let at = (Ipv4Addr::LOCALHOST, port.number());
            assert!(Port::hold(port.number()).is_none(), "it is held");
            let listener = TcpListener::bind(at).unwrap();
            assert!(TcpListener::bind(at).is_err());
            drop(listener);
            drop(TcpListener::bind(at).unwrap());
        }
    }
}
