//! Pictures of load: four charts of one node, or a line of charts per node. Pure work on numbers.

use std::convert::Infallible;
use std::ops::Range;

use embedded_graphics::mono_font::MonoTextStyle;
use embedded_graphics::mono_font::iso_8859_1::{FONT_6X10, FONT_9X15, FONT_9X15_BOLD};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::prelude::*;
use embedded_graphics::primitives::{Line, PrimitiveStyle, Rectangle};
use embedded_graphics::text::{Alignment, Baseline, Text, TextStyleBuilder};

use super::history::Point as Minute;

/// Width of every picture, in pixels.
pub(crate) const WIDTH: u32 = 800;
/// Height of the picture of one node.
pub(crate) const ONE_HEIGHT: u32 = 460;
/// Height of the head of a picture of several nodes, and of each node in it.
pub(crate) const ROW_HEIGHT: (u32, u32) = (40, 58);
/// Most nodes in one picture.
pub(crate) const MOST_NODES: usize = 12;

const PAPER: Rgb888 = Rgb888::new(255, 255, 255);
const INK: Rgb888 = Rgb888::new(33, 37, 41);
const FAINT: Rgb888 = Rgb888::new(120, 128, 136);
const GRID: Rgb888 = Rgb888::new(226, 230, 234);
const ALARM: Rgb888 = Rgb888::new(201, 42, 42);

/// What is drawn of a node.
#[derive(Debug, Clone)]
pub(crate) struct Subject {
    /// What stands beside it.
    pub(crate) name: String,
    /// It is there.
    pub(crate) online: bool,
    /// Its minutes, oldest first.
    pub(crate) minutes: Vec<Option<Minute>>,
}

/// The words of a picture; Latin letters only, because the font has no others.
#[derive(Debug, Clone)]
pub(crate) struct Legend {
    /// Above everything.
    pub(crate) title: String,
    /// Times at the left end, in the middle and at the right end.
    pub(crate) times: [String; 3],
}

/// A measured quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    /// Processor.
    Cpu,
    /// Memory.
    Memory,
    /// Disk.
    Disk,
    /// Load average.
    Load,
}

impl Measure {
    /// All, in the order of the charts.
    pub(crate) const ALL: [Self; 4] = [Self::Cpu, Self::Memory, Self::Disk, Self::Load];

    /// The value of a minute: per cent, or the load average.
    pub(crate) fn of(self, minute: &Minute) -> f32 {
        match self {
            Self::Cpu => f32::from(minute.cpu) / 10.0,
            Self::Memory => f32::from(minute.memory) / 10.0,
            Self::Disk => f32::from(minute.disk) / 10.0,
            Self::Load => f32::from(minute.load) / 100.0,
        }
    }

    /// As text: `12 %`, `0.42`.
    pub(crate) fn show(self, value: f32) -> String {
        match self {
            Self::Load => format!("{value:.2}"),
            _ => format!("{value:.0} %"),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "Memory",
            Self::Disk => "Disk",
            Self::Load => "Load",
        }
    }

    fn colors(self) -> (Rgb888, Rgb888) {
        match self {
            Self::Cpu => (Rgb888::new(25, 113, 194), Rgb888::new(208, 235, 255)),
            Self::Memory => (Rgb888::new(112, 72, 232), Rgb888::new(229, 219, 255)),
            Self::Disk => (Rgb888::new(232, 89, 12), Rgb888::new(255, 232, 204)),
            Self::Load => (Rgb888::new(47, 158, 68), Rgb888::new(211, 249, 216)),
        }
    }

    /// The value at the top of its chart.
    fn top(self, values: &[Option<f32>]) -> f32 {
        if self != Self::Load {
            return 100.0;
        }
        let most = values.iter().flatten().copied().fold(0.0_f32, f32::max);
        let steps = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];
        steps
            .into_iter()
            .find(|step| *step >= most)
            .unwrap_or(1024.0)
    }

    /// The values of a node's minutes.
    pub(crate) fn values(self, minutes: &[Option<Minute>]) -> Vec<Option<f32>> {
        let value = |minute: &Option<Minute>| minute.as_ref().map(|minute| self.of(minute));
        minutes.iter().map(value).collect()
    }
}

