//! Texts, held against a reading by way of a tree of all their fields.

use std::collections::BTreeMap;

use serde_json::Value;

use super::asked;
use crate::protocol::api::{
    Disconnect, NewRoom, Pardon, Publish, Revoke, RoomChange, SessionRequest, TicketRequest,
};
use crate::protocol::command::v1;
use crate::protocol::command::{Bounds, tutorial};
use crate::protocol::problem::Problem;
use crate::simulation::reference::commands::{Asked, Code};
use crate::simulation::reference::{bodies, commands};

/// A text is the same command, or refused with the same code, in both protocols, and the same call of the operator's.
///
/// # Panics
/// When it is not.
pub fn json(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    assert_eq!(asked_v1(text), commands::v1(text), "v1: {text:?}");
    assert_eq!(
        asked_tutorial(text),
        commands::tutorial(text),
        "tutorial: {text:?}"
    );
    assert_eq!(asked_change(text), bodies::change(text), "{text:?}");
    assert_eq!(asked_new_room(text), bodies::new_room(text), "{text:?}");
    for (kind, _) in bodies::CALLS {
        let found = asked_call(kind, text.as_bytes()).map_err(|problem| fault(&problem));
        assert_eq!(found, bodies::call(kind, text), "{kind}: {text:?}");
    }
}

fn asked_v1(text: &str) -> Result<Asked, Code> {
    let request = v1::parse(text, &Bounds::default()).map_err(|refused| refused.error.code())?;
    Ok(asked::v1(request))
}

fn asked_tutorial(text: &str) -> Result<Asked, Code> {
    let said = tutorial::parse(text, &Bounds::default()).map_err(|error| error.code())?;
    Ok(asked::tutorial(said))
}

fn asked_change(text: &str) -> Result<Asked, Code> {
    let change = RoomChange::parse(text.as_bytes(), &Bounds::default());
    change.map(asked::change).map_err(|problem| fault(&problem))
}

fn asked_new_room(text: &str) -> Result<Asked, Code> {
    let room = NewRoom::parse(text.as_bytes(), &Bounds::default());
    room.map(asked::new_room).map_err(|problem| fault(&problem))
}

fn asked_call(kind: &str, body: &[u8]) -> Result<BTreeMap<String, Value>, Problem> {
    Ok(match kind {
        "publish" => asked::publish(Publish::parse(body, &Bounds::default())?),
        "disconnect" => asked::disconnect(Disconnect::parse(body)?),
        "pardon" => asked::pardon(Pardon::parse(body)?),
        "ticket" => asked::ticket(TicketRequest::parse(body)?),
        "session" => asked::session(SessionRequest::parse(body)?),
        _ => asked::revoke(Revoke::parse(body)?),
    })
}

fn fault(problem: &Problem) -> Code {
    match problem {
        Problem::InvalidJson(_) => "json",
        Problem::InvalidField { .. } => "field",
        other => panic!("a body is refused as {other:?}"),
    }
}
