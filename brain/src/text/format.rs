//! Numbers that people can read: `1.4 GB`, `3 min 20 s`, `12 May`.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Language, text};

/// A length of time with at most two units: `12 ms`, `0.3 s`, `41 s`, `3 min 20 s`, `2 d 4 h`.
pub fn duration(language: Language, duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, large_unit, small: u64, small_unit| {
        let large = unit(language, large.to_string(), large_unit);
        match small {
            0 => large,
            small => format!("{large} {}", unit(language, small.to_string(), small_unit)),
        }
    };
    match seconds {
        0 if duration.as_millis() < 100 => unit(
            language,
            duration.as_millis().to_string(),
            Unit::Millisecond,
        ),
        0..10 => {
            let tenths = duration.as_millis() / 100;
            let text = match tenths % 10 {
                0 => (tenths / 10).to_string(),
                tenth => format!("{}.{tenth}", tenths / 10),
            };
            unit(language, text, Unit::Second)
        }
        10..60 => unit(language, seconds.to_string(), Unit::Second),
        60..3600 => two(seconds / 60, Unit::Minute, seconds % 60, Unit::Second),
        3600..86_400 => two(
            seconds / 3600,
            Unit::Hour,
            seconds % 3600 / 60,
            Unit::Minute,
        ),
        _ => two(
            seconds / 86_400,
            Unit::Day,
            seconds % 86_400 / 3600,
            Unit::Hour,
        ),
    }
}

#[derive(Clone, Copy)]
enum Unit {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
}

fn unit(language: Language, number: String, unit: Unit) -> String {
    match unit {
        Unit::Millisecond => text!(language, "unit-millisecond", number = number),
        Unit::Second => text!(language, "unit-second", number = number),
        Unit::Minute => text!(language, "unit-minute", number = number),
        Unit::Hour => text!(language, "unit-hour", number = number),
        Unit::Day => text!(language, "unit-day", number = number),
    }
    .to_string()
}

/// A number of bytes in decimal units: `840 B`, `1.4 GB`, `61 MB`. The same in every language.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["B", "kB", "MB", "GB", "TB", "PB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    // Integer tenths: no rounding surprises such as `1000 kB`.
    let mut unit = 0;
    let mut divisor = 1u64;
    while unit + 1 < UNITS.len() && bytes / divisor >= 1000 {
        divisor *= 1000;
        unit += 1;
    }
    let tenths = bytes / (divisor / 10);
    match (tenths / 10, tenths % 10) {
        (whole @ 0..10, tenth @ 1..) => format!("{whole}.{tenth} {}", UNITS[unit]),
        (whole, _) => format!("{whole} {}", UNITS[unit]),
    }
}

/// A count with its thousands apart: `1,000`. The same in every language.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How long ago something was: `just now`, `5 min ago`, `yesterday 14:02`, `12 May`, `12 May 2019`.
/// Both times are Unix milliseconds.
pub fn ago(language: Language, then_ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    let passed = u64::try_from(now_ms.saturating_sub(then_ms)).unwrap_or(0);
    let seconds = passed / 1000;
    if seconds < 10 {
        return text!(language, "time-just-now").to_string();
    }
    if seconds < 3600 {
        let passed = match seconds {
            0..60 => Duration::from_secs(seconds),
            _ => Duration::from_secs(seconds / 60 * 60),
        };
        return text!(language, "time-ago", duration = duration(language, passed)).to_string();
    }
    let (then, now) = (zoned(then_ms, zone), zoned(now_ms, zone));
    let clock = clock(then_ms, zone);
    let text = if then.date() == now.date() {
        text!(language, "time-today", clock = clock)
    } else if now.yesterday().is_ok_and(|day| day.date() == then.date()) {
        text!(language, "time-yesterday", clock = clock)
    } else {
        let (month, day) = (
            u32::from(then.month().unsigned_abs()),
            u32::from(then.day().unsigned_abs()),
        );
        if then.year() == now.year() {
            text!(language, "time-date", day = day, month = month)
        } else {
            let year = then.year().to_string();
            text!(
                language,
                "time-date-year",
                day = day,
                month = month,
                year = year
            )
        }
    };
    text.to_string()
}

/// The time of day, `14:02`. The time is Unix milliseconds.
pub fn clock(time_ms: i64, zone: &TimeZone) -> String {
    let time = zoned(time_ms, zone);
    format!("{:02}:{:02}", time.hour(), time.minute())
}

/// The time of day with seconds, `14:02:31`. The time is Unix milliseconds.
pub fn clock_seconds(time_ms: i64, zone: &TimeZone) -> String {
    let time = zoned(time_ms, zone);
    format!(
        "{:02}:{:02}:{:02}",
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// Date and time of day for lists and logs, `2026-05-12 14:02:31`. The time is Unix milliseconds.
pub fn date_time(time_ms: i64, zone: &TimeZone) -> String {
    zoned(time_ms, zone)
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

fn zoned(time_ms: i64, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_millisecond(time_ms)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .to_zoned(zone.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        let rows = [
            (0, "0 ms", "0 毫秒"),
            (12, "12 ms", "12 毫秒"),
            (340, "0.3 s", "0.3 秒"),
            (4_000, "4 s", "4 秒"),
            (41_900, "41 s", "41 秒"),
            (60_000, "1 min", "1 分"),
            (200_000, "3 min 20 s", "3 分 20 秒"),
            (7_500_000, "2 h 5 min", "2 小时 5 分"),
            (187_200_000, "2 d 4 h", "2 天 4 小时"),
        ];
        for (ms, en, zh) in rows {
            assert_eq!(duration(Language::En, Duration::from_millis(ms)), en);
            assert_eq!(duration(Language::Zh, Duration::from_millis(ms)), zh);
        }
    }

    #[test]
    fn bytes_read_well() {
        let rows = [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1 kB"),
            (1_400, "1.4 kB"),
            (999_999, "999 kB"),
            (61_000_000, "61 MB"),
            (1_450_000_000, "1.4 GB"),
            (u64::MAX, "18446 PB"),
        ];
        for (number, text) in rows {
            assert_eq!(bytes(number), text);
        }
    }

    #[test]
    fn counts_have_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(1_234_567), "1,234,567");
    }

    #[test]
    fn times_are_told_as_people_do() {
        let zone = TimeZone::UTC;
        // 2026-05-14 15:00:00 UTC
        let now = 1_778_770_800_000;
        let hour = 3_600_000;
        let rows = [
            (now, "just now", "刚刚"),
            (now + hour, "just now", "刚刚"),
            (now - 30_000, "30 s ago", "30 秒前"),
            (now - 300_000, "5 min ago", "5 分前"),
            (now - hour, "today 14:00", "今天 14:00"),
            (now - 24 * hour, "yesterday 15:00", "昨天 15:00"),
            (now - 48 * hour, "12 May", "5月12日"),
            (0, "1 Jan 1970", "1970年1月1日"),
        ];
        for (then, en, zh) in rows {
            assert_eq!(ago(Language::En, then, now, &zone), en);
            assert_eq!(ago(Language::Zh, then, now, &zone), zh);
        }
        assert_eq!(clock_seconds(now, &zone), "15:00:00");
        assert_eq!(date_time(now, &zone), "2026-05-14 15:00:00");
        // Times that no calendar has are shown as the epoch and break nothing.
        assert_eq!(clock(i64::MAX, &zone), "00:00");
    }
}