/// Draws four charts of a node.
///
/// # Errors
/// When the picture cannot be encoded.
pub(crate) fn one(subject: &Subject, legend: &Legend) -> Result<Vec<u8>, png::EncodingError> {
    let mut canvas = Canvas::new(WIDTH, ONE_HEIGHT);
    canvas.title(legend, subject.online);
    let (width, height) = (380, 200);
    for (place, measure) in (0_i32..).zip(Measure::ALL) {
        let left = 10 + place % 2 * (width + 20);
        let top = 40 + place / 2 * (height + 10);
        let values = measure.values(&subject.minutes);
        let most = measure.top(&values);
        let now = values.iter().rev().flatten().next();
        let now = now.map_or_else(String::new, |value| measure.show(*value));
        canvas.words(measure.title(), Point::new(left, top), Font::Bold, INK);
        canvas.words_right(
            &now,
            Point::new(left + width, top),
            Font::Normal,
            measure.colors().0,
        );
        let chart = Rectangle::new(
            Point::new(left + 36, top + 20),
            Size::new(width.unsigned_abs() - 36, height.unsigned_abs() - 40),
        );
        for (part, value) in [(0, most), (1, most / 2.0), (2, 0.0)] {
            let y = chart.top_left.y + part * (height - 40 - 1) / 2;
            let label = if measure == Measure::Load && most < 4.0 {
                format!("{value:.1}")
            } else {
                format!("{value:.0}")
            };
            canvas.line(
                Point::new(left + 36, y),
                Point::new(left + width - 1, y),
                GRID,
            );
            canvas.words_right(&label, Point::new(left + 30, y - 5), Font::Small, FAINT);
        }
        canvas.chart(chart, &values, most, measure.colors());
        canvas.times(chart, legend);
    }
    canvas.png()
}

/// Draws a line of charts per node.
///
/// # Errors
/// When the picture cannot be encoded.
pub(crate) fn several(
    subjects: &[Subject],
    legend: &Legend,
) -> Result<Vec<u8>, png::EncodingError> {
    let subjects = &subjects[..subjects.len().min(MOST_NODES)];
    let (head, row) = ROW_HEIGHT;
    let rows = u32::try_from(subjects.len()).unwrap_or(0);
    let mut canvas = Canvas::new(WIDTH, head + rows * row + 16);
    canvas.title(legend, true);
    let (first, width, gap) = (150_i32, 150_i32, 12_i32);
    for (place, subject) in (0_i32..).zip(subjects) {
        let top = head.cast_signed() + place * row.cast_signed();
        let name: String = subject.name.chars().take(15).collect();
        canvas.words(&name, Point::new(8, top + 14), Font::Normal, INK);
        if !subject.online {
            canvas.words("offline", Point::new(8, top + 32), Font::Small, ALARM);
        }
        for (column, measure) in (0_i32..).zip(Measure::ALL) {
            let left = first + column * (width + gap);
            let values = measure.values(&subject.minutes);
            let now = values.iter().rev().flatten().next();
            let now = now.map_or_else(|| "-".to_owned(), |value| measure.show(*value));
            canvas.words(measure.title(), Point::new(left, top), Font::Small, FAINT);
            canvas.words_right(&now, Point::new(left + width, top), Font::Small, INK);
            let chart = Rectangle::new(
                Point::new(left, top + 12),
                Size::new(width.unsigned_abs(), row - 20),
            );
            let foot = chart.top_left.y + chart.size.height.cast_signed() - 1;
            canvas.line(
                Point::new(left, foot),
                Point::new(left + width - 1, foot),
                GRID,
            );
            canvas.chart(chart, &values, measure.top(&values), measure.colors());
        }
    }
    let foot = Rectangle::new(
        Point::new(first, 0),
        Size::new(WIDTH - first.unsigned_abs() - 8, head + rows * row),
    );
    canvas.times(foot, legend);
    canvas.png()
}

#[derive(Clone, Copy)]
enum Font {
    Small,
    Normal,
    Bold,
}

/// Pixels, three bytes each.
struct Canvas {
    size: Size,
    pixels: Vec<u8>,
}

impl Canvas {
    fn new(width: u32, height: u32) -> Self {
        Self {
            size: Size::new(width, height),
            pixels: vec![PAPER.r(); width as usize * height as usize * 3],
        }
    }

    fn title(&mut self, legend: &Legend, online: bool) {
        let ink = if online { INK } else { ALARM };
        self.words(&legend.title, Point::new(10, 10), Font::Bold, ink);
    }

