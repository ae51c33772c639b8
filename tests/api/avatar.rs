//! `POST /api/user/avatar`: pictures of people, as they are kept and served. Every one is made in the test.

use crate::pictures::{
    CMYK_RED, chunk, exif, files, gif, jpeg, png, png_of, quarters, upload, webp, with_exif,
};
use crate::support::{Client, Server};
use image::{DynamicImage, GenericImageView};

/// Uploads, fetches what is served, and reads it as the PNG it must be.
#[track_caller]
fn stored(client: &Client, bytes: &[u8]) -> (Vec<u8>, DynamicImage) {
    let avatar = upload(client, bytes).expect(200).json()["avatar"].as_str().unwrap().to_owned();
    let served = client.get(&avatar).expect(200).body;
    let picture = image::load_from_memory_with_format(&served, image::ImageFormat::Png).unwrap();
    (served, picture)
}

/// Which of the four colours of `quarters` a pixel has.
fn colour(picture: &DynamicImage, x: u32, y: u32) -> &'static str {
    let [r, g, b, _] = picture.get_pixel(x, y).0;
    match (r > 128, g > 128, b > 128) {
        (true, false, false) => "red",
        (false, true, false) => "green",
        (false, false, true) => "blue",
        (true, true, true) => "white",
        _ => "other",
    }
}

fn corners(picture: &DynamicImage) -> [&'static str; 4] {
    let (w, h) = (picture.width() - 1, picture.height() - 1);
    [(w / 4, h / 4), (w * 3 / 4, h / 4), (w / 4, h * 3 / 4), (w * 3 / 4, h * 3 / 4)]
        .map(|(x, y)| colour(picture, x, y))
}

const UPRIGHT: [&str; 4] = ["red", "green", "blue", "white"];

#[test]
fn u1_each_kind_becomes_a_square_png() {
    let server = Server::start();
    let ann = server.user("ann");
    for (width, height, side) in
        [(600, 400, 400), (64, 64, 64), (1, 1, 1), (3, 7, 3), (1200, 900, 512), (2000, 513, 512)]
    {
        let shown = quarters(width, height);
        for (kind, bytes) in [
            ("png", png_of(&shown)),
            ("jpeg", jpeg(&shown)),
            ("webp", webp(&shown)),
            ("gif", gif(std::slice::from_ref(&shown))),
        ] {
            let (_, picture) = stored(&ann, &bytes);
            assert_eq!(picture.dimensions(), (side, side), "{kind} {width}x{height}");
            if width >= 64 {
                assert_eq!(corners(&picture), UPRIGHT, "{kind} {width}x{height}");
            }
        }
    }
    assert_eq!(files(&server).len(), 1, "a new picture takes the place of the old one");
}

#[test]
fn u8_c20_pictures_are_upright_and_say_nothing_of_where_they_were_taken() {
    let server = Server::start();
    let ann = server.user("ann");
    let shown = quarters(600, 400);
    for orientation in 1..=8 {
        let (served, picture) = stored(&ann, &with_exif(&shown, orientation));
        assert_eq!(corners(&picture), UPRIGHT, "orientation {orientation}");
        assert_eq!(picture.dimensions(), (400, 400));
        let text = String::from_utf8_lossy(&served);
        for trace in ["CANARY", "Exif", "eXIf", "iCCP", "iTXt", "tEXt", "photoshop", "xmp"] {
            assert!(!text.contains(trace), "{trace} at orientation {orientation}");
        }
    }
    // Out of range: as if it were not said.
    for orientation in [0, 9, 65_535] {
        stored(&ann, &with_exif(&shown, orientation));
    }
    let extra =
        [chunk(b"eXIf", &exif(6)[6..]), chunk(b"tEXt", b"Comment\0CANARY"), chunk(b"iCCP", b"x\0\0CANARY")]
            .concat();
    let plain = png_of(&shown);
    let (served, _) = stored(&ann, &[&plain[..33], &extra, &plain[33..]].concat());
    assert!(!String::from_utf8_lossy(&served).contains("CANARY"));
}

