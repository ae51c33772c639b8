//! How many connections there are, in all and from each address.

use crate::{config, limits};
use ipnet::IpNet;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All connections.
pub struct Crowd {
    most: usize,
    most_per_address: usize,
    uncounted: Vec<IpNet>,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    all: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// A connection's place. Dropping it frees it.
pub struct Place {
    crowd: Arc<Crowd>,
    address: Option<IpAddr>,
}

impl Crowd {
    /// At most `most`, and otherwise with the limits of the configuration.
    pub fn new(config: &config::Server, most: usize) -> Arc<Crowd> {
        Arc::new(Crowd {
            most,
            most_per_address: config.max_connections_per_address,
            uncounted: config.trusted_proxies.clone(),
            inside: Mutex::default(),
        })
    }

    /// A place, unless there are too many. Loopback and trusted proxies speak for many people.
    pub fn enter(self: &Arc<Crowd>, peer: IpAddr) -> Option<Place> {
        let peer = peer.to_canonical();
        let uncounted = peer.is_loopback() || self.uncounted.iter().any(|net| net.contains(&peer));
        let peer = limits::network(peer);
        let mut inside = self.lock();
        if inside.all >= self.most {
            return None;
        }
        if !uncounted {
            let count = inside.by_address.entry(peer).or_default();
            if *count >= self.most_per_address {
                return None;
            }
            *count += 1;
        }
        inside.all += 1;
        Some(Place { crowd: self.clone(), address: (!uncounted).then_some(peer) })
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut inside = self.crowd.lock();
        inside.all -= 1;
        if let Some(address) = self.address
            && let Some(count) = inside.by_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                inside.by_address.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h2_caps_in_all_and_by_address() {
        let config = config::Server {
            max_connections_per_address: 2,
            trusted_proxies: vec!["10.0.0.0/8".parse().unwrap()],
            ..config::Server::default()
        };
        let crowd = Crowd::new(&config, 5);
        let enter = |address: &str| crowd.enter(address.parse().unwrap());
        let held: Vec<Place> =
            [enter("192.0.2.1"), enter("::ffff:192.0.2.1")].into_iter().flatten().collect();
        assert_eq!(held.len(), 2);
        assert!(enter("192.0.2.1").is_none());
        let network: Vec<Place> = (0..3).filter_map(|i| enter(&format!("2001:db8::{i}"))).collect();
        assert_eq!(network.len(), 2, "a host has a whole network to come from");
        drop(network);
        let proxies: Vec<Place> = (0..3).filter_map(|_| enter("10.1.2.3")).collect();
        assert_eq!(proxies.len(), 3);
        assert!(enter("127.0.0.1").is_none(), "full");
        drop(proxies);
        assert!(enter("127.0.0.1").is_some() && enter("192.0.2.1").is_none());
        drop(held);
        assert!(enter("192.0.2.1").is_some());
        assert!(crowd.lock().by_address.is_empty());
    }
}
