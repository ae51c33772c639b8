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
use std::time::{Duration, Instant};

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
/// A count that takes longer is not done again at once, but after so many times as long: whoever has no room left, and a
/// great many turns, shall not have them gone through at each try.
const QUICK: Duration = Duration::from_millis(50);
const REST: u32 = 20;

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

/// How much a person may write before what is kept is counted anew.
#[derive(Clone, Copy)]
struct Room {
    left: u64,
    /// Not before this time, though nothing be left.
    count_after: Instant,
}

/// All of these limits.
pub struct Limits {
    chat: Option<DefaultKeyedRateLimiter<Who>>,
    api: Option<DefaultKeyedRateLimiter<Who>>,
    login: Option<DefaultKeyedRateLimiter<Who>>,
    register: Option<DefaultKeyedRateLimiter<Who>>,
    clock: DefaultClock,
    running: Running,
    text: Mutex<HashMap<UserId, Room>>,
    /// Held by who counts what a person keeps.
    counting: Mutex<()>,
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
            counting: Mutex::default(),
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
        if self.take_room(user, bytes) {
            return Ok(());
        }
        // One after the other: whoever asks often with no room left keeps one reader from the others, not all.
        let _one = self.counting.lock().unwrap_or_else(PoisonError::into_inner);
        let began = Instant::now();
        let counted = self.text().get(&user).is_some_and(|room| began < room.count_after);
        if !counted {
            let left = self.text_per_user.saturating_sub(kept()?);
            let took = began.elapsed();
            let rest = if took < QUICK { Duration::ZERO } else { took * REST };
            self.text().insert(user, Room { left, count_after: Instant::now() + rest });
        }
        if self.take_room(user, bytes) {
            return Ok(());
        }
        self.refused.add("text", 1);
        let sentence = "Your room for conversations is used up. Delete some for good, in the trash too.";
        Err(Error::TooLarge("text_full", sentence.into()))
    }

    /// Takes it of what is left, if that is enough.
    fn take_room(&self, user: UserId, bytes: u64) -> bool {
        let mut text = self.text();
        let uncounted = || Room { left: self.text_per_user / UNCOUNTED, count_after: Instant::now() };
        let room = text.entry(user).or_insert_with(uncounted);
        let rest = room.left.checked_sub(bytes);
        room.left = rest.unwrap_or(room.left);
        rest.is_some()
    }

    /// What came in answer is kept, whether there is room for it or not.
    pub fn text_came(&self, user: UserId, bytes: usize) {
        if let Some(room) = self.text().get_mut(&user) {
            room.left = room.left.saturating_sub(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }

    fn text(&self) -> MutexGuard<'_, HashMap<UserId, Room>> {
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
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

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
    fn who_keeps_very_much_is_not_counted_at_each_try_nor_by_many_at_once() {
        let limits = Limits::new(&config::Limits { text_per_user: 1000, ..config::Limits::default() });
        let counts = AtomicU32::new(0);
        let tries = || {
            let count = || {
                counts.fetch_add(1, Relaxed);
                std::thread::sleep(QUICK * 10);
                Ok(900)
            };
            (0..3).filter(|_| limits.keep_text(UserId(1), 40, count).is_ok()).count()
        };
        let taken: usize = std::thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|_| scope.spawn(tries)).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum()
        });
        assert_eq!((taken, counts.load(Relaxed)), (2, 1), "room is given away once");
        let rest = limits.text()[&UserId(1)].count_after - Instant::now();
        assert!(rest <= QUICK * 10 * REST * 2, "{rest:?}");
        limits.text().get_mut(&UserId(1)).unwrap().count_after = Instant::now();
        limits.keep_text(UserId(1), 100, || Ok(0)).unwrap();
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