#[test]
fn c20_alpha_frames_and_colours() {
    let server = Server::start();
    let ann = server.user("ann");
    let mut clear = quarters(40, 40).to_rgba8();
    clear.put_pixel(0, 0, image::Rgba([10, 20, 30, 0]));
    let (_, picture) = stored(&ann, &png_of(&clear.into()));
    assert_eq!(picture.get_pixel(0, 0).0[3], 0, "what is clear stays clear");
    let frames = [quarters(40, 40), DynamicImage::new_rgb8(40, 40), DynamicImage::new_rgb8(40, 40)];
    assert_eq!(corners(&stored(&ann, &gif(&frames)).1), UPRIGHT, "the first frame");
    let deep = DynamicImage::ImageRgb16(quarters(40, 40).to_rgb16());
    assert_eq!(corners(&stored(&ann, &png_of(&deep)).1), UPRIGHT);
    let grey = DynamicImage::ImageLuma8(quarters(40, 40).to_luma8());
    stored(&ann, &png_of(&grey));
    stored(&ann, &jpeg(&grey));
    // Four inks, as printers write them: red is no cyan, all magenta, all yellow, no black.
    let (_, picture) = stored(&ann, CMYK_RED);
    assert_eq!(colour(&picture, 4, 4), "red", "{:?}", picture.get_pixel(4, 4));
}

#[test]
fn u9_the_name_of_the_file_does_not_matter() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = png(8, 8);
    for name in [
        "../../x.png",
        "..\\..\\x",
        "/etc/passwd",
        "a'b.png",
        &"n".repeat(5_000),
        ".htaccess",
        "con",
        "头像 1.png",
        "\u{202E}gnp.exe",
        "",
        "a%00.svg",
        "a;b=c.png",
    ] {
        let reply = ann.upload("/api/user/avatar", "avatar", name, "image/png", &picture).expect(200).json();
        let address = reply["avatar"].as_str().unwrap();
        let stem =
            address.strip_prefix("/avatars/1_").and_then(|rest| rest.strip_suffix(".png")).expect(address);
        assert!(stem.len() == 32 && stem.bytes().all(|b| b.is_ascii_hexdigit()), "{address}");
    }
    let found = files(&server);
    assert!(found.len() == 1 && found[0].to_string_lossy().ends_with(".png"), "{found:?}");
    let mut folder: Vec<String> = std::fs::read_dir(server.data_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    folder.sort_unstable();
    assert_eq!(
        folder,
        [
            "avatars",
            "files",
            "gpt-assistant.db",
            "gpt-assistant.db-shm",
            "gpt-assistant.db-wal",
            "lock",
            "master.key"
        ]
    );
}

#[test]
fn u13_u14_a_picture_is_served_as_a_picture_and_nothing_beside_it() {
    let server = Server::start();
    let ann = server.user("ann");
    let avatar = upload(&ann, &png(8, 8)).expect(200).json()["avatar"].as_str().unwrap().to_owned();
    assert_eq!(ann.get("/api/user").json()["avatar"], avatar.as_str());
    let served = server.anon().get(&avatar).expect(200);
    for (name, value) in [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox; frame-ancestors 'none'"),
        ("content-disposition", "inline; filename=\"avatar.png\""),
        ("cross-origin-resource-policy", "same-origin"),
        ("cache-control", "private, max-age=31536000, immutable"),
    ] {
        assert_eq!(served.header(name), Some(value));
    }
    let name = avatar.rsplit('/').next().unwrap();
    std::os::unix::fs::symlink("/etc/passwd", server.data_dir().join("avatars").join("link.png")).unwrap();
    for path in [
        "/avatars/../gpt-assistant.db",
        "/avatars/%2e%2e/gpt-assistant.db",
        "/avatars/..%2fgpt-assistant.db",
        "/avatars/..%5cgpt-assistant.db",
        "/avatars//etc/passwd",
        "/avatars/link.png",
        "/avatars/",
        "/avatars",
        "/avatars/.",
        &format!("/avatars/./{name}"),
        &format!("/avatars/{name}/"),
        &format!("/avatars/{name}.new"),
        &format!("/avatars/x/../{name}"),
        &format!("/avatars/{}", name.to_uppercase()),
    ] {
        let answer =
            ann.raw(format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").as_bytes());
        assert!(answer.starts_with("HTTP/1.1 404"), "{path}: {answer}");
    }
}

#[test]
fn u16_pictures_do_not_pile_up() {
    let server = Server::start();
    let ann = server.user("ann");
    let bob = server.user("bob");
    for side in 1..=30 {
        upload(&ann, &png(side, side)).expect(200);
    }
    upload(&bob, &png(8, 8)).expect(200);
    assert_eq!(files(&server).len(), 2);
    bob.send("DELETE", "/api/user", Some("application/json"), br#"{"password":"secret1"}"#).expect(200);
    assert_eq!(files(&server).len(), 1);
}
