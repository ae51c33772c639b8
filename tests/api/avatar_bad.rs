//! What only looks like a picture, or is more of one than anybody needs. Every one is made here.

use crate::pictures::{chunk, files, gif, jpeg, png, png_of, quarters, upload, webp, with_exif};
use crate::support::Server;
use image::DynamicImage;
use std::time::{Duration, Instant};

#[test]
fn u2_ten_mebibytes_and_not_a_byte_more() {
    let server = Server::start();
    let ann = server.user("ann");
    let mut padded = jpeg(&quarters(64, 64));
    padded.resize(10 << 20, 0);
    upload(&ann, &padded).expect(200);
    padded.push(0);
    upload(&ann, &padded).fails(413, "too_large");
    padded.resize(12 << 20, 0);
    upload(&ann, &padded).fails(413, "too_large");
    assert_eq!(files(&server).len(), 1);
}

#[test]
fn u3_u4_u5_content_decides_and_nothing_else_is_kept() {
    let server = Server::start();
    let ann = server.user("ann");
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    let icon = [b"\0\0\x01\0\x01\0\x01\x01\0\0\x01\0\x20\0".as_slice(), &[0; 60]].concat();
    for (name, bytes) in [
        ("svg", svg.as_slice()),
        ("svg without prolog", b"<svg/>"),
        ("gzip", b"\x1F\x8B\x08\0\0\0\0\0\0\x03"),
        ("data address", b"data:image/png;base64,iVBORw0KGgo="),
        ("html", b"<!doctype html><script>alert(1)</script>"),
        ("pdf", b"%PDF-1.7\n"),
        ("tiff", b"II*\0\x08\0\0\0"),
        ("bmp", b"BM\x3A\0\0\0\0\0\0\0\x36\0\0\0"),
        ("ico", &icon),
        ("heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("avif", b"\0\0\0\x1Cftypavif\0\0\0\0mif1avif"),
        ("text", b"hello"),
        ("magic alone", b"\x89PNG\r\n\x1A\n"),
        ("jpeg magic alone", b"\xFF\xD8\xFF\xE0"),
        ("zeros", &[0; 1000]),
    ] {
        for (file, kind) in [("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.svg", "image/svg+xml")] {
            let body =
                ann.upload("/api/user/avatar", "avatar", file, kind, bytes).fails(400, "invalid_parameter");
            let sentence = body["fields"]["avatar"].as_str().unwrap_or_else(|| panic!("{name}: {body}"));
            let known = !matches!(name, "magic alone" | "jpeg magic alone");
            assert_eq!(sentence.contains("PNG, JPEG, WebP and GIF"), known, "{name}: {sentence}");
        }
    }
    let payload = b"<script>alert('CANARY')</script>PK\x03\x04CANARY";
    let shown = quarters(32, 32);
    for bytes in [png_of(&shown), jpeg(&shown), webp(&shown), gif(std::slice::from_ref(&shown))] {
        let reply =
            ann.upload("/api/user/avatar", "avatar", "a.html", "text/html", &[&bytes[..], payload].concat());
        if reply.status == 200 {
            let avatar = reply.json()["avatar"].as_str().unwrap().to_owned();
            assert!(avatar.ends_with(".png"), "{avatar}");
            let served = ann.get(&avatar).expect(200);
            assert!(!served.text().contains("CANARY"));
            assert_eq!(served.header("content-type"), Some("image/png"));
        } else {
            reply.names(&["avatar"]);
        }
    }
}

#[test]
fn u6_bombs_are_judged_by_their_head() {
    let server = Server::start();
    let ann = server.user("ann");
    let head = |width: u32, height: u32, depth: u8| {
        let mut head = [width.to_be_bytes(), height.to_be_bytes()].concat();
        head.extend([depth, 6, 0, 0, 0]);
        [b"\x89PNG\r\n\x1A\n".as_slice(), &chunk(b"IHDR", &head)].concat()
    };
    let squeezed = |length: usize| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, &vec![0; length]).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = squeezed(64 << 20);
    let end = chunk(b"IEND", b"");
    let picture = png(8, 8);
    let with = |name: &[u8; 4], data: &[u8]| [&picture[..33], &chunk(name, data), &picture[33..]].concat();
    for (name, bytes, status) in [
        ("11k a side", [head(11_000, 11_000, 8), chunk(b"IDAT", &bomb), end.clone()].concat(), 400),
        ("100k a side", [head(100_000, 100_000, 8), chunk(b"IDAT", &bomb[..100]), end.clone()].concat(), 400),
        ("2^31 a side", [head(1 << 31, 1 << 31, 8), end.clone()].concat(), 400),
        ("a line", [head(1, 65_535, 8), end.clone()].concat(), 400),
        ("nothing", [head(0, 0, 8), end.clone()].concat(), 400),
        ("no height", [head(8, 0, 8), end.clone()].concat(), 400),
        (
            "18 million pixels of eight bytes",
            [head(4_500, 4_000, 16), chunk(b"IDAT", &squeezed((8 * 4_500 + 1) * 4_000)), end.clone()]
                .concat(),
            400,
        ),
        ("24 million and some", [head(8_192, 2_930, 8), chunk(b"IDAT", &bomb), end.clone()].concat(), 400),
        ("zTXt", with(b"zTXt", &[b"Comment\0\0".as_slice(), &bomb].concat()), 200),
        ("iCCP", with(b"iCCP", &[b"x\0\0".as_slice(), &bomb].concat()), 200),
        (
            "a jpeg of 65k",
            b"\xFF\xD8\xFF\xC0\0\x11\x08\xFF\xFF\xFF\xFF\x03\x01\x11\0\x02\x11\0\x03\x11\0\xFF\xD9".to_vec(),
            400,
        ),
        (
            "a gif of 65k",
            b"GIF89a\xFF\xFF\xFF\xFF\0\0\0,\0\0\0\0\xFF\xFF\xFF\xFF\0\x02\x02L\x01\0;".to_vec(),
            400,
        ),
        (
            "a webp of 16k",
            b"RIFF\x1A\0\0\0WEBPVP8L\x0D\0\0\0\x2F\xFF\xFF\xFF\x0F\0\0\0\0\0\0\0\0\0".to_vec(),
            400,
        ),
    ] {
        let began = Instant::now();
        let reply = upload(&ann, &bytes);
        assert!(began.elapsed() < Duration::from_secs(10), "{name}: {:?}", began.elapsed());
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
    }
    let many = vec![DynamicImage::new_rgb8(4, 4); 2_000];
    let began = Instant::now();
    upload(&ann, &gif(&many)).expect(200);
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[test]
fn u7_damaged_pictures_break_nothing() {
    let server = Server::start();
    let ann = server.user("ann");
    let shown = quarters(24, 16);
    let mut seed = 0x9E37_79B9_u32;
    for bytes in [png_of(&shown), with_exif(&shown, 6), webp(&shown), gif(&[shown.clone(), shown.clone()])] {
        for i in 0..20 {
            let reply = upload(&ann, &bytes[..1 + (bytes.len() - 1) * i / 20]);
            assert!([200, 400].contains(&reply.status), "{}", reply.text());
        }
        for _ in 0..60 {
            let mut broken = bytes.clone();
            for _ in 0..3 {
                seed ^= seed << 13;
                seed ^= seed >> 17;
                seed ^= seed << 5;
                let at = seed as usize % broken.len();
                broken[at] ^= 1 << (seed >> 29);
            }
            let reply = upload(&ann, &broken);
            assert!([200, 400].contains(&reply.status), "{}", reply.text());
        }
    }
    upload(&ann, &png(8, 8)).expect(200);
    assert_eq!(files(&server).len(), 1);
}

#[test]
fn u10_forms_that_hold_no_picture() {
    let server = Server::start();
    let ann = server.user("ann");
    let send = |kind: &str, body: &[u8]| ann.send("POST", "/api/user/avatar", Some(kind), body);
    let kind = "multipart/form-data; boundary=b";
    let part = |name: &str, body: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{body}\r\n")
    };
    let end = "--b--\r\n";
    let began = Instant::now();
    for (body, code) in [
        (String::new(), "invalid_request"),
        (end.to_owned(), "invalid_parameter"),
        (format!("{}{end}", part("avatar", "")), "invalid_parameter"),
        (format!("{}{end}", part("avatar", "just text")), "invalid_parameter"),
        (format!("{}{end}", part("file", "x")), "invalid_parameter"),
        (format!("{}{end}", part("x", "y").repeat(1_000)), "invalid_parameter"),
        (part("avatar", "never ends"), "invalid_parameter"),
        ("--b\r\nContent-Disposition: form-data; name=\"avatar\"".into(), "invalid_request"),
        (format!("--other\r\n\r\n{end}"), "invalid_parameter"),
        (format!("--b\r\nno header\r\n\r\nx\r\n{end}"), "invalid_request"),
        (
            format!("--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx\r\n--c--\r\n{end}"),
            "invalid_parameter",
        ),
    ] {
        let reply = send(kind, body.as_bytes());
        assert_eq!(reply.status, 400, "{body:.80}: {}", reply.text());
        let found = reply.json()["code"].clone();
        assert!(found == code || found == "invalid_request", "{body:.80}: {found}");
    }
    assert!(began.elapsed() < Duration::from_secs(3));
    for no_boundary in
        ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; charset=utf-8"]
    {
        send(no_boundary, b"x").fails(400, "invalid_request");
    }
    for other in ["application/json", "image/png", "application/x-www-form-urlencoded"] {
        send(other, &png(8, 8)).fails(415, "unsupported_media_type");
    }
    // Of two files the first counts; other fields are passed over.
    let picture = png(8, 8);
    let first = format!(
        "{}--b\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"f\"\r\n\r\n",
        part("x", "y")
    );
    let body =
        [first.as_bytes(), &picture, b"\r\n", part("avatar", "second").as_bytes(), end.as_bytes()].concat();
    send(kind, &body).expect(200);
    assert_eq!(files(&server).len(), 1);
}

#[test]
fn u11_a_picture_may_come_in_chunks() {
    let server = Server::start();
    let ann = server.user("ann");
    let picture = png(8, 8);
    let head = "--b\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"f\"\r\n\r\n";
    let body = [head.as_bytes(), &picture, b"\r\n--b--\r\n"].concat();
    let mut request = format!(
        "POST /api/user/avatar HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\n\r\n",
        ann.token.clone().unwrap()
    )
    .into_bytes();
    for piece in body.chunks(7) {
        request.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        request.extend_from_slice(piece);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let answer = ann.raw(&request);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
