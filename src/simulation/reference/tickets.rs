//! Tickets as a list that is gone through from its beginning.

use super::base64;

/// A ticket that was given.
#[derive(Debug, Clone)]
pub struct Ticket {
    pub value: [u8; 32],
    pub user: String,
    pub origin: Option<String>,
    pub expires_ms: u64,
    /// When whoever it is for is nobody any more.
    pub user_expires_ms: u64,
}

/// Why none is given, or one is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    Full,
    UserFull,
    Taken,
    Bad,
    Expired,
}

/// Those that are outstanding, the earliest first.
#[derive(Debug)]
pub struct Tickets {
    pub list: Vec<Ticket>,
    pub tickets_max: usize,
    pub per_user_max: usize,
}

impl Tickets {
    /// Gives a ticket, unless there are too many; its text.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn mint(&mut self, ticket: Ticket, now_ms: u64) -> Result<String, Fault> {
        self.list.retain(|other| now_ms < other.expires_ms);
        let of_user = self.list.iter().filter(|other| other.user == ticket.user);
        if self.list.len() >= self.tickets_max {
            return Err(Fault::Full);
        }
        if of_user.count() >= self.per_user_max {
            return Err(Fault::UserFull);
        }
        if self.list.iter().any(|other| other.value == ticket.value) {
            return Err(Fault::Taken);
        }
        let text = base64::encode(&ticket.value, base64::URL_SAFE);
        self.list.push(ticket);
        Ok(text)
    }

    /// Whose ticket it is, when it is shown by a page of `origin`; it is spent, shown rightly or not.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn redeem(
        &mut self,
        text: &str,
        origin: Option<&str>,
        now_ms: u64,
    ) -> Result<String, Fault> {
        let is_it = |ticket: &Ticket| base64::encode(&ticket.value, base64::URL_SAFE) == text;
        let at = self.list.iter().position(is_it);
        let ticket = at.map(|at| self.list.remove(at));
        self.list.retain(|other| now_ms < other.expires_ms);
        let ticket = ticket.ok_or(Fault::Bad)?;
        if ticket.origin.is_some() && ticket.origin.as_deref() != origin {
            return Err(Fault::Bad);
        }
        if now_ms >= ticket.expires_ms || now_ms >= ticket.user_expires_ms {
            return Err(Fault::Expired);
        }
        Ok(ticket.user)
    }
}
