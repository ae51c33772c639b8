//! Pictures of people: made square, kept in the data folder or in the OSS bucket.

use crate::app::App;
use crate::config::AvatarBackend;
use crate::error::{Error, Result};
use crate::model::UserId;
use crate::oss::Oss;
use crate::{disk, keys, pictures};
use std::collections::HashSet;
use std::fs;

/// Largest upload in bytes.
pub const LARGEST: usize = 10 << 20;
/// Pixels a side.
const SIDE: u32 = 512;
/// What our own avatars' addresses begin with, below the base path.
const PREFIX: &str = "/avatars/";

/// Makes an avatar of an uploaded picture.
pub fn prepare(upload: &[u8]) -> Result<Vec<u8>> {
    if upload.len() > LARGEST {
        return Err(too_large());
    }
    pictures::square_png(upload, SIDE, "avatar")
}

/// The bucket that avatars go to, where they do: then `keep` waits for another server.
pub fn bucket(app: &App) -> Option<&Oss> {
    app.oss.as_ref().filter(|_| app.config.avatar == AvatarBackend::Oss)
}

/// Keeps what `prepare` made. Returns it as it is kept.
pub fn keep(app: &App, user: UserId, png: &[u8]) -> Result<String> {
    let random = keys::random_hex(16).map_err(Error::internal)?;
    let avatar = match bucket(app) {
        Some(oss) => oss.upload(user, &random, png, app.clock.now())?,
        None => {
            let name = format!("{}_{random}.png", user.0);
            disk::put(&app.avatars(), &name, png).map_err(|e| Error::Storage(e.to_string()))?;
            format!("{PREFIX}{name}")
        }
    };
    replace(app, user, avatar)
}

/// The picture has too many bytes.
pub fn too_large() -> Error {
    Error::TooLarge("too_large", "The picture is larger than 10 MiB.".into())
}

/// Takes an address: a picture uploaded to the bucket by a form signed for this user, or one that the user has here.
pub fn set_url(app: &App, user: UserId, url: &str) -> Result<String> {
    let url = url.trim();
    let in_bucket = app.oss.as_ref().and_then(|oss| oss.key_of(url, user).map(|key| oss.url(key)));
    let avatar = in_bucket.or_else(|| own_path(app, user, url)).ok_or_else(|| {
        Error::field("url", "This is not the address of a picture that was uploaded here for this account.")
    })?;
    replace(app, user, avatar)
}

fn own_path(app: &App, user: UserId, url: &str) -> Option<String> {
    let server = &app.config.server;
    let path = match &server.public_url {
        Some(public) => url.strip_prefix(&public.to_string()).unwrap_or(url),
        None => url,
    };
    let path = path.strip_prefix(&server.base_path).unwrap_or(path);
    let name = path.strip_prefix(PREFIX)?;
    let owned = name.starts_with(&format!("{}_", user.0)) && is_name(name);
    (owned && app.avatars().join(name).is_file()).then(|| path.to_owned())
}

fn replace(app: &App, user: UserId, avatar: String) -> Result<String> {
    let before = app.store.set_avatar(user, avatar.clone())?;
    if before.as_ref() != Some(&avatar) {
        remove(app, before.as_deref());
    }
    Ok(avatar)
}

/// The bytes of an avatar of ours; `None` where there is none of that name.
pub fn read(app: &App, name: &str) -> Option<Vec<u8>> {
    if !is_name(name) {
        return None;
    }
    fs::read(app.avatars().join(name)).ok()
}

/// The address that a browser can use.
pub fn address(app: &App, avatar: &str) -> String {
    let server = &app.config.server;
    if !avatar.starts_with(PREFIX) {
        return avatar.to_owned();
    }
    let public = server.public_url.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{public}{}{avatar}", server.base_path)
}

/// Removes a picture of ours that nobody refers to any more.
pub fn remove(app: &App, avatar: Option<&str>) {
    if let Some(name) = avatar.and_then(|avatar| avatar.strip_prefix(PREFIX)).filter(|name| is_name(name)) {
        // One that cannot be removed now goes with the next sweep.
        let _ = fs::remove_file(app.avatars().join(name));
    }
}

/// Removes what an end without warning left between a picture's file and its row.
pub fn sweep(app: &App) -> Result<()> {
    let used: HashSet<String> = app.store.avatars()?.into_iter().collect();
    for name in disk::names(&app.avatars()) {
        if !used.contains(&format!("{PREFIX}{name}")) {
            let _ = fs::remove_file(app.avatars().join(name));
        }
    }
    Ok(())
}

/// `{user}_{32 hexadecimal digits}.png`: what names we give, and therefore never a path.
pub fn is_name(name: &str) -> bool {
    let parts = name.strip_suffix(".png").and_then(|stem| stem.split_once('_'));
    parts.is_some_and(|(user, random)| {
        user.bytes().all(|b| b.is_ascii_digit())
            && random.len() == 32
            && random.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn u9_u14_names_are_never_paths() {
        let good = format!("7_{}.png", "a".repeat(32));
        assert!(is_name(&good));
        for bad in [
            "../gpt-assistant.db".to_owned(),
            format!("../{good}"),
            format!("{good}/.."),
            format!("{good}.new"),
            good.replace("7_", "7_/"),
            good.replace('a', "."),
            good.replace(".png", ".svg"),
            String::new(),
        ] {
            assert!(!is_name(&bad), "{bad}");
        }
    }
}
