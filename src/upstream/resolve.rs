//! A caching resolver: one look-up thread per host at a time, where ureq's own would start one per call. A waiting
//! call obeys `Stop` in slices; the look-up itself cannot be interrupted and is left behind, one per host at most.

use super::stop::Stop;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// After that an answer is looked up again, behind the caller's back.
const FRESH: Duration = Duration::from_secs(30);
/// While DNS is down the last answer serves that long.
const USABLE: Duration = Duration::from_secs(600);
/// While DNS is down: not a look-up a call.
const AGAIN: Duration = Duration::from_secs(5);
/// How soon a waiting call notices that it was stopped.
const SLICE: Duration = Duration::from_millis(25);
/// Where no time is set.
const LONGEST: Duration = Duration::from_secs(10);
/// ureq's own capacity.
const MOST_ADDRESSES: usize = 16;

/// Asks the system for the addresses of `host:port`.
pub type LookUp = fn(&str) -> io::Result<Vec<SocketAddr>>;

/// The cache.
#[derive(Debug)]
pub struct Cached {
    shared: Arc<Shared>,
    look_up: LookUp,
}

#[derive(Debug, Default)]
struct Shared {
    hosts: Mutex<HashMap<String, Entry>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Entry {
    good: Option<(Instant, Vec<SocketAddr>)>,
    failed: Option<(Instant, io::ErrorKind)>,
    looking: bool,
}

impl Default for Cached {
    fn default() -> Cached {
        Cached::with(|host| Ok(host.to_socket_addrs()?.collect()))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        self.hosts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn learn(&self, host: String, answer: io::Result<Vec<SocketAddr>>) {
        let mut hosts = self.lock();
        let entry = hosts.entry(host).or_default();
        entry.looking = false;
        match answer {
            Ok(found) if !found.is_empty() => {
                (entry.good, entry.failed) = (Some((Instant::now(), found)), None);
            }
            Ok(_) => entry.failed = Some((Instant::now(), io::ErrorKind::NotFound)),
            Err(error) => entry.failed = Some((Instant::now(), error.kind())),
        }
        self.changed.notify_all();
    }
}

impl Cached {
    /// With another way to ask.
    pub fn with(look_up: LookUp) -> Cached {
        Cached { shared: Arc::default(), look_up }
    }

    fn start(&self, host: &str, entry: &mut Entry) {
        if std::mem::replace(&mut entry.looking, true) {
            return;
        }
        let (shared, look_up, host) = (self.shared.clone(), self.look_up, host.to_owned());
        let thread = std::thread::Builder::new().name("dns".into()).spawn(move || {
            let answer = std::panic::catch_unwind(|| look_up(&host));
            shared.learn(host, answer.unwrap_or_else(|_| Err(io::Error::other("the look-up panicked"))));
        });
        if thread.is_err() {
            (entry.looking, entry.failed) = (false, Some((Instant::now(), io::ErrorKind::WouldBlock)));
        }
    }
}

impl Resolver for Cached {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let usual = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(usual);
        let mut found = self.empty();
        if let Ok(address) = host.trim_matches(['[', ']']).parse() {
            found.push(SocketAddr::new(address, port));
            return Ok(found);
        }
        let key = format!("{host}:{port}");
        let began = Instant::now();
        let end = began + timeout.not_zero().map_or(LONGEST, |t| *t);
        let mut hosts = self.shared.lock();
        loop {
            let entry = hosts.entry(key.clone()).or_default();
            if let Some((at, addresses)) = &entry.good
                && at.elapsed() < USABLE
            {
                let family = config.ip_family();
                let wanted = family.keep_wanted(addresses.clone().into_iter());
                wanted.take(MOST_ADDRESSES).for_each(|address| found.push(address));
                if at.elapsed() > FRESH && entry.failed.is_none_or(|(at, _)| at.elapsed() > AGAIN) {
                    self.start(&key, entry);
                }
                return if found.is_empty() { Err(Error::HostNotFound) } else { Ok(found) };
            }
            if let Some((_, kind)) = entry.failed.filter(|(at, _)| *at >= began) {
                return Err(match kind {
                    io::ErrorKind::NotFound => Error::HostNotFound,
                    kind => Error::Io(kind.into()),
                });
            }
            self.start(&key, entry);
            if let Some(stop) = Stop::current() {
                stop.check()?;
            }
            if Instant::now() >= end {
                return Err(Error::Timeout(timeout.reason));
            }
            hosts = self.shared.changed.wait_timeout(hosts, SLICE).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}
