use proptest::prelude::*;

use super::*;

#[test]
fn a_user_identifier_is_visible_and_bounded() {
    let longest = "u".repeat(128);
    for good in [
        "a",
        "alice",
        "auth0|5f7c8e",
        "alice@example.org",
        "a b",
        "müller",
        "用户",
        "😀",
        &longest,
    ] {
        assert!(is_user(good), "{good:?}");
    }
    let too_long = "u".repeat(129);
    let too_long_in_bytes = "é".repeat(65);
    let mut bad = vec![
        "",
        " ",
        " a",
        "a ",
        "\u{a0}a",
        "a\u{3000}",
        &too_long,
        &too_long_in_bytes,
    ];
    let hidden: Vec<String> = [
        0, 7, 9, 10, 13, 0x1f, 0x7f, 0x80, 0x85, 0x9f, 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x180e,
        0x200b, 0x200c, 0x200d, 0x200e, 0x200f, 0x2028, 0x2029, 0x202a, 0x202b, 0x202c, 0x202d,
        0x202e, 0x2060, 0x2061, 0x2064, 0x2065, 0x2066, 0x2067, 0x2068, 0x2069, 0x206f, 0x2800,
        0x3164, 0xe000, 0xfe0f, 0xfeff, 0xffa0, 0xfff9, 0xfffb, 0xfffe, 0xffff, 0x1bca0, 0x1d173,
        0xe0001, 0xe0041, 0xe01ef, 0xf0000, 0x10ffff,
    ]
    .into_iter()
    .filter_map(char::from_u32)
    .map(|c| format!("a{c}b"))
    .collect();
    assert_eq!(hidden.len(), 54);
    bad.extend(hidden.iter().map(String::as_str));
    for bad in bad {
        assert!(!is_user(bad), "{bad:?}");
    }
}

#[test]
fn a_display_name_is_cleaned() {
    let long = "x".repeat(100);
    let wide = "😀".repeat(60);
    let zalgo = format!("a{}b", "\u{334}".repeat(50));
    let zalgo_kept = format!("a{}b", "\u{334}".repeat(COMBINING_MARKS_MAX));
    let at_bound = format!("{} y", "x".repeat(63));
    let wide_at_bound = format!("{} 😀", "😀".repeat(47));
    let table: &[(&str, Option<&str>)] = &[
        ("Alice", Some("Alice")),
        ("  Alice \t\n Liddell  ", Some("Alice Liddell")),
        ("Alice\u{2028}Liddell", Some("Alice Liddell")),
        ("Al\u{200b}i\u{202e}ce\u{feff}", Some("Alice")),
        ("Al\u{0}ice\u{7f}", Some("Alice")),
        ("e\u{301}lan", Some("élan")),
        ("\u{2460} Ａlice ﬁ", Some("\u{2460} Ａlice ﬁ")),
        ("Nguyễn Thị", Some("Nguyễn Thị")),
        ("محمد", Some("محمد")),
        ("👩\u{200d}🚀", Some("👩🚀")),
        ("\u{301}a", Some("a")),
        (" \u{301}", None),
        (&zalgo, Some(&zalgo_kept)),
        (&long, Some(&long[..64])),
        (&wide, Some(&wide[..192])),
        (&at_bound, Some(&at_bound[..63])),
        (&wide_at_bound, Some(&wide_at_bound[..188])),
        ("", None),
        (" \u{200b}\u{3000}", None),
        ("\u{3164}\u{2800}", None),
        ("\u{e000}\u{ffff}", None),
    ];
    for (text, expected) in table {
        assert_eq!(clean(text).as_deref(), *expected, "{text:?}");
    }
}

