//! A chat with a picture. It was uploaded while its sender was still writing, so that is a line of
//! its own; the chat is what has to be waited for.
use super::chat::added;
use super::p50_of;
use crate::client::{Caller, Shot};
use crate::lab::{Lab, MESSAGE, Server};
use crate::report::{Figure, Goal};
use crate::script::Script;
use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

/// What a picture is to have, as the server writes it anew.
const BYTES: std::ops::Range<usize> = 1_900_000..2_200_000;
/// The grain's lowest bits: more make it larger.
const GRAIN: u32 = 63;
const BOUNDARY: &str = "a-line-that-is-in-no-picture";

/// The upload, and the chat beside one that asks the upstream directly.
pub fn measure(lab: &Lab) -> Result<Vec<Figure>> {
    lab.upstream.play(Script::AT_ONCE);
    let server = Server::start(lab, &lab.home("picture")?)?;
    let token = server.register()?;
    let upload = upload(&server, &token, &photograph()?);
    let mut caller = Caller::new(server.addr);
    let id = caller.json(&upload.bytes).context("upload")?["id"].to_string();
    let get = Shot::get(server.addr, &format!("/api/files/{id}"), &token);
    let kept = caller.call(&get.bytes)?.body.clone();
    ensure!(BYTES.contains(&kept.len()), "the picture has {} bytes", kept.len());

    let body = format!(r#"{{"message":"{MESSAGE}","attachments":[{id}]}}"#);
    let ours = Shot::post(server.addr, "/api/chat", &token, &body);
    let content = format!(
        r#"[{{"type":"text","text":"{MESSAGE}"}},{{"type":"image_url","image_url":{{"url":"data:image/jpeg;base64,{}"}}}}]"#,
        BASE64_STANDARD.encode(&kept)
    );
    let direct = lab.asked(lab.upstream.addr, &content, false);
    let nginx = lab.nginx.as_ref().map(|nginx| lab.asked(nginx.addr, &content, false));
    let targets: Vec<Shot> = [direct, ours].into_iter().chain(nginx).collect();
    let (rounds, count) = (lab.effort.rounds, lab.effort.requests / 5);
    let ways = added(&targets, rounds, count)?;
    let proxy = ways.get(2);
    Ok(vec![
        Figure::new("Chat with a picture of 2 MB: added latency, p50", "ms", ways[1].0)
            .nginx(proxy.map(|way| way.0))
            .goal(Goal::AtMost(30.0)),
        Figure::new("Chat with a picture of 2 MB: added latency, p99", "ms", ways[1].1)
            .nginx(proxy.map(|way| way.1)),
        Figure::new(
            "Its upload before that, made small and written anew, p50",
            "ms",
            p50_of(server.addr, &upload.bytes, rounds, count.div_ceil(5))?,
        ),
    ])
}

/// A form with the picture in it.
fn upload(server: &Server, token: &str, picture: &[u8]) -> Shot {
    let before = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"p.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n"
    );
    let after = format!("\r\n--{BOUNDARY}--\r\n");
    let length = before.len() + picture.len() + after.len();
    let mut bytes = format!(
        "POST /api/files HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {length}\r\n\r\n{before}"
    )
    .into_bytes();
    bytes.extend_from_slice(picture);
    bytes.extend_from_slice(after.as_bytes());
    Shot { addr: server.addr, bytes }
}

/// A JPEG of 1824 × 1368 pixels with surfaces and grain, larger than the server makes it.
fn photograph() -> Result<Vec<u8>> {
    let mut state = 88_172_645u32;
    let picture = RgbImage::from_fn(1824, 1368, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let grain = |shift: u32| (state >> shift & GRAIN) as u8;
        image::Rgb([(x >> 4) as u8 | grain(0), (y >> 4) as u8 | grain(8), ((x + y) >> 5) as u8 | grain(16)])
    });
    let mut jpeg = Vec::new();
    picture.write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 92))?;
    Ok(jpeg)
}
