//! A picture of the graph of keys: those that stand together are drawn near each other. Pure work on
//! numbers.

use std::convert::Infallible;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_8X13};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Circle, Line, PrimitiveStyle, PrimitiveStyleBuilder};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::Graph;

/// Width and height, in pixels.
pub const SIDE: u32 = 900;
/// Most keys in a picture: the most used.
pub const MOST_KEYS: usize = 40;
/// Most links in a picture: the strongest.
const MOST_LINKS: usize = 200;
/// Characters of a label.
const LABEL: usize = 18;
/// Steps of the layout.
const STEPS: usize = 400;
/// Space for labels at the edges, in pixels.
const EDGE: f32 = 70.0;

const PAPER: Rgb888 = Rgb888::new(255, 255, 255);
const INK: Rgb888 = Rgb888::new(33, 37, 41);
const FAINT: Rgb888 = Rgb888::new(173, 181, 189);
const DISC: Rgb888 = Rgb888::new(208, 235, 255);
const RIM: Rgb888 = Rgb888::new(25, 113, 194);

/// Whether the font of the picture has all letters of a key. Any other key is only numbered.
pub fn is_drawable(key: &str) -> bool {
    key.chars()
        .all(|c| matches!(c, ' '..='~' | '\u{a1}'..='\u{ff}'))
}

/// Draws the most used keys and their strongest links. Takes time: call it on a blocking thread.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn draw(graph: &Graph) -> Result<Vec<u8>, png::EncodingError> {
    let keys = &graph.keys[..graph.keys.len().min(MOST_KEYS)];
    let links: Vec<(usize, usize, usize)> = graph
        .links
        .iter()
        .filter(|link| link.dest <= keys.len())
        .take(MOST_LINKS)
        .map(|link| (link.src - 1, link.dest - 1, link.times))
        .collect();
    let places = layout(keys.len(), &links);
    let mut canvas = Canvas::new();
    let strongest = links.first().map_or(1, |link| link.2).max(1);
    for (one, other, times) in &links {
        let width = 1 + u32::try_from(times * 4 / strongest).unwrap_or(0);
        let style = PrimitiveStyle::with_stroke(FAINT, width);
        let line = Line::new(places[*one], places[*other]);
        let Ok(()) = line.into_styled(style).draw(&mut canvas);
    }
    let most = keys.first().map_or(1, |key| key.times).max(1);
    for (key, at) in keys.iter().zip(&places) {
        let size = 22 + u32::try_from(key.times * 26 / most).unwrap_or(0);
        let style = PrimitiveStyleBuilder::new()
            .fill_color(DISC)
            .stroke_color(RIM)
            .stroke_width(2)
            .build();
        let disc = Circle::with_center(*at, size);
        let Ok(()) = disc.into_styled(style).draw(&mut canvas);
        canvas.words(&key.id.to_string(), *at, false);
    }
    for (key, at) in keys.iter().zip(&places) {
        if is_drawable(&key.key) {
            let label: String = key.key.chars().take(LABEL).collect();
            let size = 22 + i32::try_from(key.times * 26 / most).unwrap_or(0);
            canvas.words(&label, *at + Point::new(0, size / 2 + 10), true);
        }
    }
    canvas.png()
}

/// Where each key is drawn: all push each other away, links pull (Fruchterman and Reingold, 1991). It
/// starts on a spiral, so that the same notes always give the same picture.
fn layout(keys: usize, links: &[(usize, usize, usize)]) -> Vec<Point> {
    let count = keys as f32;
    let wish = (1.0 / count.max(1.0)).sqrt() * 0.9;
    let mut places: Vec<(f32, f32)> = (0..keys)
        .map(|place| {
            let place = place as f32;
            let (angle, far) = (place * 2.4, (place / count.max(1.0)).sqrt() * 0.5);
            (far * angle.cos(), far * angle.sin())
        })
        .collect();
    for step in 0..STEPS {
        let heat = 0.1 * (1.0 - step as f32 / STEPS as f32) + 0.001;
        let mut moves = vec![(0.0_f32, 0.0_f32); keys];
        for one in 0..keys {
            for other in 0..keys {
                if one != other {
                    let (x, y, far) = between(places[one], places[other]);
                    let push = wish * wish / far;
                    moves[one].0 += x / far * push;
                    moves[one].1 += y / far * push;
                }
            }
            // Keys without links must not drift away.
            moves[one].0 -= places[one].0 * wish;
            moves[one].1 -= places[one].1 * wish;
        }
        for (one, other, _) in links {
            let (x, y, far) = between(places[*one], places[*other]);
            let pull = far * far / wish / 4.0;
            for (key, sign) in [(*one, -1.0), (*other, 1.0)] {
                moves[key].0 += sign * x / far * pull;
                moves[key].1 += sign * y / far * pull;
            }
        }
        for (place, (x, y)) in places.iter_mut().zip(moves) {
            let far = x.hypot(y).max(1e-6);
            let step = far.min(heat);
            place.0 += x / far * step;
            place.1 += y / far * step;
        }
    }
    fit(&places)
}

