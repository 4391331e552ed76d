//! Codes to scan, as a picture and as text for a terminal.

use qrcode::render::unicode::Dense1x2;
use qrcode::{Color, QrCode};

/// Dots of a square, and squares of the quiet edge.
const SCALE: usize = 8;
const EDGE: usize = 4;
/// Longest text of a code, in bytes.
pub(super) const LONGEST: usize = 1000;

/// A code as a PNG picture; `None` when the text is too long for a code.
pub(super) fn picture(text: &str) -> Option<Vec<u8>> {
    let code = code(text)?;
    let width = code.width();
    let colors = code.to_colors();
    let side = (width + 2 * EDGE) * SCALE;
    let is_dark = |x: usize, y: usize| {
        let square = |dot: usize| (dot / SCALE).checked_sub(EDGE).filter(|at| *at < width);
        match (square(x), square(y)) {
            (Some(x), Some(y)) => colors[y * width + x] == Color::Dark,
            _ => false,
        }
    };
    // One bit a dot, a set bit is light.
    let row = side.div_ceil(8);
    let mut bits = vec![0xFF_u8; row * side];
    for y in 0..side {
        for x in (0..side).filter(|x| is_dark(*x, y)) {
            bits[y * row + x / 8] &= !(0x80 >> (x % 8));
        }
    }
    let mut out = Vec::new();
    let side = u32::try_from(side).ok()?;
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&bits).ok()?;
    writer.finish().ok()?;
    Some(out)
}

/// A code for a terminal; `None` when the text is too long for a code.
#[must_use]
pub fn drawn(text: &str) -> Option<String> {
    // Dark signs on a light ground, whatever the terminal's colours are.
    let drawn = code(text)?
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    Some(drawn)
}

fn code(text: &str) -> Option<QrCode> {
    if text.is_empty() || text.len() > LONGEST {
        return None;
    }
    QrCode::new(text).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_picture_shows_the_code() {
        let text = "https://liteapp.weixin.qq.com/q/abc?x=1";
        let bytes = picture(text).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes))
            .read_info()
            .unwrap();
        let mut bits = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bits).unwrap();
        let code = QrCode::new(text).unwrap();
        let row = info.line_size;
        for y in 0..code.width() {
            for x in 0..code.width() {
                let (dot_x, dot_y) = ((x + EDGE) * SCALE + 3, (y + EDGE) * SCALE + 3);
                let is_light = bits[dot_y * row + dot_x / 8] & (0x80 >> (dot_x % 8)) != 0;
                assert_eq!(is_light, code[(x, y)] == Color::Light, "{x} {y}");
            }
        }
        assert_eq!(picture(&"x".repeat(LONGEST + 1)), None);
        assert!(drawn(text).unwrap().lines().count() > 10);
    }
}
