//! Commands about a room itself.

use super::Engine;
use crate::id::ConnectionId;
use crate::protocol::command::rooms::RoomCommand;
use crate::protocol::command::v1::RequestId;
use crate::protocol::refusal::RoomRefusal;
use crate::time::Now;

impl Engine {
    /// Carries out a command about one room. What has to be kept is answered when it is.
    pub(super) fn carry_out_about_room(
        &mut self,
        id: ConnectionId,
        request: Option<&RequestId<'_>>,
        room: &str,
        command: &RoomCommand<'_>,
        now: Now,
    ) -> Result<(), RoomRefusal> {
        let key = self.seen_room(id, room, now)?;
        match command {
            RoomCommand::Describe => {
                self.tell_description(id, request, key, now);
                Ok(())
            }
            RoomCommand::History { from, limit } => {
                self.ask_history(id, request, (key, *from, *limit), now)
            }
            RoomCommand::Log { from, limit } => {
                self.ask_log(id, request, (key, *from, *limit), now)
            }
            _ => Err(RoomRefusal::Forbidden),
        }
    }
}