fn between(one: (f32, f32), other: (f32, f32)) -> (f32, f32, f32) {
    let (x, y) = (one.0 - other.0, one.1 - other.1);
    (x, y, x.hypot(y).max(0.01))
}

/// Fills the picture.
fn fit(places: &[(f32, f32)]) -> Vec<Point> {
    let span = |values: &dyn Fn(&(f32, f32)) -> f32| {
        let least = places.iter().map(values).fold(f32::INFINITY, f32::min);
        let most = places.iter().map(values).fold(f32::NEG_INFINITY, f32::max);
        (least, (most - least).max(0.001))
    };
    let ((left, width), (top, height)) = (span(&|place| place.0), span(&|place| place.1));
    let inner = SIDE as f32 - 2.0 * EDGE;
    let pixel = |value: f32, from: f32, span: f32| {
        let share = if places.len() < 2 {
            0.5
        } else {
            (value - from) / span
        };
        (EDGE + share * inner).round() as i32
    };
    let point = |(x, y): &(f32, f32)| Point::new(pixel(*x, left, width), pixel(*y, top, height));
    places.iter().map(point).collect()
}

/// A picture as it is drawn.
struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    fn new() -> Self {
        Self {
            pixels: vec![PAPER.r(); (SIDE * SIDE * 3) as usize],
        }
    }

    fn words(&mut self, words: &str, at: Point, is_label: bool) {
        let font = if is_label { &FONT_8X13 } else { &FONT_6X10 };
        let style = TextStyleBuilder::new()
            .alignment(Alignment::Center)
            .baseline(Baseline::Middle)
            .build();
        let mut ink = MonoTextStyle::new(font, INK);
        if is_label {
            ink.background_color = Some(PAPER);
        }
        let Ok(_) = Text::with_text_style(words, at, ink, style).draw(self);
    }

    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, SIDE, SIDE);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        Size::new(SIDE, SIDE)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        let side = SIDE.cast_signed();
        for Pixel(at, color) in pixels {
            if (0..side).contains(&at.x) && (0..side).contains(&at.y) {
                let start = ((at.y * side + at.x) * 3).unsigned_abs() as usize;
                self.pixels[start..start + 3].copy_from_slice(&[color.r(), color.g(), color.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn far(one: Point, other: Point) -> f64 {
        let apart = one - other;
        f64::from(apart.x).hypot(f64::from(apart.y))
    }

    #[test]
    fn keys_that_stand_together_are_drawn_together() {
        // Two triangles with a bridge.
        let links = [
            (0, 1, 3),
            (1, 2, 3),
            (0, 2, 3),
            (3, 4, 3),
            (4, 5, 3),
            (3, 5, 3),
            (2, 3, 1),
        ];
        let places = layout(6, &links);
        assert!(far(places[0], places[1]) < far(places[0], places[4]));
        assert!(far(places[4], places[5]) < far(places[1], places[5]));
        let side = SIDE.cast_signed();
        for (at, place) in places.iter().enumerate() {
            assert!((0..side).contains(&place.x) && (0..side).contains(&place.y));
            assert!(
                places[..at].iter().all(|other| far(*other, *place) > 40.0),
                "{places:?}"
            );
        }
        assert_eq!(layout(6, &links), places);
    }

    #[test]
    fn few_and_many_keys_can_be_drawn() {
        for count in [0, 1, 2, 300] {
            let keys = (1..=count).map(|id| super::super::Key {
                id,
                key: "k".to_owned(),
                times: id,
            });
            let graph = Graph {
                keys: keys.collect(),
                links: Vec::new(),
            };
            let png = draw(&graph);
            assert!(png.is_ok_and(|png| png.starts_with(b"\x89PNG")));
        }
    }
}
