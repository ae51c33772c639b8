//! Pictures from strangers: judged by their content, decoded within limits, and written anew, so that nothing of the
//! file that came is kept but its pixels.

use crate::error::{Error, Result};
use crate::gate::Gate;
use image::imageops::{self, crop_imm};
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageFormat, ImageReader, Limits};
use std::io::Cursor;

/// Longest side in pixels.
const SIDE: u32 = 8192;
/// Most pixels in all.
const PIXELS: u64 = 24_000_000;
/// Most memory that decoding may take, in bytes: 24 million pixels of four bytes, and some more.
const MEMORY: u64 = 128 << 20;
/// One at a time: each may take `MEMORY`.
const QUEUE: usize = 8;

static GATE: std::sync::LazyLock<Gate> = std::sync::LazyLock::new(|| Gate::new(1, QUEUE));

/// The middle of a picture (PNG, JPEG, WebP or GIF), upright, as a square PNG of at most `side` pixels. Of several
/// frames the first.
pub fn square_png(bytes: &[u8], side: u32) -> Result<Vec<u8>> {
    let _pass = GATE.enter()?;
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| not_a_picture())?;
    let known = matches!(
        reader.format(),
        Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif)
    );
    if !known {
        return Err(not_a_picture());
    }
    let mut reader = reader;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) =
        (Some(SIDE), Some(SIDE), Some(MEMORY));
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|e| unreadable(&e))?;
    let (width, height) = decoder.dimensions();
    // The decoder's own limit does not cover what it gives us: eight bytes a pixel, in the deepest PNG.
    let pixels = u64::from(width) * u64::from(height);
    if width > SIDE || height > SIDE || pixels > PIXELS || decoder.total_bytes() > MEMORY {
        return Err(too_many_pixels());
    }
    let orientation = decoder.orientation().map_err(|e| unreadable(&e))?;
    let decoded = DynamicImage::from_decoder(decoder).map_err(|e| unreadable(&e))?;
    let edge = width.min(height);
    let view = crop_imm(&decoded, (width - edge) / 2, (height - edge) / 2, edge, edge);
    let target = edge.min(side);
    let small = if target < edge { imageops::thumbnail(&*view, target, target) } else { view.to_image() };
    drop(decoded);
    let mut small = DynamicImage::ImageRgba8(small);
    small.apply_orientation(orientation);
    debug_assert_eq!(small.dimensions(), (target, target));
    let mut png = Cursor::new(Vec::new());
    small.write_to(&mut png, ImageFormat::Png).map_err(Error::internal)?;
    Ok(png.into_inner())
}

fn not_a_picture() -> Error {
    Error::field("avatar", "This is not a picture that works here. PNG, JPEG, WebP and GIF do.")
}

fn too_many_pixels() -> Error {
    Error::field("avatar", "This picture has too many pixels: at most 8192 a side and 24 million in all.")
}

fn unreadable(error: &image::ImageError) -> Error {
    match error {
        image::ImageError::Limits(_) => too_many_pixels(),
        _ => Error::field("avatar", "This picture is damaged."),
    }
}
