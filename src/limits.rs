//! How often, by token buckets for each account or address on the monotonic clock; a limit of 0 is none. And how much at
//! once, of what takes memory or disk for as long as its other end likes, or for good.

use crate::config;
use crate::error::{Error, Result};
use crate::metrics::Counts;
use crate::model::UserId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Files of one person that are on their way at once: as many as go with a message.
const UPLOADS: usize = 8;
/// Exports of one person at once, each a file on the disk until the last byte is sent.
const DOWNLOADS: usize = 4;
/// Bytes of replies that one person may leave unread, a minute's worth of lists being gigabytes: beyond it, whoever asks
/// for more shall read first.
const UNREAD: usize = 64 << 20;

/// Of the text that a person may keep, the part that is written after a start before anything is counted: to count goes
/// through all that there is, and hardly anybody comes near.
const UNCOUNTED: u64 = 64;

/// Whose doings are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// An account.
    User(UserId),
    /// An IPv4 address, or the /64 network of an IPv6 one: a host has a whole one to choose from.
    Address(IpAddr),
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A message to the model.
    Chat,
    /// Any request.
    Api,
    /// A try of a password or code.
    Login,
    /// A new account.
    Register,
}

/// What one person may do so often at once, or so much of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transfer {
    /// A file comes.
    Upload,
    /// An export is written and sent.
    Download,
    /// A reply waits in memory for its reader.
    Reply,
}

type Running = Arc<Mutex<HashMap<(UserId, Transfer), usize>>>;

/// A transfer that goes on, until it is dropped.
pub struct Place {
    running: Running,
    of: (UserId, Transfer),
    weight: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = running.get_mut(&self.of) {
            *count -= self.weight;
            if *count == 0 {
                running.remove(&self.of);
            }
        }
    }
}

/// All of these limits.
pub struct Limits {
    chat: Option<DefaultKeyedRateLimiter<Who>>,
    api: Option<DefaultKeyedRateLimiter<Who>>,
    login: Option<DefaultKeyedRateLimiter<Who>>,
    register: Option<DefaultKeyedRateLimiter<Who>>,
    clock: DefaultClock,
    running: Running,
    /// How much each person may write before what is kept is counted anew.
    text: Mutex<HashMap<UserId, u64>>,
    text_per_user: u64,
    refused: Counts<&'static str>,
}

impl Who {
    /// The address, or its network.
    pub fn address(address: IpAddr) -> Who {
        Who::Address(network(address))
    }
}

/// What one host has to choose from: its IPv4 address, or the /64 network of its IPv6 one.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 => v4,
    }
}

impl Limits {
    /// As configured.
    pub fn new(config: &config::Limits) -> Limits {
        let limiter = |count: u32, quota: fn(NonZeroU32) -> Quota| {
            NonZeroU32::new(count).map(|count| RateLimiter::keyed(quota(count)))
        };
        Limits {
            chat: limiter(config.chat_per_minute, Quota::per_minute),
            api: limiter(config.api_per_minute, Quota::per_minute),
            login: limiter(config.login_per_minute, Quota::per_minute),
            register: limiter(config.register_per_hour, Quota::per_hour),
            clock: DefaultClock::default(),
            running: Running::default(),
            text: Mutex::default(),
            text_per_user: config.text_per_user,
            refused: Counts::default(),
        }
    }

    /// Counts one, or says how long to wait.
    pub fn take(&self, action: Action, who: Who) -> Result<()> {
        let (limiter, word) = match action {
            Action::Chat => (&self.chat, "chat"),
            Action::Api => (&self.api, "api"),
            Action::Login => (&self.login, "login"),
            Action::Register => (&self.register, "register"),
        };
        let Some(limiter) = limiter else {
            return Ok(());
        };
        limiter.check_key(&who).map_err(|not_yet| {
            self.refused.add(word, 1);
            let wait = not_yet.wait_time_from(self.clock.now()).as_secs_f64().ceil();
            let seconds = (wait as u64).max(1);
            let sentence = match action {
                Action::Chat => "Too many questions at once.",
                Action::Api => "Too many requests.",
                Action::Login => "Too many tries.",
                Action::Register => "Too many new accounts from this address.",
            };
            Error::Limited(
                "rate_limited",
                format!("{sentence} You can go on in {seconds} s.").into(),
                seconds,
            )
        })
    }

    /// Takes a place for a transfer, or says that the person has enough of them.
    pub fn begin(&self, user: UserId, transfer: Transfer) -> Result<Place> {
        let (most, word) = match transfer {
            Transfer::Upload => (UPLOADS, "upload"),
            Transfer::Download => (DOWNLOADS, "download"),
            Transfer::Reply => (UNREAD, "unread"),
        };
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let count = running.entry((user, transfer)).or_default();
        if *count >= most {
            self.refused.add(word, 1);
            let sentence = match transfer {
                Transfer::Reply => {
                    "Replies to you wait to be read. Read them, or close their connections.".into()
                }
                _ => format!("{most} of yours are on their way already. Wait for one to end."),
            };
            return Err(Error::Limited("rate_limited", sentence.into(), 5));
        }
        *count += 1;
        Ok(Place { running: self.running.clone(), of: (user, transfer), weight: 1 })
    }

