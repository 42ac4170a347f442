//! Durations and sizes as people write them. Parsing and printing only: what is allowed stands elsewhere.

use std::time::Duration;

/// Longest first, so that printing picks the largest unit that divides evenly.
const DURATION_UNITS: [(&str, u64); 5] = [
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

const SIZE_UNITS: [(&str, u64); 5] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("", 1),
];

/// `500ms`, `5s`, `2m`, `8h`, `31d` or `0`; whole numbers only.
pub fn parse_duration(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// The shortest text that [`parse_duration`] reads back; parts of a millisecond are dropped.
pub fn show_duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    if millis == 0 {
        return "0".to_owned();
    }
    DURATION_UNITS
        .iter()
        .map(|&(unit, size)| (unit, u128::from(size)))
        .find(|&(_, size)| millis.is_multiple_of(size))
        .map_or_else(String::new, |(unit, size)| {
            format!("{}{unit}", millis / size)
        })
}

/// `8192`, `64KiB`, `8MiB`, `1GiB` or `1TiB`, in bytes.
pub(super) fn parse_size(text: &str) -> Option<u64> {
    parse(text, &SIZE_UNITS)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, suffix) = text.split_at_checked(digits)?;
    let &(_, size) = units.iter().find(|(unit, _)| *unit == suffix)?;
    number.parse::<u64>().ok()?.checked_mul(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_in_every_unit_and_nothing_else() {
        let cases = [
            ("0", Some(0)),
            ("500ms", Some(500)),
            ("5s", Some(5000)),
            ("2m", Some(120_000)),
            ("8h", Some(28_800_000)),
            ("31d", Some(2_678_400_000)),
            ("5", None),
            ("", None),
            ("s", None),
            ("-5s", None),
            ("+5s", None),
            ("1.5s", None),
            ("5 s", None),
            ("5S", None),
            ("5sec", None),
            ("٥s", None),
            ("18446744073709551616ms", None),
            ("18446744073709551615d", None),
        ];
        for (text, millis) in cases {
            assert_eq!(
                parse_duration(text),
                millis.map(Duration::from_millis),
                "{text}"
            );
        }
    }

    #[test]
    fn a_printed_duration_reads_back_as_itself() {
        let cases = [
            (0, "0"),
            (1, "1ms"),
            (1500, "1500ms"),
            (90_000, "90s"),
            (86_400_000, "1d"),
        ];
        for (millis, text) in cases {
            let duration = Duration::from_millis(millis);
            assert_eq!(show_duration(duration), text);
            assert_eq!(parse_duration(text), Some(duration));
        }
    }

    #[test]
    fn sizes_are_read_in_bytes_and_binary_units_only() {
        let cases = [
            ("0", Some(0)),
            ("8192", Some(8192)),
            ("64KiB", Some(65_536)),
            ("8MiB", Some(8_388_608)),
            ("1GiB", Some(1_073_741_824)),
            ("1TiB", Some(1_099_511_627_776)),
            ("64KB", None),
            ("64k", None),
            ("KiB", None),
            ("-1", None),
            ("17179869184GiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), bytes, "{text}");
        }
    }
}
