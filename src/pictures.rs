//! Pictures from strangers: judged by their content, decoded within limits, and written anew, so that nothing of the
//! file that came is kept but its pixels.

use crate::error::{Error, Result};
use crate::gate::Gate;
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, crop_imm};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageFormat, ImageReader, Limits};
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

/// Where the PNG of an opaque picture would be larger, it becomes a JPEG.
const LARGEST_PNG: usize = 2 << 20;
/// Of a JPEG, of 100: no difference can be seen.
const QUALITY: u8 = 88;

/// A picture as we write it.
pub struct Picture {
    /// `image/png` or `image/jpeg`.
    pub mime: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
}

/// True when the bytes begin as one of the pictures that are taken: PNG, JPEG, WebP and GIF.
pub fn is_picture(bytes: &[u8]) -> bool {
    format(bytes).is_some()
}

/// The middle of a picture, upright, as a square PNG of at most `side` pixels. Of several frames the first. Faults name
/// `field`.
pub fn square_png(bytes: &[u8], side: u32, field: &'static str) -> Result<Vec<u8>> {
    let _pass = GATE.enter()?;
    let (decoded, orientation, _) = decode(bytes).map_err(|fault| fault.of(field))?;
    let (width, height) = decoded.dimensions();
    let edge = width.min(height);
    let view = crop_imm(&decoded, (width - edge) / 2, (height - edge) / 2, edge, edge);
    let target = edge.min(side);
    let small = if target < edge { imageops::thumbnail(&*view, target, target) } else { view.to_image() };
    drop(decoded);
    let mut small = DynamicImage::ImageRgba8(small);
    small.apply_orientation(orientation);
    debug_assert_eq!(small.dimensions(), (target, target));
    encode(&small, ImageFormat::Png)
}

/// A picture, upright, of at most `side` pixels a side: what has no alpha and came compressed with losses is a JPEG, all
/// else a PNG. Of several frames the first. Faults name `field`.
pub fn fit(bytes: &[u8], side: u32, field: &'static str) -> Result<Picture> {
    let _pass = GATE.enter()?;
    let (mut decoded, orientation, format) = decode(bytes).map_err(|fault| fault.of(field))?;
    if decoded.width().max(decoded.height()) > side {
        decoded = decoded.thumbnail(side, side);
    }
    decoded.apply_orientation(orientation);
    let (width, height) = decoded.dimensions();
    let opaque = !decoded.color().has_alpha();
    if !opaque || !matches!(format, ImageFormat::Jpeg | ImageFormat::WebP) {
        let flat = if opaque { decoded.to_rgb8().into() } else { DynamicImage::from(decoded.to_rgba8()) };
        let png = encode(&flat, ImageFormat::Png)?;
        if !opaque || png.len() <= LARGEST_PNG {
            return Ok(Picture { mime: "image/png", bytes: png, width, height });
        }
    }
    let mut jpeg = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut jpeg, QUALITY);
    decoded.to_rgb8().write_with_encoder(encoder).map_err(Error::internal)?;
    Ok(Picture { mime: "image/jpeg", bytes: jpeg, width, height })
}

fn format(bytes: &[u8]) -> Option<ImageFormat> {
    let known = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif];
    image::guess_format(bytes).ok().filter(|format| known.contains(format))
}

fn decode(bytes: &[u8]) -> Result<(DynamicImage, Orientation, ImageFormat), Fault> {
    let format = format(bytes).ok_or(Fault::NoPicture)?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height, limits.max_alloc) =
        (Some(SIDE), Some(SIDE), Some(MEMORY));
    reader.limits(limits);
    let mut decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    // The decoder's own limit does not cover what it gives us: eight bytes a pixel, in the deepest PNG.
    let pixels = u64::from(width) * u64::from(height);
    if width > SIDE || height > SIDE || pixels > PIXELS || decoder.total_bytes() > MEMORY {
        return Err(Fault::TooManyPixels);
    }
    let orientation = decoder.orientation()?;
    Ok((DynamicImage::from_decoder(decoder)?, orientation, format))
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).map_err(Error::internal)?;
    Ok(bytes.into_inner())
}

/// Why a picture is not taken.
enum Fault {
    NoPicture,
    TooManyPixels,
    Damaged,
}

impl Fault {
    fn of(self, field: &'static str) -> Error {
        Error::field(
            field,
            match self {
                Fault::NoPicture => "This is not a picture that works here. PNG, JPEG, WebP and GIF do.",
                Fault::TooManyPixels => {
                    "This picture has too many pixels: at most 8192 a side and 24 million in all."
                }
                Fault::Damaged => "This picture is damaged.",
            },
        )
    }
}

impl From<ImageError> for Fault {
    fn from(error: ImageError) -> Fault {
        match error {
            ImageError::Limits(_) => Fault::TooManyPixels,
            _ => Fault::Damaged,
        }
    }
}
