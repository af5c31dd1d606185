//! The edge between real sockets: clients on one side, two public origins, an admin origin and a purge feed on
//! the other. Nothing here sleeps; tests wait for states.

#[cfg(test)]
mod acme;
mod cache;
#[cfg(test)]
mod codings;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod far;
#[cfg(test)]
mod frames;
mod front;
#[cfg(test)]
mod hot;
#[cfg(test)]
mod lies;
mod limits;
#[cfg(test)]
mod pebble;
#[cfg(test)]
mod pool;
mod purge;
mod purge_model;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod secure;
#[cfg(test)]
mod slices;
#[cfg(test)]
mod smuggling;
#[cfg(test)]
mod streaming;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
#[cfg(test)]
mod upstream;
