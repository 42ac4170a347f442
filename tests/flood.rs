//! The pure parts of the benchmark of floods: what servers are told and how they are understood, what people felt, and the
//! part of the document that is made anew.

#[path = "../benches/flood/felt.rs"]
mod felt;
#[path = "../benches/flood/language.rs"]
mod language;
#[path = "../benches/flood/page.rs"]
mod page;

use std::time::{Duration, Instant};

use felt::{Came, Quantiles, Said, Story};
use language::{Language, Words, spoilt};
use wardroom::protocol::command::v1::{self, Command};
use wardroom::protocol::command::{Bounds, tutorial};

const LANGUAGES: [Language; 3] = [Language::Wardroom, Language::Tutorial, Language::Plain];

#[test]
fn servers_understand_what_is_said_in_their_language() {
    let bounds = Bounds::default();
    let words = Words::Talker(12).text();
    let asked = Language::Wardroom.say(&words);
    let request = v1::parse(&asked, &bounds).expect("a command");
    assert!(
        matches!(&request.command, Command::Send { room, said: v1::Said::Message(said), .. } if room == "lobby" && *said == words),
        "{asked}"
    );
    for language in [Language::Tutorial, Language::Plain] {
        let asked = language.say(&words);
        let read = tutorial::parse(&asked, &bounds).expect("a message");
        assert_eq!(read.message, words, "{asked}");
    }
}

#[test]
fn a_question_is_answered_to_whoever_asks_and_tells_nobody_anything() {
    let bounds = Bounds::default();
    let asked = Language::Wardroom.question().expect("a question");
    let request = v1::parse(asked, &bounds).expect("a command");
    assert!(matches!(request.command, Command::Members { .. }));
    let asked = Language::Tutorial.question().expect("a question");
    let told = tutorial::parse(asked, &bounds).expect_err("an error, which is the answer");
    assert_eq!(tutorial::text(told), "Message cannot be empty");
    let ping = Language::Plain.ask();
    assert_eq!(ping.get(..2), Some(&[0x89, 0x80 | 125][..]));
}

#[test]
fn words_are_found_again_in_whatever_a_server_wraps_them_in() {
    let wrapped = [
        r#"{"type":"message","room":"lobby","seq":7,"sender":"honest3","name":"honest3","message":"WORDS","timestamp":1.5}"#,
        r#"{"sender": "honest3", "message": "WORDS", "timestamp": 1.5, "room_id": "lobby"}"#,
        r#"{"message":"WORDS"}"#,
        "WORDS",
    ];
    for words in [Words::Talker(0), Words::Talker(815), Words::Newcomer(3)] {
        for text in wrapped {
            let heard = text.replace("WORDS", &words.text());
            assert_eq!(Words::find(heard.as_bytes()), Some(words), "{heard}");
        }
        for language in LANGUAGES {
            let heard = language.say(&words.text());
            assert_eq!(Words::find(heard.as_bytes()), Some(words), "{heard}");
        }
    }
}

#[test]
fn what_others_say_is_nobodys_words() {
    let others: [&[u8]; 7] = [
        br#"{"message":"buy"}"#,
        br#"{"sender":"System","message":"User honest3 has joined the chat."}"#,
        br#"{"type":"ok","seq":12}"#,
        b"honest 12",
        b"honest twelve.",
        b"honest \xff.",
        b"",
    ];
    for heard in others {
        assert_eq!(Words::find(heard), None, "{heard:?}");
    }
}

#[test]
fn a_token_goes_where_its_server_looks_for_it() {
    let cases = [
        (
            Language::Wardroom,
            "GET /ws/chat HTTP/1.1\r\n",
            "Authorization: Bearer a.b.c\r\n",
        ),
        (
            Language::Tutorial,
            "GET /ws/chat/mary?token=a.b.c HTTP/1.1\r\n",
            "",
        ),
        (Language::Plain, "GET /ws/chat?token=a.b.c HTTP/1.1\r\n", ""),
    ];
    for (language, line, field) in cases {
        let request = language.upgrade("mary", "a.b.c");
        assert!(request.starts_with(line), "{request}");
        assert!(request.contains(field), "{request}");
        assert!(request.ends_with("\r\n\r\n"), "{request}");
        let endless = language.endless_head();
        assert!(endless.starts_with("GET /ws/chat") && !endless.contains("\r\n\r\n"));
    }
}

#[test]
fn a_spoilt_token_is_wrong_in_its_signature_alone() {
    assert_eq!(spoilt("head.claims.abcd"), "head.claims.dcba");
    assert_eq!(spoilt("none"), "none.");
}

const PATIENCE: Duration = Duration::from_secs(2);

#[test]
fn what_never_comes_back_is_slower_than_anything() {
    let times = (1..=99).map(|ms| Some(Duration::from_millis(ms)));
    let found = Quantiles::of(times.chain([None]));
    assert_eq!(
        (found.p50, found.p99, found.p999),
        (Some(50.0), Some(99.0), None)
    );
    assert_eq!(Quantiles::of(std::iter::empty()), Quantiles::default());
}

#[test]
fn messages_fail_when_they_are_late_or_lost_and_when_their_speaker_was_put_out() {
    let begin = Instant::now();
    let at = |ms| begin + Duration::from_millis(ms);
    let said = |ms, back: Option<u64>, due, missing| Said {
        at: at(ms),
        back: back.map(Duration::from_millis),
        due,
        missing,
    };
    let came = |ms, took: Option<u64>, is_neighbour| Came {
        at: at(ms),
        took: took.map(Duration::from_millis),
        is_neighbour,
    };
    let story = Story {
        said: vec![
            said(0, Some(1), 10, 0),
            said(100, Some(1), 10, 0),
            said(200, Some(2500), 10, 0),
            said(300, None, 10, 4),
            // Nobody was there to say it.
            said(400, None, 0, 0),
            said(500, Some(1), 10, 0),
        ],
        came: vec![
            came(100, Some(9), false),
            came(150, None, true),
            came(600, None, false),
        ],
        put_out: vec![at(350), at(700)],
    };
    let felt = story.felt(at(100), at(500), PATIENCE);
    assert_eq!((felt.messages, felt.failed, felt.put_out), (4, 3, 1));
    assert_eq!((felt.deliveries, felt.lost), (30, 4));
    assert_eq!(felt.failed_percent(), 75.0);
    assert_eq!((felt.newcomers.came, felt.newcomers.got_in), (1, 1));
    assert_eq!((felt.neighbours.came, felt.neighbours.got_in), (1, 0));
    assert_eq!(
        (felt.neighbours.percent(), felt.arrival.p99),
        (0.0, Some(9.0))
    );
    assert!(felt.lost_percent() > 13.0 && felt.lost_percent() < 14.0);
}

#[test]
fn only_what_stands_between_the_marks_is_made_anew() {
    let page = "# Title\n<!-- made by the benchmark: begin -->\nold\n<!-- made by the benchmark: end -->\nrest\n";
    let renewed = page::renewed(page, "new\n").expect("a page with marks");
    assert!(renewed.starts_with("# Title\n") && renewed.ends_with("\nrest\n"));
    assert!(renewed.contains("\nnew\n") && !renewed.contains("old"));
    assert_eq!(
        page::renewed(&renewed, "new").as_deref(),
        Some(renewed.as_str())
    );
    assert_eq!(page::renewed("# Title\n", "new"), None);
    let rows = [
        vec!["a".to_owned(), "b".to_owned()],
        vec!["1".to_owned(), "2".to_owned()],
    ];
    assert_eq!(page::table(&rows), "| a | b |\n|---|---|\n| 1 | 2 |\n");
}
