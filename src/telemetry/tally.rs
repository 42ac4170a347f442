//! Counters by a word that the program itself chose: a reason, a code, the name of a limit.

/// Words of one tally at most. What the program counts has a few dozen; past the bound, further ones share a row.
const WORDS_MAX: usize = 96;
/// The row of words beyond the bound.
const OTHER: [&str; 2] = ["other", "other"];

/// Counts by one or two fixed words.
///
/// **Words are `&'static str`: texts of the program, never of a peer**, so the number of rows is bounded by the source code,
/// and by a constant beside that. Known words are there from the beginning with a count of zero, so that a first
/// occurrence is an increase that a query can see.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    rows: Vec<([&'static str; 2], u64)>,
}

impl Tally {
    /// A tally of these pairs, all zero.
    pub fn of_pairs(pairs: impl IntoIterator<Item = [&'static str; 2]>) -> Self {
        Tally {
            rows: pairs.into_iter().map(|pair| (pair, 0)).collect(),
        }
    }

    /// A tally of these words, all zero.
    pub fn of_words(words: impl IntoIterator<Item = &'static str>) -> Self {
        Tally::of_pairs(words.into_iter().map(|word| [word, ""]))
    }

    /// Counts one of `word`.
    pub fn count(&mut self, word: &'static str) {
        self.count_pair([word, ""]);
    }

    /// Counts one of a pair of words.
    pub fn count_pair(&mut self, pair: [&'static str; 2]) {
        let is_full = self.rows.len() >= WORDS_MAX;
        if let Some((_, count)) = self.rows.iter_mut().find(|(found, _)| *found == pair) {
            *count += 1;
        } else if !is_full {
            self.rows.push((pair, 1));
        } else if let Some(last) = self.rows.last_mut() {
            last.0 = OTHER;
            last.1 += 1;
        }
    }

    /// Every row.
    pub fn rows(&self) -> impl Iterator<Item = ([&'static str; 2], u64)> {
        self.rows.iter().copied()
    }

    /// The count of a word, or of a pair's first word and any second.
    pub fn of(&self, word: &str) -> u64 {
        let of_word = self.rows.iter().filter(|([first, _], _)| *first == word);
        of_word.map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_words_begin_at_zero_and_unknown_ones_are_counted_as_themselves() {
        let mut tally = Tally::of_words(["malformed_request", "not_found"]);
        tally.count("not_found");
        tally.count("not_found");
        tally.count("new_in_this_release");
        let rows: Vec<_> = tally
            .rows()
            .map(|([word, _], count)| (word, count))
            .collect();
        assert_eq!(
            rows,
            [
                ("malformed_request", 0),
                ("not_found", 2),
                ("new_in_this_release", 1)
            ]
        );
    }

    #[test]
    fn a_tally_never_has_more_rows_than_its_bound() {
        let mut tally = Tally::default();
        for n in 0..1000 {
            tally.count(Box::leak(format!("word_{n}").into_boxed_str()));
        }
        assert_eq!(tally.rows().count(), WORDS_MAX);
        assert_eq!(tally.rows().map(|(_, count)| count).sum::<u64>(), 1000);
        assert!(tally.of("other") > 900);
    }
}