    /// The three times below a chart.
    fn times(&mut self, chart: Rectangle, legend: &Legend) {
        let y = chart.top_left.y + chart.size.height.cast_signed() + 4;
        let left = chart.top_left.x;
        let right = left + chart.size.width.cast_signed();
        let [first, middle, last] = &legend.times;
        self.words(first, Point::new(left, y), Font::Small, FAINT);
        self.put(
            middle,
            Point::new(i32::midpoint(left, right), y),
            Font::Small,
            FAINT,
            Alignment::Center,
        );
        self.words_right(last, Point::new(right, y), Font::Small, FAINT);
    }

    fn words(&mut self, words: &str, at: Point, font: Font, ink: Rgb888) {
        self.put(words, at, font, ink, Alignment::Left);
    }

    fn words_right(&mut self, words: &str, at: Point, font: Font, ink: Rgb888) {
        self.put(words, at, font, ink, Alignment::Right);
    }

    fn put(&mut self, words: &str, at: Point, font: Font, ink: Rgb888, alignment: Alignment) {
        let font = match font {
            Font::Small => &FONT_6X10,
            Font::Normal => &FONT_9X15,
            Font::Bold => &FONT_9X15_BOLD,
        };
        let style = TextStyleBuilder::new()
            .alignment(alignment)
            .baseline(Baseline::Top)
            .build();
        let ink = MonoTextStyle::new(font, ink);
        let Ok(_) = Text::with_text_style(words, at, ink, style).draw(self);
    }

    fn line(&mut self, from: Point, to: Point, ink: Rgb888) {
        let style = PrimitiveStyle::with_stroke(ink, 1);
        let Ok(()) = Line::new(from, to).into_styled(style).draw(self);
    }

    /// A filled curve; a gap where nothing was measured.
    fn chart(
        &mut self,
        area: Rectangle,
        values: &[Option<f32>],
        top: f32,
        colors: (Rgb888, Rgb888),
    ) {
        let (ink, fill) = colors;
        let width = area.size.width as usize;
        let foot = area.top_left.y + area.size.height.cast_signed() - 1;
        let mut before: Option<Point> = None;
        for column in 0..width {
            let Some(value) = average(values, part(column, width, values.len())) else {
                before = None;
                continue;
            };
            let x = area.top_left.x + i32::try_from(column).unwrap_or(i32::MAX);
            #[expect(
                clippy::cast_precision_loss,
                clippy::cast_possible_truncation,
                reason = "a picture is small"
            )]
            let height = ((value / top).clamp(0.0, 1.0) * (area.size.height - 2) as f32) as i32;
            let here = Point::new(x, foot - height);
            self.line(here, Point::new(x, foot), fill);
            let stroke = PrimitiveStyle::with_stroke(ink, 2);
            let from = before.unwrap_or(here);
            let Ok(()) = Line::new(from, here).into_styled(stroke).draw(self);
            before = Some(here);
        }
    }

    fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.size.width, self.size.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Balanced);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// The values that a column shows: at least one.
fn part(column: usize, width: usize, values: usize) -> Range<usize> {
    let from = column * values / width;
    let to = (column + 1) * values / width;
    from..to.max(from + 1)
}

pub(crate) fn average(values: &[Option<f32>], range: Range<usize>) -> Option<f32> {
    let there = values.get(range)?.iter().flatten();
    let (sum, count) = there.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I>(&mut self, pixels: I) -> Result<(), Infallible>
    where
        I: IntoIterator<Item = Pixel<Rgb888>>,
    {
        for Pixel(at, color) in pixels {
            let (Ok(x), Ok(y)) = (u32::try_from(at.x), u32::try_from(at.y)) else {
                continue;
            };
            if x >= self.size.width || y >= self.size.height {
                continue;
            }
            let place = (y as usize * self.size.width as usize + x as usize) * 3;
            self.pixels[place..place + 3].copy_from_slice(&[color.r(), color.g(), color.b()]);
        }
        Ok(())
    }
}

/// A row of little bars for where no picture can go: `▁▂▅█`, a blank where nothing was measured.
pub(crate) fn sparkline(values: &[Option<f32>], top: f32, width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let bar = |value: f32| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 7"
        )]
        let place = ((value / top).clamp(0.0, 1.0) * 7.99) as usize;
        BARS[place]
    };
    (0..width)
        .map(|column| average(values, part(column, width, values.len())).map_or(' ', bar))
        .collect()
}

/// A row of little bars of a node's minutes.
pub(crate) fn bars(measure: Measure, minutes: &[Option<Minute>]) -> String {
    let values = measure.values(minutes);
    sparkline(&values, measure.top(&values), 20)
}

#[cfg(test)]
#[path = "picture/tests.rs"]
mod tests;
