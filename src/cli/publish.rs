//! `wardroom publish`: words in a room, as the system or as somebody.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::arguments::parse_name;
use super::asking::{cell, show};
use super::client::{Client, percent_encoded};
use super::target::TargetArguments;
use super::{Failure, table};

#[derive(Debug, Args)]
pub(super) struct Publish {
    /// The room.
    room: String,
    /// What to say.
    message: String,
    /// In whose name, by their identifier; without it, the system's.
    #[arg(long = "as", value_name = "USER", value_parser = parse_name)]
    user: Option<String>,
    /// The name that others see; the identifier when there is none.
    #[arg(long, value_name = "NAME", requires = "user", value_parser = parse_name)]
    name: Option<String>,
    #[command(flatten)]
    pub(super) target: TargetArguments,
}

impl Publish {
    pub(super) fn run(&self, client: &Client, output: &mut dyn Write) -> Result<(), Failure> {
        let mut body = json!({ "message": self.message });
        if let (Some(user), Some(fields)) = (&self.user, body.as_object_mut()) {
            let mut author = json!({ "user": user });
            if let (Some(name), Some(fields)) = (&self.name, author.as_object_mut()) {
                fields.insert("name".to_owned(), Value::from(name.as_str()));
            }
            fields.insert("as".to_owned(), author);
        }
        let path = format!("/api/v1/rooms/{}/messages", percent_encoded(&self.room));
        let answer = client.post(&path, &body)?;
        show(&answer, self.target.json, output, |output| {
            table::print(
                ["ROOM", "SEQ"],
                &[[self.room.clone(), cell(&answer, "seq")]],
                output,
            )
        })
    }
}
