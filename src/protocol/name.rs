//! What users and rooms may be called: which identifiers and names are taken, and how a display name is cleaned. Knows no tokens.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};
use unicode_security::{MixedScript as _, skeleton};

#[cfg(test)]
mod tests;

/// Longest user identifier, in bytes.
pub const USER_BYTES_MAX: usize = 128;
/// Longest display name, in Unicode scalar values.
pub const NAME_CHARACTERS_MAX: usize = 64;
/// Longest display name, in bytes of UTF-8.
pub const NAME_BYTES_MAX: usize = 192;
/// Combining marks kept on one base; after composition no living script needs more.
const COMBINING_MARKS_MAX: usize = 4;

/// Whether `text` can be a user identifier. It is taken as it stands or not at all: a cleaned one would be somebody else.
pub fn is_user(text: &str) -> bool {
    (1..=USER_BYTES_MAX).contains(&text.len())
        && !text.chars().any(is_unseen)
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace)
}

/// The display name in `text`: NFC, without what cannot be seen, white space collapsed, marks and length bounded.
///
/// `None`: nothing to see is left. NFC and not NFKC, because the latter rewrites what people chose to be called.
pub fn clean(text: &str) -> Option<String> {
    let seen = text.chars().filter(|c| c.is_whitespace() || !is_unseen(*c));
    let name = if text.is_ascii() {
        collapse(seen)
    } else {
        collapse(seen.nfc())
    };
    (!name.is_empty()).then_some(name)
}

/// One space for each run of white space, none at the ends; a bounded number of marks on each base; a bounded length.
fn collapse(characters: impl Iterator<Item = char>) -> String {
    let mut name = String::new();
    let mut marks = COMBINING_MARKS_MAX;
    let mut space = false;
    let mut length = 0;
    for c in characters {
        if c.is_whitespace() {
            space = !name.is_empty();
            marks = COMBINING_MARKS_MAX;
            continue;
        }
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        if marks > COMBINING_MARKS_MAX {
            continue;
        }
        let gap = usize::from(std::mem::take(&mut space));
        length += gap + 1;
        if length > NAME_CHARACTERS_MAX || name.len() + gap + c.len_utf8() > NAME_BYTES_MAX {
            break;
        }
        name.extend((gap == 1).then_some(' '));
        name.push(c);
    }
    name
}

/// Whether `text` can be the name of a room. It is taken as it stands or not at all: nothing unseen, no white space but single
/// spaces inside, nothing that reads as `System`, and no word that other scripts' look-alikes make read as another.
pub fn is_room_name(text: &str) -> bool {
    clean_marks(text)
        && !text
            .chars()
            .any(|c| is_unseen(c) || (c.is_whitespace() && c != ' '))
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ")
        && !is_reserved(text)
        && !text
            .split(|c: char| !c.is_alphanumeric())
            .any(is_confusable)
}

/// What people see of a room's id or name when they do not look closely: those that share it are taken for each other.
pub fn likeness(text: &str) -> Box<str> {
    let mut look = String::with_capacity(text.len());
    for c in skeleton(text).flat_map(char::to_lowercase) {
        match c {
            '0' => look.push('o'),
            '1' | 'i' => look.push('l'),
            'm' => look.push_str("rn"),
            '_' | '.' | ':' => look.push('-'),
            c if c.is_whitespace() => look.push('-'),
            c => look.push(c),
        }
    }
    look.into()
}

/// Whether no base has more combining marks than [`clean`] leaves.
fn clean_marks(text: &str) -> bool {
    let mut marks = 0;
    text.chars().all(|c| {
        marks = if is_combining_mark(c) { marks + 1 } else { 0 };
        marks <= COMBINING_MARKS_MAX
    })
}

/// Whether a word mixes scripts, and has ASCII letters beside others that are drawn like ASCII ones.
fn is_confusable(word: &str) -> bool {
    let looks_ascii = |c: char| {
        !c.is_ascii()
            && only(skeleton(c.encode_utf8(&mut [0; 4]))).is_some_and(|drawn| drawn.is_ascii())
    };
    !word.is_ascii()
        && word.chars().any(|c| c.is_ascii_alphabetic())
        && word.chars().any(looks_ascii)
        && !word.is_single_script()
}

/// Controls, formats (bidi, joiners, tags), separators of lines, blanks that are letters, and what has no agreed look.
fn is_unseen(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    is_blank_letter(c)
        || matches!(
            c.general_category(),
            GeneralCategory::Control
                | GeneralCategory::Format
                | GeneralCategory::Surrogate
                | GeneralCategory::PrivateUse
                | GeneralCategory::Unassigned
                | GeneralCategory::LineSeparator
                | GeneralCategory::ParagraphSeparator
        )
}

/// `Default_Ignorable_Code_Point`s (UAX #44) of visible categories, and the empty braille pattern.
fn is_blank_letter(c: char) -> bool {
    matches!(c,
        '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}' | '\u{2800}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FFA0}' | '\u{E0100}'..='\u{E01EF}')
}

/// Whether people could take `name` for `System`, the sender of the server's own words.
pub fn is_reserved(name: &str) -> bool {
    if name.is_ascii() {
        return reads_system(name.chars());
    }
    reads_system(
        name.nfkd()
            .filter(|c| !is_combining_mark(*c) && !is_unseen(*c)),
    )
}

fn reads_system(characters: impl Iterator<Item = char>) -> bool {
    let enough = "systern".len() + 1;
    let letters: String = characters.filter_map(latin_look).take(enough).collect();
    letters.replace("rn", "m") == "system"
}

/// The small Latin letter, or other lower-case character, that `c` is drawn like; `None` for white space and punctuation.
fn latin_look(c: char) -> Option<char> {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let upper = c.to_uppercase().next().unwrap_or(c);
    [c, lower, upper]
        .into_iter()
        .find_map(reserved_letter)
        .or_else(|| lower.is_alphanumeric().then_some(lower))
}

/// Which letter of `system` (or of its `rn` spelling) `c` is drawn like.
fn reserved_letter(c: char) -> Option<char> {
    let prototype = match c {
        '\0'..='\u{7F}' => c,
        _ => only(skeleton(c.encode_utf8(&mut [0; 4]))).unwrap_or(c),
    };
    let letter = match prototype.to_lowercase().next().unwrap_or(prototype) {
        '5' | '$' | '\u{A731}' | '\u{1BD}' | '\u{1A8}' => 's',
        '7' | '+' | '\u{1D1B}' | '\u{3C4}' => 't',
        '3' | '\u{20AC}' | '\u{1D07}' | '\u{A793}' | '\u{3B5}' | '\u{454}' => 'e',
        '\u{28D}' | '\u{1D0D}' | '\u{3BC}' => 'm',
        '\u{28F}' | '\u{3C5}' => 'y',
        other => other,
    };
    "systemrn".contains(letter).then_some(letter)
}

fn only(mut characters: impl Iterator<Item = char>) -> Option<char> {
    let first = characters.next();
    first.filter(|_| characters.next().is_none())
}
