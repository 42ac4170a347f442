//! Attacks by what messages say, made by people who have signed in.

use super::super::attack::{Attack, Entry, From, MEMBERS, Outcome};
use super::super::reach::Need;
use super::SLOWED;
use crate::protocol::client::text;

/// A message of a flood of bytes is not too long for itself.
const WHOLE_FLOOD: Need = Need::AtLeast("limits.message_bytes_max", 7930);

pub(super) const ATTACKS: [Attack; 8] = [
    Attack {
        name: "message-flood",
        what: "Messages to the room where everybody is, as fast as they go",
        limits: &["limits.messages_per_user", "limits.commands_per_user"],
        signs: &["limited:messages_per_user"],
        shot: |aim, out| {
            let said = format!(
                "{{\"type\":\"send\",\"id\":{},\"room\":\"{}\",\"message\":\"buy\"}}",
                aim.shot, aim.lobby
            );
            out.extend(text(&said));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "byte-flood",
        what: "Requests that are good and nearly all white space, as fast as they go",
        needs: &[WHOLE_FLOOD],
        limits: &["limits.bytes_per_connection", "limits.bytes_per_address"],
        signs: &["limited:bytes_per_connection", "limited:bytes_per_address"],
        shot: |_, out| out.extend(text(&format!("{{\"type\":\"ping\"{}}}", " ".repeat(7900)))),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "bytes-of-one-address",
        what: "The same by five people behind one address",
        needs: &[WHOLE_FLOOD],
        limits: &["limits.bytes_per_address"],
        signs: &["limited:bytes_per_address"],
        sockets: 5,
        from: From::Address,
        entry: Entry::SignedIn(5),
        shot: |_, out| out.extend(text(&format!("{{\"type\":\"ping\"{}}}", " ".repeat(7900)))),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "long-message",
        what: "Messages of more characters than any may have",
        needs: &[Need::Below("limits.message_characters_max", 501)],
        limits: &["limits.message_characters_max"],
        signs: &["limited:message_characters_max"],
        shot: |aim, out| {
            let said = "z".repeat(501);
            let lobby = aim.lobby;
            out.extend(text(&format!(
                "{{\"type\":\"send\",\"room\":\"{lobby}\",\"message\":\"{said}\"}}"
            )));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "oversize-text",
        what: "Messages a little longer than any may be",
        needs: &[Need::Below("limits.message_bytes_max", 9000)],
        limits: &["limits.message_bytes_max"],
        signs: &["limited:message_bytes_max"],
        shots: 1,
        shot: |_, out| out.extend(text(&"y".repeat(9000))),
        expect: &[
            Outcome::Close(1009),
            Outcome::Status(429),
            Outcome::Close(1008),
        ],
        ..MEMBERS
    },
    Attack {
        name: "deep-json",
        what: "JSON of thousands of levels",
        needs: &[Need::AtLeast("limits.message_bytes_max", 8000)],
        limits: &[
            "limits.error_replies_per_connection",
            "limits.commands_per_user",
        ],
        signs: &["errors_told:too_deep"],
        shot: |_, out| out.extend(text(&"[".repeat(8000))),
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "wide-json",
        what: "JSON objects of hundreds of fields",
        needs: &[Need::AtLeast("limits.message_bytes_max", 5400)],
        limits: &[
            "limits.error_replies_per_connection",
            "limits.commands_per_user",
        ],
        signs: &["errors_told:too_many_fields"],
        shot: |_, out| {
            let fields: Vec<String> = (0..600).map(|number| format!("\"f{number}\":0")).collect();
            out.extend(text(&format!("{{{}}}", fields.join(","))));
        },
        expect: SLOWED,
        ..MEMBERS
    },
    Attack {
        name: "duplicate-key-json",
        what: "JSON objects that say everything twice",
        limits: &[
            "limits.error_replies_per_connection",
            "limits.commands_per_user",
        ],
        signs: &["errors_told:duplicate_field"],
        shot: |_, out| out.extend(text("{\"type\":\"ping\",\"type\":\"send\"}")),
        expect: SLOWED,
        ..MEMBERS
    },
];
