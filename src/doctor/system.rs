//! The configuration as a file, the process's limits, the clock.

use super::{Tell, Visit, fail, ok, warn};
use crate::secret::Secret;
use rustix::process::{Resource, getrlimit};
use std::os::unix::fs::MetadataExt;

/// What the server has open beside connections and answers: database, log, pictures, libraries.
const OWN_FILES: u64 = 128;
/// Beginning of the year in which the first version was made: a clock before that is wrong.
const EARLIEST: i64 = 1_767_225_600;
/// Codes of two-factor login change every 30 seconds.
const APART: i64 = 30;

pub fn configuration(visit: &Visit, tell: Tell<'_>) {
    let config = &visit.config;
    let keys = match config.set.len() {
        1 => "1 key is set".to_owned(),
        count => format!("{count} keys are set"),
    };
    let Some(path) = &visit.file else {
        tell(ok("configuration", format!("no file; {keys}")));
        return;
    };
    let (text, mode) = (std::fs::read_to_string(path), std::fs::metadata(path).map_or(0, |meta| meta.mode()));
    let holds = |secret: &Secret| {
        !secret.is_empty() && text.as_ref().is_ok_and(|text| text.contains(secret.reveal()))
    };
    let (upstream, oss) = (&config.upstream, &config.oss);
    let secrets = [&upstream.api_key, &oss.access_key_secret, &oss.security_token, &config.metrics.token];
    if mode & 0o004 != 0 && secrets.into_iter().any(holds) {
        tell(warn(
            "configuration",
            format!("{} holds a secret, and every account of this machine may read it", path.display()),
            format!("chmod 640 {0}, and chgrp it to the server's group", path.display()),
        ));
    } else {
        tell(ok("configuration", format!("{}; {keys}", path.display())));
    }
}

/// A server raises its limit to the hard one by itself; more it cannot do.
pub fn open_files(visit: &Visit, tell: Tell<'_>) {
    let (server, upstream) = (&visit.config.server, &visit.config.upstream);
    let wanted = server.max_connections as u64 + 2 * upstream.max_concurrent as u64 + OWN_FILES;
    let Some(most) = getrlimit(Resource::Nofile).maximum else {
        tell(ok("open files", "no limit"));
        return;
    };
    let found = format!("{most} may be open here; the limits of the configuration may need {wanted}");
    if most < wanted {
        let todo = "set LimitNOFILE in the unit (ulimit -Hn elsewhere), or lower server.max_connections";
        tell(warn("open files", found, todo));
    } else {
        tell(ok("open files", found));
    }
}

/// `latest` is the newest time in the database, `theirs` the model service's clock and ours at the same moment.
pub fn clock(visit: &Visit, latest: i64, theirs: Option<(i64, i64)>, tell: Tell<'_>) {
    let now = visit.clock.now();
    let todo = "set the clock and keep it right: timedatectl set-ntp true";
    if now < EARLIEST {
        tell(fail("clock", "it stands before this program was made", todo));
    } else if latest > now + 60 {
        let said = "it stands before the newest message in the database: logins may end early or live on";
        tell(fail("clock", said, todo));
    } else if let Some((theirs, ours)) = theirs.filter(|(theirs, ours)| (theirs - ours).abs() > APART) {
        let apart = (ours - theirs).abs();
        let which = if ours > theirs { "ahead of" } else { "behind" };
        let said = format!("{apart} s {which} the model service's; codes of two-factor login may be refused");
        tell(warn("clock", said, todo));
    } else if theirs.is_some() {
        tell(ok("clock", "as the model service's"));
    } else {
        tell(ok("clock", "nothing here speaks against it"));
    }
}