#[test]
fn system_and_its_look_alikes_are_reserved() {
    let table = [
        "System",
        "system",
        "SYSTEM",
        "sYsTeM",
        " System ",
        "S y s t e m",
        "S.y-s_t*e!m",
        "System:",
        "«System»",
        "Sys\u{200b}tem",
        "Sys\u{ad}tem",
        "\u{202e}System",
        "Ｓｙｓｔｅｍ",
        "ＳＹＳＴＥＭ",
        "𝐒𝐲𝐬𝐭𝐞𝐦",
        "𝓢𝔂𝓼𝓽𝓮𝓶",
        "Ⓢⓨⓢⓣⓔⓜ",
        "Ѕуѕтем",
        "ЅУЅТЕМ",
        "Sуstem",
        "Systеm",
        "Ѕystem",
        "Sysтem",
        "Systeм",
        "Systern",
        "SYSTERN",
        "5ystem",
        "Sy5tem",
        "$ystem",
        "Sys7em",
        "Sys+em",
        "Syst3m",
        "5Y573M",
        "Syst€m",
        "Sÿstém",
        "S\u{334}ystem",
        // A mark, and a blank, that count as letters.
        "S\u{345}ystem",
        "Sys\u{3164}tem",
        "Sys tem",
        "ꜱʏꜱᴛᴇᴍ",
        "Syſtem",
        "SYSΤΕΜ",
        "SУSTEM",
        "sуsteм",
        "ѕуѕтеｍ",
        "s\u{28F}stem",
        "S\u{3C5}stem",
    ];
    for name in table {
        assert!(is_reserved(name), "{name:?}");
    }
}

#[test]
fn other_names_are_not_reserved() {
    let table = [
        "Alice",
        "Systems",
        "Ecosystem",
        "Sister",
        "Stem",
        "System Bot",
        "System2",
        "Systerns",
        "Sytem",
        "Systm",
        "Sys",
        "",
        "   ",
        "Modern",
        "Мастер",
        "систем",
        "Østen",
        "محمد",
        "用户",
        "😀",
    ];
    for name in table {
        assert!(!is_reserved(name), "{name:?}");
    }
}

proptest! {
    #[test]
    fn a_cleaned_name_is_bounded_visible_and_clean(text in any::<String>()) {
        if let Some(name) = clean(&text) {
            prop_assert!(name.chars().count() <= NAME_CHARACTERS_MAX);
            prop_assert!(name.len() <= NAME_BYTES_MAX && !name.is_empty());
            prop_assert!(!name.chars().any(is_unseen));
            prop_assert!(!name.starts_with(' ') && !name.ends_with(' ') && !name.contains("  "));
        }
    }

    #[test]
    fn no_name_makes_the_look_alike_test_fall_over(text in "\\PC*") {
        let _ = is_reserved(&text);
    }

    #[test]
    fn any_case_and_spacing_of_system_is_reserved(
        upper in any::<[bool; 6]>(),
        gaps in proptest::array::uniform6("[ .\u{200b}\u{301}_-]{0,2}"),
    ) {
        let mut name = String::new();
        for ((letter, upper), gap) in "system".chars().zip(upper).zip(&gaps) {
            name.push(if upper { letter.to_ascii_uppercase() } else { letter });
            name.push_str(gap);
        }
        prop_assert!(is_reserved(&name), "{:?}", name);
    }
}

#[test]
fn what_people_take_for_each_other_has_one_likeness() {
    for [one, other] in [
        ["lobby", "L0BBY"],
        ["lobby", "Iobby"],
        ["team-1", "team.l"],
        ["Team 1", "team_I"],
        ["modern", "rnodem"],
        ["Council", "\u{421}ouncil"],
        ["ops", "\u{3bf}ps"],
        ["A\u{301}rea", "\u{c1}rea"],
        ["a-b", "a\u{2010}b"],
    ] {
        assert_eq!(likeness(one), likeness(other), "{one} {other}");
    }
    for other in [
        "lobbies",
        "l\u{f3}bby",
        "lob by",
        "\u{43b}\u{43e}\u{431}\u{431}\u{438}",
    ] {
        assert_ne!(likeness("lobby"), likeness(other), "{other}");
    }
}

#[test]
fn a_room_name_may_mix_scripts_unless_a_word_of_it_reads_as_latin() {
    for good in ["Team A", "команда А", "он\u{65e5}\u{672c}", "A команда"] {
        assert!(is_room_name(good), "{good:?}");
    }
    for bad in ["C\u{43e}uncil", "Team \u{421}ouncil", "p\u{430}y"] {
        assert!(!is_room_name(bad), "{bad:?}");
    }
}
