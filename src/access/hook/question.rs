//! What the hook is asked, and by what an answer is found again. Reads no answer.

use std::net::IpAddr;

use aws_lc_rs::digest;
use serde::Serialize;

use crate::access::Source;

/// Everything that the hook is told about a credential. Two questions that are equal have one answer.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    pub source: Source,
    /// As the client showed it.
    pub credential: Box<str>,
    /// The Origin field of the request, once the allow-list let it in.
    pub origin: Option<Box<str>>,
    /// Where the client is.
    pub address: IpAddr,
    /// The path of the request, without its query.
    pub path: Box<str>,
}

/// A question, found again without the credential being kept: SHA-256 over all that it says.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct QuestionKey([u8; 32]);

/// The body of the request.
#[derive(Serialize)]
struct QuestionBody<'a> {
    credential: &'a str,
    source: &'static str,
    address: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<&'a str>,
    path: &'a str,
}

impl Question {
    /// What equal questions share.
    ///
    /// All of it counts, not the credential alone: a program that binds a credential to an address or a site must be
    /// asked again when it is shown from another.
    pub fn key(&self) -> QuestionKey {
        let mut context = digest::Context::new(&digest::SHA256);
        let address = self.address.to_string();
        let parts = [
            Some(source_name(self.source)),
            Some(&*self.credential),
            self.origin.as_deref(),
            Some(&address),
            Some(&*self.path),
        ];
        for part in parts {
            // Lengths keep one part from running into the next; an absent one is told from an empty one.
            let length = part.map_or(u64::MAX, |text| text.len() as u64);
            context.update(&length.to_le_bytes());
            context.update(part.unwrap_or_default().as_bytes());
        }
        let mut key = [0; 32];
        key.copy_from_slice(context.finish().as_ref());
        QuestionKey(key)
    }

    /// The request's body, as JSON.
    pub fn body(&self) -> String {
        let body = QuestionBody {
            credential: &self.credential,
            source: source_name(self.source),
            address: self.address,
            origin: self.origin.as_deref(),
            path: &self.path,
        };
        // Strings always serialise; an empty body would be refused by whoever reads it.
        serde_json::to_string(&body).unwrap_or_default()
    }
}

/// Neither the credential nor what it hangs on.
impl std::fmt::Debug for Question {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Question({:?}, ***)", self.source)
    }
}

impl std::fmt::Debug for QuestionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("QuestionKey(***)")
    }
}

const fn source_name(source: Source) -> &'static str {
    match source {
        Source::Bearer => "bearer",
        Source::Cookie => "cookie",
        Source::Ticket => "ticket",
        Source::Query => "query",
        Source::Certificate => "certificate",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            source: Source::Cookie,
            credential: "s%3A\"abc\"\\".into(),
            origin: Some("https://chat.example".into()),
            address: IpAddr::from([192, 0, 2, 7]),
            path: "/ws/chat".into(),
        }
    }

    #[test]
    fn a_question_is_one_json_object_whatever_the_credential_holds() {
        assert_eq!(
            question().body(),
            r#"{"credential":"s%3A\"abc\"\\","source":"cookie","address":"192.0.2.7","origin":"https://chat.example","path":"/ws/chat"}"#
        );
        let plain = Question {
            source: Source::Bearer,
            origin: None,
            ..question()
        };
        assert!(!plain.body().contains("origin"), "{}", plain.body());
    }

    #[test]
    fn whatever_the_hook_is_told_tells_questions_apart() {
        let key = question().key();
        assert_eq!(question().key(), key);
        for (changed, what) in [
            (
                Question {
                    source: Source::Bearer,
                    ..question()
                },
                "source",
            ),
            (
                Question {
                    credential: "s%3A".into(),
                    ..question()
                },
                "credential",
            ),
            (
                Question {
                    origin: None,
                    ..question()
                },
                "no origin",
            ),
            (
                Question {
                    origin: Some("".into()),
                    ..question()
                },
                "origin",
            ),
            (
                Question {
                    address: IpAddr::from([192, 0, 2, 8]),
                    ..question()
                },
                "address",
            ),
            (
                Question {
                    path: "/ticket".into(),
                    ..question()
                },
                "path",
            ),
        ] {
            assert_ne!(changed.key(), key, "{what}");
        }
        let shifted = Question {
            credential: "ab".into(),
            origin: Some("c".into()),
            ..question()
        };
        let other = Question {
            credential: "a".into(),
            origin: Some("bc".into()),
            ..question()
        };
        assert_ne!(shifted.key(), other.key(), "parts run into each other");
    }

    #[test]
    fn a_question_never_prints_what_it_asks_about() {
        let shown = format!("{:?} {:?}", question(), question().key());
        assert_eq!(shown, "Question(Cookie, ***) QuestionKey(***)");
    }
}
