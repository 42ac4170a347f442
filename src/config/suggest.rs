//! What the operator may have meant by a name that does not exist.

/// The candidate closest to `name`, when it is close enough to be a slip of the finger or has the right
/// last part in the wrong section.
pub(super) fn closest<'c>(
    name: &str,
    candidates: impl Iterator<Item = &'c str> + Clone,
) -> Option<&'c str> {
    // A name from outside may be long; the distance costs the product of both lengths.
    if name.len() > 128 {
        return None;
    }
    let slips_max = (name.len() / 5).clamp(1, 4);
    let slip = candidates
        .clone()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|&(slips, _)| slips <= slips_max)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, candidate)| candidate);
    slip.or_else(|| {
        let part = last_part(name);
        candidates
            .into_iter()
            .find(|candidate| last_part(candidate) == part)
    })
}

fn last_part(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Levenshtein distance in bytes: insertions, deletions and replacements.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (above, a) in from.bytes().enumerate() {
        let mut left = above + 1;
        let mut diagonal = above;
        for (cell, b) in row.iter_mut().skip(1).zip(to.bytes()) {
            let replaced = diagonal + usize::from(a != b);
            diagonal = *cell;
            *cell = replaced.min(left + 1).min(*cell + 1);
            left = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_distance_counts_single_byte_changes() {
        let cases = [
            ("", "", 0),
            ("a", "", 1),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("abc", "acb", 2),
        ];
        for (from, to, slips) in cases {
            assert_eq!(distance(from, to), slips, "{from} {to}");
            assert_eq!(distance(to, from), slips, "{to} {from}");
        }
    }

    #[test]
    fn a_slip_or_a_wrong_section_is_recognised_and_nonsense_is_not() {
        let keys = ["limits.connections_max", "deadlines.idle", "deadlines.head"];
        let cases = [
            ("limits.conections_max", Some("limits.connections_max")),
            ("limit.connections_max", Some("limits.connections_max")),
            ("limits.idle", Some("deadlines.idle")),
            ("deadlines.heed", Some("deadlines.head")),
            ("colour.of.the.sky", None),
        ];
        for (name, expected) in cases {
            assert_eq!(closest(name, keys.into_iter()), expected, "{name}");
        }
        assert_eq!(closest(&"x".repeat(10_000), keys.into_iter()), None);
    }
}
