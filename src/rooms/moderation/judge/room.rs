//! What the room is like, and what was said in it.

use std::sync::Arc;
use std::time::Duration;

use super::{Case, Judged, PURGED_PER_STEP_MAX};
use crate::protocol::command::rooms::RoomPatch;
use crate::protocol::refusal::RoomRefusal;
use crate::protocol::vocabulary::Capability;
use crate::rooms::audit::Entry;
use crate::rooms::moderation::plan::apply;
use crate::rooms::moderation::{Action, Hold};
use crate::rooms::record::{Deleter, MessageChange};
use crate::rooms::settings::Settings;
use crate::rooms::standing::Standing;

impl Case<'_> {
    pub(super) fn update(&self, patch: &RoomPatch<'_>) -> Judged {
        // Who only moderates may quiet a room, and nothing else of it.
        let quiets_only = *patch
            == RoomPatch {
                locked: patch.locked,
                slow_mode_ms: patch.slow_mode_ms,
                ..RoomPatch::default()
            };
        if quiets_only {
            self.need_say()?;
        } else {
            self.need(Capability::Configure)?;
        }
        let mut settings = self.lasting.settings.clone();
        let details = apply(patch, &mut settings, self.ceilings)?;
        let old = &self.lasting.settings;
        let takes = settings.kind != old.kind
            || settings.join_rule != old.join_rule
            || settings.is_locked != old.is_locked;
        let entry = Entry {
            details: details.trim_end().into(),
            ..self.entry(Action::Update)
        };
        self.set(
            settings,
            entry,
            if takes { Hold::Everybody } else { Hold::Nobody },
        )
    }

    pub(super) fn archive(&self, is_archived: bool) -> Judged {
        self.need(Capability::Configure)?;
        let settings = Settings {
            is_archived,
            ..self.lasting.settings.clone()
        };
        let action = if is_archived {
            Action::Archive
        } else {
            Action::Unarchive
        };
        self.set(settings, self.entry(action), Hold::Everybody)
    }

    pub(super) fn raid(&self, for_ms: u64) -> Judged {
        self.need_say()?;
        let raid_until = (for_ms > 0).then(|| self.now.after(Duration::from_millis(for_ms)));
        let settings = Settings {
            raid_until,
            ..self.lasting.settings.clone()
        };
        let entry = Entry {
            until: raid_until,
            ..self.entry(Action::Raid)
        };
        self.set(settings, entry, Hold::Nobody)
    }

    pub(super) fn set(&self, settings: Settings, entry: Entry, hold: Hold) -> Judged {
        if settings == self.lasting.settings {
            return Err(RoomRefusal::Already);
        }
        let mut planned = self.planned(entry, hold);
        planned.change.settings = Some(Box::new(settings));
        Ok(planned)
    }

    pub(super) fn delete(&self) -> Judged {
        self.need(Capability::Configure)?;
        let mut planned = self.planned(self.entry(Action::Delete), Hold::Everybody);
        planned.change.is_deletion = true;
        Ok(planned)
    }

    pub(super) fn edit(&self, seq: u64, text: &str) -> Judged {
        self.need(Capability::Send)?;
        self.messages(
            MessageChange::Edit {
                seq,
                author: Arc::clone(&self.actor.user),
                text: text.into(),
            },
            None,
        )
    }

    pub(super) fn delete_message(&self, seq: u64, reason: &str) -> Judged {
        if self.need(Capability::Moderate).is_err() {
            self.need(Capability::Send)?;
            let by = Deleter::Author(Arc::clone(&self.actor.user));
            return self.messages(MessageChange::Delete { seq, by }, None);
        }
        let spared = |(user, standing): (&Arc<str>, &Standing)| {
            let is_spared = **user != *self.actor.user && !self.outranks(standing);
            is_spared.then(|| Arc::clone(user))
        };
        let by = Deleter::Moderator {
            spared: self.lasting.standings.iter().filter_map(spared).collect(),
        };
        let entry = Entry {
            seq: Some(seq),
            reason: reason.into(),
            ..self.entry(Action::DeleteMessage)
        };
        self.messages(MessageChange::Delete { seq, by }, Some(entry))
    }

    pub(super) fn purge(&self, user: &Arc<str>, reason: &str) -> Judged {
        let all = MessageChange::DeleteAllOf {
            user: Arc::clone(user),
            messages_max: PURGED_PER_STEP_MAX,
            is_rest: false,
        };
        if **user == *self.actor.user {
            self.need(Capability::Send)?;
            return self.messages(all, None);
        }
        self.over(user)?;
        self.messages(all, Some(self.about(Action::Purge, user, reason)))
    }

    pub(super) fn messages(&self, messages: MessageChange, entry: Option<Entry>) -> Judged {
        if !self.lasting.settings.is_durable {
            return Err(RoomRefusal::NotKept);
        }
        let mut planned = self.planned(self.entry(Action::Update), Hold::Nobody);
        planned.change.entry = entry;
        planned.change.messages = Some(messages);
        Ok(planned)
    }
}
