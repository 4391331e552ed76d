#![expect(clippy::unwrap_used, reason = "tests")]

use std::io::Cursor;

use super::*;

fn subject(name: &str, minutes: usize) -> Subject {
    let minutes = (0..minutes)
        .map(|minute| {
            // A gap of ten minutes.
            (!(20..30).contains(&minute)).then(|| Minute {
                cpu: u16::try_from(minute * 37 % 1000).unwrap(),
                memory: 400,
                disk: 930,
                load: u16::try_from(minute * 7).unwrap(),
            })
        })
        .collect();
    Subject {
        name: name.to_owned(),
        online: true,
        minutes,
    }
}

fn legend() -> Legend {
    Legend {
        title: "web-1".to_owned(),
        times: ["13:02", "13:32", "14:02"].map(str::to_owned),
    }
}

/// Width, height and how many colours it has.
fn look(png: &[u8]) -> (u32, u32, usize) {
    let mut reader = png::Decoder::new(Cursor::new(png)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut pixels).unwrap();
    let mut colors: Vec<&[u8]> = pixels.chunks(3).collect();
    colors.sort_unstable();
    colors.dedup();
    (info.width, info.height, colors.len())
}

#[test]
fn one_node_has_four_charts() {
    let picture = one(&subject("web-1", 60), &legend()).unwrap();
    let (width, height, colors) = look(&picture);
    assert_eq!((width, height), (WIDTH, ONE_HEIGHT));
    assert!(colors >= 10, "four charts with two colours each: {colors}");
    assert!(picture.len() < 60_000, "{}", picture.len());
}

#[test]
fn nothing_measured_is_an_empty_chart() {
    let mut empty = subject("web-1", 60);
    empty.minutes.fill(None);
    let (_, _, colors) = look(&one(&empty, &legend()).unwrap());
    assert!(colors < 6, "{colors}");
}

#[test]
fn several_nodes_are_lines_and_the_picture_is_bounded() {
    let nodes: Vec<Subject> = (0..40)
        .map(|number| subject(&format!("a-rather-long-name-{number}"), 1440))
        .collect();
    let (width, height, colors) = look(&several(&nodes, &legend()).unwrap());
    assert_eq!((width, height), (WIDTH, 40 + 12 * 58 + 16));
    assert!(colors >= 10);
    let (_, height, _) = look(&several(&nodes[..1], &legend()).unwrap());
    assert_eq!(height, 40 + 58 + 16);
}

#[test]
fn sparklines_show_shape_and_gaps() {
    let values = [Some(0.0), Some(50.0), None, Some(100.0)];
    assert_eq!(sparkline(&values, 100.0, 4), "▁▄ █");
    assert_eq!(sparkline(&[Some(3.0)], 4.0, 3), "▆▆▆");
    assert_eq!(sparkline(&[], 4.0, 3), "   ");
}

#[test]
fn any_number_of_minutes_fits_any_width() {
    for values in [1, 7, 59, 60, 61, 344, 1440] {
        for width in [1, 20, 150, 344] {
            let last = part(width - 1, width, values);
            assert!(last.end <= values && part(0, width, values).start == 0);
        }
    }
}
