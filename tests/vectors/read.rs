//! Reads the files of this folder: a case a line, its bytes as they stand but for what is written in angle brackets.

/// One line: so many words, then the text.
pub struct Case<const WORDS: usize> {
    pub words: [&'static str; WORDS],
    pub bytes: Vec<u8>,
}

/// The cases of a file, without its remarks.
pub fn cases<const WORDS: usize>(file: &'static str) -> Vec<Case<WORDS>> {
    let lines = file.lines().filter(|line| !line.starts_with('#'));
    let lines = lines.filter(|line| !line.is_empty());
    lines.map(case).collect()
}

fn case<const WORDS: usize>(line: &'static str) -> Case<WORDS> {
    let mut rest = line;
    let words = [(); WORDS].map(|()| {
        let (word, after) = rest.trim_start().split_once(' ').unwrap_or((rest, ""));
        rest = after;
        word
    });
    let mut bytes = Vec::new();
    let left = expand(rest.trim_start().as_bytes(), false, &mut bytes);
    assert!(left.is_empty(), "a bracket too many: {line}");
    Case { words, bytes }
}

/// Appends what `text` stands for, up to the bracket that closes it when it `is_inside` one; gives what is left.
fn expand<'a>(mut text: &'a [u8], is_inside: bool, bytes: &mut Vec<u8>) -> &'a [u8] {
    while let [first, rest @ ..] = text {
        text = match first {
            b'>' if is_inside => return rest,
            b'<' => bracket(rest, bytes),
            other => {
                bytes.push(*other);
                rest
            }
        };
    }
    assert!(!is_inside, "a bracket is not closed");
    text
}

/// `n>`: a line's end. `41>`: a byte. `7x…>`: so many times what follows.
fn bracket<'a>(text: &'a [u8], bytes: &mut Vec<u8>) -> &'a [u8] {
    if let Some(rest) = text.strip_prefix(b"n>") {
        bytes.extend(b"\r\n");
        return rest;
    }
    if let [_, _, b'>', rest @ ..] = text {
        let digits = std::str::from_utf8(&text[..2]).expect("two digits");
        bytes.push(u8::from_str_radix(digits, 16).expect("a byte in hexadecimal"));
        return rest;
    }
    let cross = text.iter().position(|byte| *byte == b'x');
    let (times, rest) = text.split_at(cross.expect("a number of times"));
    let times = std::str::from_utf8(times).expect("digits");
    let mut once = Vec::new();
    let rest = expand(&rest[1..], true, &mut once);
    bytes.extend(once.repeat(times.parse().expect("a number")));
    rest
}
