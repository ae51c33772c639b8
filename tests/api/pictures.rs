//! Pictures made by hand, good and bad.

use crate::support::{Client, Reply, Server};
use image::codecs::gif::GifEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, Frame, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::path::PathBuf;

/// Top left red, top right green, bottom left blue, bottom right white.
pub fn quarters(width: u32, height: u32) -> DynamicImage {
    let picture = RgbImage::from_fn(width, height, |x, y| match (x < width / 2, y < height / 2) {
        (true, true) => Rgb([255, 0, 0]),
        (false, true) => Rgb([0, 255, 0]),
        (true, false) => Rgb([0, 0, 255]),
        (false, false) => Rgb([255, 255, 255]),
    });
    DynamicImage::ImageRgb8(picture)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn png_of(picture: &DynamicImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Png)
}

pub fn png(width: u32, height: u32) -> Vec<u8> {
    png_of(&quarters(width, height))
}

pub fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    encoded(picture, ImageFormat::Jpeg)
}

pub fn webp(picture: &DynamicImage) -> Vec<u8> {
    encoded(picture, ImageFormat::WebP)
}

pub fn gif(frames: &[DynamicImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 30);
    encoder.encode_frames(frames.iter().map(|frame| Frame::new(frame.to_rgba8()))).unwrap();
    drop(encoder);
    bytes
}

/// An Exif block with an orientation, a maker's name and a place.
pub fn exif(orientation: u16) -> Vec<u8> {
    let mut block = b"Exif\0\0MM\0*\0\0\0\x08\0\x03".to_vec();
    block.extend(b"\x01\x0F\0\x02\0\0\0\x0C\0\0\0\x32"); // maker: 12 bytes of text at 50
    block.extend(b"\x01\x12\0\x03\0\0\0\x01");
    block.extend(orientation.to_be_bytes());
    block.extend(b"\0\0");
    block.extend(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x3E"); // the place is told at 62
    block.extend(b"\0\0\0\0");
    block.extend(b"CANARY-MAKE\0");
    block.extend(b"\0\x01\0\x12\0\x02\0\0\0\x0B\0\0\0\x50\0\0\0\0CANARY-GPS\0");
    block
}

/// A JPEG that is stored turned, and shows as `shown` to whoever heeds its Exif block.
pub fn with_exif(shown: &DynamicImage, orientation: u16) -> Vec<u8> {
    let turned_back = match orientation {
        6 => 8,
        8 => 6,
        other => other,
    };
    let mut kept = shown.clone();
    if let Some(orientation) = u8::try_from(turned_back).ok().and_then(Orientation::from_exif) {
        kept.apply_orientation(orientation);
    }
    let (plain, block) = (jpeg(&kept), exif(orientation));
    let length = u16::try_from(block.len() + 2).unwrap().to_be_bytes();
    let comment = b"\xFF\xFE\0\x10CANARY-COMMENT";
    [&plain[..2], b"\xFF\xE1", &length, &block, comment, &plain[2..]].concat()
}

/// A chunk of a PNG with its checksum.
pub fn chunk(name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    crc.update(name);
    crc.update(data);
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length[..], name, data, &crc.sum().to_be_bytes()].concat()
}

/// Eight by eight pixels of four inks (Adobe's way, inverted): red. Each component is one block with nothing but its mean.
pub const CMYK_RED: &[u8] = &[
    0xFF, 0xD8, // start
    0xFF, 0xEE, 0, 14, b'A', b'd', b'o', b'b', b'e', 0, 100, 0, 0, 0, 0, 0, // no transform
    0xFF, 0xDB, 0, 67, 0, // quantisation: 8 everywhere
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, //
    8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8, //
    0xFF, 0xC0, 0, 20, 8, 0, 8, 0, 8, 4, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0, 4, 0x11, 0, // frame
    0xFF, 0xC4, 0, 21, 0x00, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    7, // means: 0 -> 0, 10 -> 7 bits
    0xFF, 0xC4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, // the rest: 0 -> end of block
    0xFF, 0xDA, 0, 14, 4, 1, 0, 2, 0, 3, 0, 4, 0, 0, 63, 0, // scan
    0xBF, 0xA0, 0x08, 0x02, 0xFE, // 255, 1, 1, 255
    0xFF, 0xD9,
];

/// Sends a picture as the avatar.
pub fn upload(client: &Client, bytes: &[u8]) -> Reply {
    client.upload("/api/user/avatar", "avatar", "a.png", "image/png", bytes)
}

/// What is in the folder of the avatars.
pub fn files(server: &Server) -> Vec<PathBuf> {
    let folder = std::fs::read_dir(server.data_dir().join("avatars")).unwrap();
    folder.map(|entry| entry.unwrap().path()).collect()
}