    /// Counts what a reply holds in memory until its reader has taken it. Nothing is refused for it: it is there.
    pub fn hold(&self, user: UserId, bytes: usize) -> Place {
        let of = (user, Transfer::Reply);
        *self.running.lock().unwrap_or_else(PoisonError::into_inner).entry(of).or_default() += bytes;
        Place { running: self.running.clone(), of, weight: bytes }
    }

    /// Takes room for `bytes` of text that are about to be kept, or says that there is none. `kept` counts what is, and is
    /// asked only when what was left at the last count is used up.
    pub fn keep_text(&self, user: UserId, bytes: usize, kept: impl FnOnce() -> Result<u64>) -> Result<()> {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let counted = self.text().get(&user).copied();
        let mut left = counted.unwrap_or(self.text_per_user / UNCOUNTED);
        if left < bytes {
            left = self.text_per_user.saturating_sub(kept()?);
        }
        let rest = left.checked_sub(bytes).ok_or_else(|| {
            self.refused.add("text", 1);
            let sentence = "Your room for conversations is used up. Delete some for good, in the trash too.";
            Error::TooLarge("text_full", sentence.into())
        })?;
        self.text().insert(user, rest);
        Ok(())
    }

    /// What came in answer is kept, whether there is room for it or not.
    pub fn text_came(&self, user: UserId, bytes: usize) {
        if let Some(left) = self.text().get_mut(&user) {
            *left = left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    fn text(&self) -> MutexGuard<'_, HashMap<UserId, u64>> {
        self.text.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often each limit was reached.
    pub fn refused(&self) -> Vec<(&'static str, u64)> {
        self.refused.all()
    }

    /// Forgets who has not done anything for a while, so that memory does not grow with every address ever seen.
    pub fn forget_idle(&self) {
        for limiter in [&self.chat, &self.api, &self.login, &self.register].into_iter().flatten() {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(login_per_minute: u32) -> Limits {
        Limits::new(&config::Limits { login_per_minute, ..config::Limits::default() })
    }

    #[test]
    fn a17_the_eleventh_waits_and_others_do_not() {
        let limits = limits(10);
        let (a, b) = (Who::address([10, 0, 0, 1].into()), Who::address([10, 0, 0, 2].into()));
        for _ in 0..10 {
            limits.take(Action::Login, a).unwrap();
        }
        let Err(Error::Limited("rate_limited", _, seconds)) = limits.take(Action::Login, a) else {
            panic!("not limited");
        };
        assert!((1..=6).contains(&seconds), "{seconds}");
        limits.take(Action::Login, b).unwrap();
        limits.take(Action::Chat, a).unwrap();
    }

    #[test]
    fn what_is_kept_is_counted_only_when_it_may_matter() {
        let (a, b) = (UserId(1), UserId(2));
        let limits = Limits::new(&config::Limits { text_per_user: 64_000, ..config::Limits::default() });
        let counts = std::cell::Cell::new(0);
        let keep = |user, bytes, kept| {
            let count = || {
                counts.set(counts.get() + 1);
                Ok(kept)
            };
            limits.keep_text(user, bytes, count).is_ok()
        };
        assert!((0..10).all(|_| keep(a, 100, 50_000)));
        assert_eq!(counts.get(), 0, "a small part of it is nobody's concern");
        assert!(keep(a, 1, 50_000) && keep(a, 10_000, 50_000));
        assert_eq!(counts.get(), 1);
        limits.text_came(a, 3_999);
        assert!(!keep(a, 1, 64_000), "used up, by what came");
        assert!(keep(a, 64_000, 0), "and free again");
        assert_eq!(counts.get(), 3);
        assert!(keep(b, 1000, 64_000) && !keep(b, 1, 64_000));
    }

    #[test]
    fn h10_a_network_counts_as_one_and_zero_is_no_limit() {
        let limits = limits(1);
        let who = |text: &str| Who::address(text.parse().unwrap());
        limits.take(Action::Login, who("2001:db8::1")).unwrap();
        assert!(limits.take(Action::Login, who("2001:db8::ffff:1")).is_err());
        limits.take(Action::Login, who("2001:db8:0:1::1")).unwrap();
        assert_eq!(who("::ffff:10.0.0.1"), who("10.0.0.1"));
        let open = self::limits(0);
        (0..1000).for_each(|_| open.take(Action::Login, who("::1")).unwrap());
    }
}
