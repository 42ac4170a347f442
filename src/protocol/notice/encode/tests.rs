use proptest::prelude::*;

use super::*;

fn written(text: &str) -> String {
    let mut out = Vec::new();
    push_string(&mut out, text);
    String::from_utf8(out).unwrap()
}

#[test]
fn every_ascii_character_is_written_as_serde_json_writes_it_wherever_it_stands() {
    for character in '\0'..='\x7f' {
        for before in [0, 1, ESCAPE_CHUNK - 1, ESCAPE_CHUNK] {
            let text = format!("{}{character}y", "x".repeat(before));
            assert_eq!(written(&text), serde_json::to_string(&text).unwrap());
        }
    }
}

proptest! {
    #[test]
    fn strings_are_written_as_serde_json_writes_them(text in any::<String>(), low in "[\\x00-\\x7f]{0,140}") {
        for text in [&text, &low] {
            prop_assert_eq!(written(text), serde_json::to_string(text).unwrap());
        }
    }
}
